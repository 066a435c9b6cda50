"""Circles through sockets: invited, in charge, removed; on every server at once."""

import asyncio
from typing import Any

import pytest

from domain.events import Publication
from domain.ids import new_id
from domain.rooms import RoomState
from realtime.client import Client
from tests.realtime.conftest import DEADLINE_SECONDS, Phone, Running, StartPhone, StartServer


async def post(phone: Phone, number: int, circle_id: str, visibility: str = "circle") -> str:
    said = {"client_id": f"circles-{number:04}", "type": "check_in", "content": f"Day {number}."}
    answer = await phone.ok("post:create", **said, circle_id=circle_id, visibility=visibility)
    made: str = answer["post"]["id"]
    return made


def posts_heard(phone: Phone) -> list[str]:
    return [told["data"]["post"]["id"] for told in phone.all("post:new")]


async def opened(phone: Phone, *members: Phone) -> str:
    """The id of a new circle with these members, which all of them hear."""
    circle_id: str = (await phone.ok("circle:create", name="Night watch"))["circle"]["id"]
    for member in members:
        await member.ok("circle:join", circle_id=circle_id)
    return circle_id


async def test_who_is_removed_hears_nothing_more_on_any_server(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    one, other = await start_server(), await start_server()
    owner, member, friend = await start_phone(one), await start_phone(one), await start_phone(other)
    tablet = Phone(member.account)
    await tablet.connect(other.url)
    circle_id = await opened(owner, member, friend)
    first = await post(owner, 1, circle_id)
    for phone in (member, tablet, friend):
        await phone.received("post:new")
    await owner.ok("circle:remove_member", circle_id=circle_id, user_id=member.id)
    # Said right after the answer, and so after the removal in the room's log: nobody removed hears it.
    second = await post(owner, 2, circle_id)
    await friend.received("post:new", lambda told: told["data"]["post"]["id"] == second)
    for phone in (member, tablet):
        gone = await phone.received("circle:member", lambda told: told["data"]["action"] == "removed")
        assert gone["data"]["member"]["id"] == member.id
        own = await phone.ok("post:create", client_id=f"own-{id(phone)}", type="check_in", content="Day 3.")
        await phone.received(
            "post:new", lambda told, own=own: told["data"]["post"]["id"] == own["post"]["id"]
        )
        assert first in posts_heard(phone)
        assert second not in posts_heard(phone)
        assert (await phone.refused("circle:join", {"circle_id": circle_id}))["code"] == "forbidden"
        assert (await phone.refused("post:open", {"post_id": second}))["code"] == "not_found"
    seen = await friend.received("circle:member", lambda told: told["data"]["action"] == "removed")
    assert seen["room"] == f"circle:{circle_id}"
    await tablet.close()


async def test_open_threads_of_the_circle_close_with_the_removal(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    one, other = await start_server(), await start_server()
    owner, member = await start_phone(one), await start_phone(other)
    circle_id = await opened(owner, member)
    within, outside = await post(owner, 1, circle_id), await post(owner, 2, circle_id, visibility="public")
    for thread in (within, outside):
        await member.ok("post:open", post_id=thread)
    back = Phone(member.account)
    nowhere = {"epoch": "", "seq": 0}
    ready = await back.connect(one.url, positions={f"post:{within}": nowhere})
    assert f"post:{within}" in ready["rooms"]
    await owner.ok("circle:remove_member", circle_id=circle_id, user_id=member.id)
    for thread in (within, outside):
        said = {"client_id": f"answer-{thread[-8:]}", "post_id": thread, "content": "Good morning."}
        await owner.ok("support:respond", **said)
    await member.received("response:new")
    assert [told["data"]["response"]["post_id"] for told in member.all("response:new")] == [outside]
    await back.received("circle:member", lambda told: told["data"]["action"] == "removed")
    assert not back.all("response:new")
    await back.close()


async def test_who_was_removed_while_away_gets_no_replay(server: Running, start_phone: StartPhone) -> None:
    owner, member = await start_phone(server), await start_phone(server)
    circle_id = await opened(owner, member)
    room = f"circle:{circle_id}"
    first = await post(owner, 1, circle_id)
    seen = await member.received("post:new", lambda told: told["data"]["post"]["id"] == first)
    await member.close()
    await post(owner, 2, circle_id)
    await owner.ok("circle:remove_member", circle_id=circle_id, user_id=member.id)
    back = Phone(member.account)
    positions = {room: {"epoch": seen["epoch"], "seq": seen["seq"]}}
    ready = await back.connect(server.url, positions=positions)
    assert room not in ready["rooms"]
    assert await back.ok("resume", positions=positions) == {}
    assert posts_heard(back) == []
    await back.close()


async def test_an_invitation_is_told_accepted_and_heard_on_every_phone(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    one, other = await start_server(), await start_server()
    owner, guest = await start_phone(one), await start_phone(other)
    tablet = Phone(guest.account)
    await tablet.connect(one.url)
    circle_id = await opened(owner)
    made = await owner.ok("circle:invite", circle_id=circle_id, user_id=guest.id)
    told = await guest.received("circle:invited")
    assert (told["room"], told["seq"]) == (f"user:{guest.id}", 1)
    assert told["data"]["invitation"]["id"] == made["invitation"]["id"]
    answer = await guest.ok("circle:accept", invitation_id=made["invitation"]["id"])
    assert (answer["circle"]["my_role"], answer["position"]["seq"] > 0) == ("member", True)
    await tablet.received("circle:member", lambda told: told["room"] == f"user:{guest.id}")
    await tablet.ok("circle:join", circle_id=circle_id)
    number = await post(owner, 1, circle_id)
    for phone in (guest, tablet):
        await phone.received("post:new", lambda told: told["data"]["post"]["id"] == number)
    await tablet.close()


async def test_a_code_opens_a_private_circle_and_another_one_does_not(
    server: Running, start_phone: StartPhone
) -> None:
    owner, guest = await start_phone(server), await start_phone(server)
    await server.ports.records.accounts.update(owner.id, {"role": "helper"})
    made = await owner.ok("circle:create", name="Quiet room", is_private=True)
    circle_id = made["circle"]["id"]
    assert (await guest.refused("circle:join", {"circle_id": circle_id}))["code"] == "not_found"
    assert (await guest.refused("circle:accept", {"code": "ABCD-EFGH-IJKL-MNOP"}))["code"] == "not_found"
    invited = await owner.ok("circle:invite", circle_id=circle_id, uses=2)
    answer = await guest.ok("circle:accept", code=invited["invitation"]["code"].lower())
    assert answer["circle"]["id"] == circle_id


async def test_roles_and_changes_are_told_to_the_circle(server: Running, start_phone: StartPhone) -> None:
    owner, member = await start_phone(server), await start_phone(server)
    circle_id = await opened(owner, member)
    answer = await owner.ok("circle:edit", circle_id=circle_id, name="Early birds", filter_level="strict")
    changed = await member.received("circle:changed")
    assert changed["data"]["circle"] == {**answer["circle"], "my_role": None}
    await owner.ok("circle:set_role", circle_id=circle_id, user_id=member.id, role="owner")
    new_role = {"action": "role_changed", "role": "owner"}
    told = await member.received("circle:member", lambda told: new_role.items() <= told["data"].items())
    assert told["data"]["member"]["id"] == member.id
    assert (await owner.refused("circle:edit", {"circle_id": circle_id, "name": "Mine"}))[
        "code"
    ] == "forbidden"
    await owner.ok("circle:leave", circle_id=circle_id)


async def test_a_retry_over_another_socket_makes_no_second_circle(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    first, second = await start_server(), await start_server()
    owner = await start_phone(first)
    wanted = {"client_id": "a-retry-1", "name": "Early birds"}
    made = await owner.ok("circle:create", **wanted)
    again = Phone(owner.account)
    ready = await again.connect(second.url)
    answer = await again.ok("circle:create", **wanted)
    await again.close()
    assert answer["circle"] == made["circle"]
    assert f"circle:{made['circle']['id']}" in ready["rooms"]


async def test_a_name_that_calls_for_help_brings_it(server: Running, start_phone: StartPhone) -> None:
    owner = await start_phone(server, country="DE")
    answer = await owner.ok("circle:create", name="I want to die tonight")
    assert answer["crisis"]["country"] == "DE"
    refused = await owner.refused("circle:create", {"name": "Call me 555 123 4567"})
    assert (refused["code"], refused["field"]) == ("invalid", "name")
    second = await owner.send("circle:create", {"name": "I want to die tonight"})
    assert (second["ok"], second["error"]["code"]) == (False, "rate_limited")
    assert second["data"]["crisis"] == answer["crisis"]


def removed_on_the_way(
    server: Running, monkeypatch: pytest.MonkeyPatch, where: str, owner: Phone, account_id: str
) -> None:
    """Whoever enters this room is removed from the circle, and the server hears of it, before they are in."""
    join = server.realtime.rooms.join
    circle_id = where.partition("circle:")[2]

    async def slow_join(client: Client, room: str, *more: Any, **options: Any) -> RoomState:
        if room == where:
            guarded = circle_id or client.circle_threads[room]
            await owner.ok("circle:remove_member", circle_id=guarded, user_id=account_id)
            async with asyncio.timeout(DEADLINE_SECONDS):
                while guarded not in client.departures:  # noqa: ASYNC110  (a server tells nobody)
                    await asyncio.sleep(0.01)
        return await join(client, room, *more, **options)

    monkeypatch.setattr(server.realtime.rooms, "join", slow_join)


async def test_who_is_removed_while_coming_in_stays_outside_and_gets_no_replay(
    start_server: StartServer, start_phone: StartPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await start_server(), await start_server()
    owner, member = await start_phone(one), await start_phone(one)
    circle_id = await opened(owner, member)
    room = f"circle:{circle_id}"
    first = await post(owner, 1, circle_id)
    seen = await member.received("post:new", lambda told: told["data"]["post"]["id"] == first)
    await member.close()
    await post(owner, 2, circle_id)
    await owner.received("post:new", lambda told: told["data"]["post"]["id"] != first)
    removed_on_the_way(other, monkeypatch, room, owner, member.id)
    back = Phone(member.account)
    ready = await back.connect(other.url, positions={room: {"epoch": seen["epoch"], "seq": seen["seq"]}})
    assert set(ready["rooms"]) == {"feed", f"user:{member.id}"}
    (client,) = other.realtime.sessions.of_account(member.id)
    assert not other.realtime.rooms.hears(client, room)
    assert not back.all("post:new")
    await back.close()


async def test_who_is_removed_while_opening_a_thread_does_not_hear_it(
    server: Running, start_phone: StartPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, member = await start_phone(server), await start_phone(server)
    circle_id = await opened(owner, member)
    room = f"post:{await post(owner, 1, circle_id)}"
    removed_on_the_way(server, monkeypatch, room, owner, member.id)
    refused = await member.refused("post:open", {"post_id": room.partition(":")[2]})
    assert refused["code"] == "not_found"
    (client,) = server.realtime.sessions.of_account(member.id)
    assert not server.realtime.rooms.hears(client, room)


async def test_who_is_removed_while_accepting_stays_outside(
    server: Running, start_phone: StartPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, guest = await start_phone(server), await start_phone(server)
    circle_id = await opened(owner)
    made = await owner.ok("circle:invite", circle_id=circle_id, user_id=guest.id)
    room = f"circle:{circle_id}"
    removed_on_the_way(server, monkeypatch, room, owner, guest.id)
    refused = await guest.refused("circle:accept", {"invitation_id": made["invitation"]["id"]})
    assert refused["code"] == "not_found"
    (client,) = server.realtime.sessions.of_account(guest.id)
    assert not server.realtime.rooms.hears(client, room)


async def test_a_departure_that_is_told_late_keeps_no_member_outside(
    server: Running, start_phone: StartPhone
) -> None:
    """Whoever left on one phone and came back on another: servers tell the two in any order."""
    owner, member = await start_phone(server), await start_phone(server)
    circle_id = await opened(owner, member)
    room = f"circle:{circle_id}"
    thread = await post(owner, 1, circle_id)
    await member.ok("post:open", post_id=thread)
    left = b'"data":{"circle_id":"%b","action":"left"}}' % circle_id.encode()
    await server.ports.rooms.publish(Publication(room, new_id(), "circle:member", member.id, left))
    await owner.ok("support:respond", client_id="late-answer-1", post_id=thread, content="Good morning.")
    second = await post(owner, 2, circle_id)
    await member.received("response:new")
    await member.received("post:new", lambda told: told["data"]["post"]["id"] == second)
    seqs = [told["seq"] for _, told in member.heard if told.get("room") == room and "seq" in told]
    assert seqs == sorted(set(seqs))
