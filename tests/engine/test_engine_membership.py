"""Leaving costs a socket its own rooms, and many leaving at once do not hold up the rest."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from engine_harness import Wire, serving, until

from realtime.engine import Connection, Server
from realtime.engine.membership import Members, Membership


class CountedRooms(dict[str | None, Members]):
    """Counts how many rooms are looked at."""

    looked_at = 0

    def get(self, room: Any, default: Any = None) -> Any:
        type(self).looked_at += 1
        return super().get(room, default)

    def items(self) -> Any:
        raise AssertionError("somebody goes through all rooms")

    values = keys = __iter__ = copy = items


def crowd(size: int, rooms: int) -> tuple[Membership, list[str]]:
    """A manager with `size` members, everybody in two of `rooms` rooms."""
    server = cast("Any", Server())
    manager: Membership = server.manager
    manager.rooms["/"] = CountedRooms()
    sids = [manager.admit(cast("Any", SimpleNamespace(eio_sid=str(n))), "/") for n in range(size)]
    for number, sid in enumerate(sids):
        manager.confirm(sid)
        manager.basic_enter_room(sid, "/", f"room {number % rooms}")
        manager.basic_enter_room(sid, "/", "everybody")
    return manager, sids


async def test_a_disconnect_looks_only_at_the_rooms_of_the_socket() -> None:
    manager, sids = crowd(5_000, 1_000)
    CountedRooms.looked_at = 0
    for sid in sids[:1_000]:
        manager.basic_disconnect(sid, "/")
    assert CountedRooms.looked_at <= 3 * 1_000
    assert len(manager.members("/", "everybody")) == 4_000
    for sid in sids[1_000:]:
        manager.basic_disconnect(sid, "/")
    assert manager.rooms == {}
    assert manager._joined == {}


async def test_leaving_twice_or_a_room_of_others_changes_nothing() -> None:
    manager, sids = crowd(2, 2)
    manager.basic_leave_room(sids[0], "/", "room 1")
    manager.basic_leave_room(sids[0], "/", "room 0")
    manager.basic_leave_room(sids[0], "/", "room 0")
    manager.basic_leave_room("nobody", "/", "everybody")
    assert manager.get_rooms(sids[0], "/") == [sids[0], "everybody"]
    assert set(manager.members("/", ["room 1", "everybody"])) == set(sids)
    assert set(manager.members("/", [sids[0], "room 1"])) == set(sids)
    assert manager.get_rooms("nobody", "/") == []


async def test_departures_are_spread_over_turns_of_the_loop() -> None:
    server = Server()
    turns: list[int] = []
    left = 0

    async def on_left(connection: Connection, reason: str) -> None:
        nonlocal left
        left += 1

    server.on_disconnect(on_left)
    async with serving(server) as url:
        clients = [Wire(url) for _ in range(300)]
        for client in clients:
            await client.__aenter__()
            await client.connect()
        for connection in list(server.connections):
            connection.abort("transport close")
        while left < 300:
            turns.append(left)
            await asyncio.sleep(0)
        assert len(turns) >= 3
        assert server.manager.rooms == {}
        await asyncio.gather(*(client.__aexit__(None, None, None) for client in clients))


async def test_a_failing_hook_does_not_keep_a_socket_in_its_rooms() -> None:
    server = Server()

    async def fail(connection: Connection, reason: str) -> None:
        raise RuntimeError("on purpose")

    server.on_disconnect(fail)
    async with serving(server) as url:
        async with Wire(url) as client:
            server.join(await client.connect(), "room")
        await until(lambda: server.manager.rooms == {})
        assert server.counters.handler_errors == 1
