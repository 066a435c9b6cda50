"""Circles over REST: found, looked at, looked after."""

from typing import Any

import pytest
from rest_harness import Person

from domain import circles, invitations, members
from domain.circles import CircleView, CreateCircle, JoinCircle
from domain.invitations import Invite
from domain.members import RemoveMember

CIRCLE = {
    "id",
    "name",
    "description",
    "category",
    "max_members",
    "member_count",
    "is_private",
    "filter_level",
    "my_role",
    "created_at",
}


async def opened(owner: Person, **fields: Any) -> CircleView:
    """As somebody who has been here for a while: they open more than one circle a day."""
    await owner.rest.ports.records.accounts.update(owner.id, {"role": "helper"})
    command = CreateCircle(**{"name": "Night watch", **fields})
    return (await circles.create_circle(command, owner.user, owner.rest.ports)).circle


async def join(person: Person, circle_id: str) -> None:
    await circles.join_circle(JoinCircle(circle_id=circle_id), person.user, person.rest.ports)


async def names(person: Person, **query: object) -> list[str]:
    answer = await person.get("/v1/circles", **query)
    assert answer.status == 200, answer.text
    return [circle["name"] for circle in answer.body["items"]]


async def test_circles_are_discovered_and_mine_are_among_them(alice: Person, bob: Person) -> None:
    for name, category, is_private in (
        ("Night watch", "general", False),
        ("Quiet room", "alcohol", True),
        ("First thirty days", "alcohol", False),
    ):
        await opened(alice, name=name, category=category, is_private=is_private)
    assert await names(alice) == ["First thirty days", "Quiet room", "Night watch"]
    assert await names(bob) == ["First thirty days", "Night watch"]
    assert await names(bob, category="alcohol") == ["First thirty days"]
    assert await names(bob, name="night") == ["Night watch"]
    assert await names(bob, mine="true") == []
    assert await names(alice, mine="true", category="alcohol") == ["First thirty days", "Quiet room"]


async def test_cursors_walk_all_circles_once(alice: Person, bob: Person) -> None:
    made = [(await opened(alice, name=f"Circle {number}")).id for number in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await bob.get("/v1/circles", limit=2, **cursor)).body
        seen += [circle["id"] for circle in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == made[::-1]


async def test_one_circle_is_shown_as_it_is_to_whoever_asks(alice: Person, bob: Person) -> None:
    circle = await opened(alice, description="For when everybody else sleeps.", filter_level="lenient")
    mine, theirs = [(await person.get(f"/v1/circles/{circle.id}")).body for person in (alice, bob)]
    assert set(mine) == CIRCLE
    assert (mine["my_role"], theirs["my_role"]) == ("owner", None)
    assert {**mine, "my_role": None} == theirs
    assert theirs["filter_level"] == "lenient"


async def test_a_private_circle_is_there_for_members_and_invited_alone(alice: Person, bob: Person) -> None:
    circle = await opened(alice, name="Quiet room", is_private=True)
    path = f"/v1/circles/{circle.id}"
    for one in (path, f"{path}/members", f"{path}/posts", f"{path}/invitations", f"{path}/bars"):
        assert (await alice.get(one)).status == 200
        assert (await bob.get(one)).error == (404, "not_found", None)
    command = Invite(circle_id=circle.id, user_id=bob.id)
    made = (await invitations.invite(command, alice.user, alice.rest.ports)).invitation
    assert (await bob.get(path)).body["name"] == "Quiet room"
    assert (await bob.get(f"{path}/members")).error == (404, "not_found", None)
    (mine,) = (await bob.get("/v1/me/invitations")).body["items"]
    assert set(mine) == {"id", "circle", "inviter", "created_at", "expires_at"}
    assert (mine["id"], mine["circle"]["id"], mine["inviter"]["handle"]) == (made.id, circle.id, "alice")
    assert (await alice.ask("DELETE", f"/v1/me/invitations/{made.id}")).error == (404, "not_found", None)
    assert (await bob.ask("DELETE", f"/v1/me/invitations/{made.id}")).status == 204
    assert (await bob.get(path)).error == (404, "not_found", None)


async def test_members_are_listed_to_members(alice: Person, bob: Person) -> None:
    circle = await opened(alice)
    path = f"/v1/circles/{circle.id}/members"
    assert (await bob.get(path)).error == (403, "forbidden", None)
    await join(bob, circle.id)
    first = (await bob.get(path, limit=1)).body
    rest = (await bob.get(path, cursor=first["next_cursor"])).body
    shown = [(one["member"]["handle"], one["role"]) for one in first["items"] + rest["items"]]
    assert shown == [("alice", "owner"), ("bob", "member")]
    assert set(first["items"][0]) == {"member", "role", "joined_at"}
    await bob.rest.ports.records.blocks.add(bob.id, alice.id, bob.rest.ports.now())
    assert [one["member"]["handle"] for one in (await bob.get(path)).body["items"]] == ["bob"]


async def test_codes_are_listed_and_taken_back_by_who_looks_after_the_circle(
    alice: Person, bob: Person
) -> None:
    circle = await opened(alice)
    await join(bob, circle.id)
    path = f"/v1/circles/{circle.id}/invitations"
    command = Invite(circle_id=circle.id, uses=3)
    made = (await invitations.invite(command, alice.user, alice.rest.ports)).invitation
    (listed,) = (await alice.get(path)).body["items"]
    assert (listed["code"], listed["uses"], listed["uses_max"]) == (made.code, 0, 3)
    assert (await bob.get(path)).error == (403, "forbidden", None)
    assert (await bob.ask("DELETE", f"{path}/{made.id}")).error == (403, "forbidden", None)
    assert (await alice.ask("DELETE", f"{path}/{made.id}")).status == 204
    assert (await alice.ask("DELETE", f"{path}/{made.id}")).error == (404, "not_found", None)
    assert (await alice.get(path)).body["items"] == []


async def test_a_bar_is_listed_and_lifted(alice: Person, bob: Person) -> None:
    circle = await opened(alice)
    await join(bob, circle.id)
    ports, path = alice.rest.ports, f"/v1/circles/{circle.id}/bars"
    await members.remove_member(RemoveMember(circle_id=circle.id, user_id=bob.id), alice.user, ports)
    (bar,) = (await alice.get(path)).body["items"]
    assert (bar["member"]["handle"], set(bar)) == ("bob", {"member", "removed_at"})
    assert (await bob.ask("DELETE", f"{path}/{bob.id}")).error == (403, "forbidden", None)
    assert (await alice.ask("DELETE", f"{path}/{bob.id}")).status == 204
    assert (await alice.ask("DELETE", f"{path}/{bob.id}")).status == 204
    await join(bob, circle.id)


@pytest.mark.parametrize("handle", ["tom_5551234567", "Kill-Yourself"])
async def test_a_handle_is_read_before_it_is_taken(alice: Person, handle: str) -> None:
    answer = await alice.rest.ask("POST", "/v1/auth/register", {"handle": handle})
    assert answer.error == (400, "invalid", "handle")
    assert (await alice.ask("PATCH", "/v1/me", {"handle": handle})).error == (400, "invalid", "handle")
