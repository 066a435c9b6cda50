"""A block holds at once, on every phone of both and on every server, and looks like absence."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from domain.rooms import RoomState
from realtime.client import Client
from tests.realtime.conftest import DEADLINE_SECONDS, Phone, Running, StartPhone, StartServer


def said(number: int) -> dict[str, Any]:
    return {"client_id": f"blocks-{number:04}", "type": "check_in", "content": f"Day {number}."}


def posts_heard(phone: Phone) -> list[str]:
    return [told["data"]["post"]["id"] for told in phone.all("post:new")]


async def until(condition: Callable[[], bool]) -> None:
    """A block reaches the other servers through the rooms' logs, and tells no client."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110  (what is looked at has no event of its own)
            await asyncio.sleep(0.01)


async def test_neither_hears_the_other_on_any_server_from_then_on(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    one, other = await start_server(), await start_server()
    blocker, blocked, friend = await start_phone(one), await start_phone(other), await start_phone(one)
    first = (await blocked.ok("post:create", **said(1)))["post"]["id"]
    await blocker.received("post:new")
    await blocker.ok("block:add", user_id=blocked.id)
    (client,) = other.realtime.sessions.of_account(blocked.id)
    await until(lambda: blocker.id in client.blocked)
    theirs = (await blocked.ok("post:create", **said(2)))["post"]["id"]
    shared = (await friend.ok("post:create", **said(3)))["post"]["id"]
    for phone in (blocker, blocked):
        await phone.received("post:new", lambda told: told["data"]["post"]["id"] == shared)
    assert posts_heard(blocker) == [first, shared]
    mine = (await blocker.ok("post:create", **said(4)))["post"]["id"]
    last = (await friend.ok("post:create", **said(5)))["post"]["id"]
    await blocked.received("post:new", lambda told: told["data"]["post"]["id"] == last)
    assert mine not in posts_heard(blocked)
    for phone, hidden in ((blocker, theirs), (blocked, mine)):
        assert (await phone.refused("post:open", {"post_id": hidden}))["code"] == "not_found"
    assert not [name for phone in (blocker, blocked) for name, _ in phone.heard if name.startswith("~")]


async def test_an_open_thread_closes_for_the_blocked(server: Running, start_phone: StartPhone) -> None:
    author, blocked, friend = [await start_phone(server) for _ in range(3)]
    post = (await author.ok("post:create", **said(1)))["post"]["id"]
    for phone in (blocked, friend):
        await phone.ok("post:open", post_id=post)
    await author.ok("block:add", user_id=blocked.id)
    (client,) = server.realtime.sessions.of_account(blocked.id)
    await until(lambda: not server.realtime.rooms.hears(client, f"post:{post}"))
    answer = {"client_id": "blocks-answer", "post_id": post, "content": "I am here."}
    await author.ok("support:respond", **answer)
    await friend.received("response:new")
    own = (await blocked.ok("post:create", **said(2)))["post"]["id"]
    await blocked.received("post:new", lambda told: told["data"]["post"]["id"] == own)
    assert not blocked.all("response:new")


async def test_taking_a_block_back_brings_both_back(server: Running, start_phone: StartPhone) -> None:
    one, other = await start_phone(server), await start_phone(server)
    await one.ok("block:add", user_id=other.id)
    await one.ok("block:add", user_id=other.id)
    hidden = (await other.ok("post:create", **said(1)))["post"]["id"]
    assert (await one.refused("post:open", {"post_id": hidden}))["code"] == "not_found"
    await one.ok("block:remove", user_id=other.id)
    assert (await one.ok("post:open", post_id=hidden))["post"]["id"] == hidden


async def test_what_was_missed_is_replayed_without_what_was_removed_meanwhile(
    server: Running, start_phone: StartPhone
) -> None:
    author, reader = await start_phone(server), await start_phone(server)
    await author.ok("post:create", **said(1))
    seen = await reader.received("post:new")
    await reader.close()
    gone = (await author.ok("post:create", **said(2)))["post"]["id"]
    kept = (await author.ok("post:create", **said(3)))["post"]["id"]
    await author.ok("post:delete", post_id=gone)
    await author.received("post:removed")
    back = Phone(reader.account)
    positions = {"feed": {"epoch": seen["epoch"], "seq": seen["seq"]}}
    ready = await back.connect(server.url, positions=positions)
    assert ready["rooms"]["feed"]["recovered"]
    assert posts_heard(back) == [kept]
    assert [told["data"]["post_id"] for told in back.all("post:removed")] == [gone]
    await back.close()


async def test_counts_leave_out_what_a_blocked_person_gave_live_and_in_replay(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    one, other = await start_server(), await start_server()
    author, blocked, friend = await start_phone(one), await start_phone(one), await start_phone(one)
    reader = await start_phone(other)
    await reader.ok("block:add", user_id=blocked.id)
    post = (await author.ok("post:create", **said(1)))["post"]["id"]
    seen = await reader.received("post:new")
    await blocked.ok("support:quick", post_id=post, kind="been_there")
    await friend.received("support:changed", lambda told: told["data"]["counts"] == {"been_there": 1})
    await friend.ok("support:quick", post_id=post, kind="been_there")
    both = await friend.received("support:changed", lambda told: told["data"]["counts"] == {"been_there": 2})
    mine = await reader.received("support:changed", lambda told: told["seq"] == both["seq"])
    assert (mine["data"]["counts"], mine["event_id"]) == ({"been_there": 1}, both["event_id"])
    assert "shares" not in str(both)
    assert [told["data"]["counts"] for told in reader.all("support:changed", "feed")] == [
        {},
        {"been_there": 1},
    ]
    await reader.close()
    back = Phone(reader.account)
    position = {"epoch": seen["epoch"], "seq": seen["seq"]}
    ready = await back.connect(other.url, positions={"feed": position})
    assert ready["rooms"]["feed"]["recovered"]
    assert [told["data"]["counts"] for told in back.all("support:changed", "feed")] == [{"been_there": 1}] * 2
    await back.close()


def accounts_in(phone: Phone, event: str, **about: object) -> list[str]:
    """Whom events of this name were about, of those whose data holds this."""
    told = [one["data"] for one in phone.all(event)]
    return [data["account_id"] for data in told if about.items() <= data.items()]


async def test_neither_sees_the_other_come_go_or_write(server: Running, start_phone: StartPhone) -> None:
    author, blocked, friend, reader = [await start_phone(server) for _ in range(4)]
    circle = (await author.ok("circle:create", name="Night watch"))["circle"]["id"]
    post = (await author.ok("post:create", **said(1)))["post"]["id"]
    await reader.ok("block:add", user_id=blocked.id)
    for phone in (blocked, friend, reader):
        await phone.ok("circle:join", circle_id=circle)
        await phone.ok("post:open", post_id=post)
    await author.ok("post:open", post_id=post)
    for phone in (blocked, friend):
        await phone.ok("presence:set", status="away")
        await phone.ok("typing:start", post_id=post)
    for phone, seen in ((author, [blocked.id, friend.id]), (reader, [friend.id])):
        await phone.received("typing", lambda told: told["data"]["account_id"] == friend.id)
        assert accounts_in(phone, "presence:changed", status="away") == seen
        assert accounts_in(phone, "typing", typing=True) == seen
        joined = [told["data"]["member"]["id"] for told in phone.all("circle:member", f"circle:{circle}")]
        assert (blocked.id in joined) is (phone is author)


async def test_a_thread_is_not_entered_by_who_was_blocked_on_the_way(
    server: Running, start_phone: StartPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    author, blocked = await start_phone(server), await start_phone(server)
    thread = (await author.ok("post:create", **said(1)))["post"]["id"]
    room = f"post:{thread}"
    join = server.realtime.rooms.join

    async def slow_join(client: Client, name: str, *more: Any, **options: Any) -> RoomState:
        if name == room:
            await author.ok("block:add", user_id=blocked.id)
            await until(lambda: author.id in client.blocked)
        return await join(client, name, *more, **options)

    monkeypatch.setattr(server.realtime.rooms, "join", slow_join)
    back = Phone(blocked.account)
    ready = await back.connect(server.url, positions={room: {"epoch": "", "seq": 0}})
    assert room not in ready["rooms"]
    clients = server.realtime.sessions.of_account(blocked.id)
    assert not any(server.realtime.rooms.hears(client, room) for client in clients)
    await back.close()


async def test_a_change_of_a_circle_counts_nobody_whom_its_hearer_does_not_see(
    server: Running, start_phone: StartPhone
) -> None:
    owner, blocker, blocked = [await start_phone(server) for _ in range(3)]
    circle_id = (await owner.ok("circle:create", name="Night watch"))["circle"]["id"]
    for phone in (blocker, blocked):
        joined = await phone.ok("circle:join", circle_id=circle_id)
    await blocker.ok("block:add", user_id=blocked.id)
    (client,) = server.realtime.sessions.of_account(blocked.id)
    await until(lambda: blocker.id in client.blocked)
    edited = await owner.ok("circle:edit", circle_id=circle_id, name="Early birds")
    assert edited["circle"]["member_count"] == 3
    for phone, count in ((owner, 3), (blocker, 2), (blocked, 2)):
        told = await phone.received("circle:changed")
        assert told["data"]["circle"]["member_count"] == count
    position = joined["position"] | {"seq": 0}
    replayed = (await blocked.ok("resume", positions={f"circle:{circle_id}": position}))[
        f"circle:{circle_id}"
    ]
    (changed,) = [event for event in replayed["events"] if "circle" in event["data"]]
    assert changed["data"]["circle"]["member_count"] == 2
