"""One server's side of rooms, alone: real logs, a real feed, real mirrors; and nobody connected."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from db.redis.connection import open_redis
from db.redis.feed import RedisRoomFeed
from db.redis.rooms import RedisRoomLogs
from db.redis.servers import open_homes
from domain.errors import NotFound, Unavailable
from domain.events import Publication
from domain.ids import new_id
from domain.rooms import Logged, user_room
from realtime.client import Client
from realtime.engine import Server
from realtime.rooms import Rooms
from tests.contract.deadline import until
from tests.fakes.ports import make_fakes

EVENT = "tested"
TIMEOUT_SECONDS = 2.0
RETRY_SECONDS = 0.02


class Listening:
    """`heard`: the events of each room in the order in which its members would have been told."""

    def __init__(self, logs: RedisRoomLogs, feed: RedisRoomFeed, rooms: Rooms) -> None:
        self.logs = logs
        self.feed = feed
        self.rooms = rooms
        self.heard: defaultdict[str, list[Logged]] = defaultdict(list)
        rooms.watch(EVENT, lambda room, event: self.heard[room].append(event))

    async def open(self, rooms: Sequence[str]) -> None:
        """For a client that left before it was let in: the rooms are opened, nobody is in them."""
        client = cast("Client", SimpleNamespace(here=False))
        for room in rooms:
            with suppress(NotFound):
                await self.rooms.join(client, room)

    def said(self, room: str) -> list[bytes]:
        return [event.body for event in self.heard[room]]

    async def hears(self, room: str, count: int) -> None:
        async def enough() -> bool:
            return len(self.heard[room]) >= count

        await until(enough)


@asynccontextmanager
async def listening(urls: Sequence[str], **settings: Any) -> AsyncIterator[Listening]:
    usual = {"room_redis_urls": ",".join(urls), "store_timeout_seconds": TIMEOUT_SECONDS}
    fakes = make_fakes(**{**usual, **settings})
    shown = fakes.ports.settings
    async with AsyncExitStack() as stack:
        default = open_redis(urls[0].replace("+cluster", ""), connections_max=2, timeout_seconds=1.0)
        stack.push_async_callback(default.aclose)
        homes = open_homes(shown, default, stack)
        logs = RedisRoomLogs(homes, events_max=shown.room_log_events, log_seconds=3600, known_seconds=3600)
        feed = RedisRoomFeed(homes, timeout_seconds=TIMEOUT_SECONDS)
        ports = replace(fakes.ports, rooms=logs)
        rooms = Rooms(Server(), feed, ports, broken=lambda clients: None, linger_seconds=600)
        running = asyncio.create_task(rooms.run())
        try:
            yield Listening(logs, feed, rooms)
        finally:
            running.cancel()
            await asyncio.wait([running])


def some_rooms(count: int) -> list[str]:
    return [user_room(new_id()) for _ in range(count)]


async def publish(logs: RedisRoomLogs, room: str, text: str) -> int:
    """Says it until the log has it, as the relay would; each text is one event."""
    event = Publication(room, new_id(), EVENT, "", b'"data":"%b"}' % text.encode())
    async with asyncio.timeout(60):
        while True:
            try:
                return await logs.publish(event)
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
