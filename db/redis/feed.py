"""The live side of room logs: one subscribed connection that outlives every outage of Redis."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from db.redis.rooms import channel, heard_of, room_of
from domain.errors import Unavailable
from domain.rooms import Logged

log = structlog.get_logger(__name__)

Hear = Callable[[str, Logged], None]
Lost = Callable[[], Awaitable[None]]

BACKOFF_SECONDS, BACKOFF_SECONDS_MAX = 0.05, 2.0
PING_SECONDS = 2.0
SUBSCRIBE_BATCH = 200


class RedisRoomFeed:
    """Hears the channels of the rooms that were subscribed to.

    Redis keeps nothing for us: after every reconnect `lost` is called and the rooms are read from the logs.
    """

    def __init__(self, redis: Redis, *, timeout_seconds: float) -> None:
        self._redis = redis
        self._timeout = timeout_seconds
        self._rooms: set[str] = set()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._connection: AbstractConnection | None = None
        self._heard_at = float("-inf")

    def silent_seconds(self) -> float:
        """Since anything came; a pong comes every few seconds, so a dead feed is seen by its silence."""
        return asyncio.get_running_loop().time() - self._heard_at

    async def subscribe(self, room: str) -> None:
        """Returns when Redis confirmed; after the time-out raises `Unavailable`, and subscribes later."""
        self._rooms.add(room)
        confirmed = self._waiting.setdefault(room, asyncio.get_running_loop().create_future())
        if self._connection is not None:
            await self._send("SUBSCRIBE", channel(room))
        try:
            await asyncio.wait_for(asyncio.shield(confirmed), self._timeout)
        except TimeoutError:
            raise Unavailable from None

    async def unsubscribe(self, room: str) -> None:
        self._rooms.discard(room)
        if (waiting := self._waiting.pop(room, None)) is not None:
            waiting.cancel()
        if self._connection is not None:
            await self._send("UNSUBSCRIBE", channel(room))

    async def run(self, hear: Hear, lost: Lost) -> None:
        """Listens until cancelled."""
        delay = BACKOFF_SECONDS
        while True:
            try:
                async with asyncio.TaskGroup() as tasks:
                    connection = await self._connect()
                    delay = BACKOFF_SECONDS
                    tasks.create_task(self._ping(), name="room-feed-ping")
                    tasks.create_task(self._after_connect(lost), name="room-feed-catch-up")
                    await self._listen(connection, hear)
            except* (RedisError, OSError, TimeoutError, Unavailable) as group:
                log.warning("room_feed.lost", error=type(group.exceptions[0]).__name__)
            finally:
                await self._disconnect()
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))
            delay = min(delay * 2, BACKOFF_SECONDS_MAX)

    async def _connect(self) -> AbstractConnection:
        pool = self._redis.connection_pool
        connection = pool.connection_class(**{**pool.connection_kwargs, "socket_timeout": None})
        await connection.connect()  # type: ignore[no-untyped-call]
        self._connection = connection
        names = [channel(room) for room in sorted(self._rooms)]
        for start in range(0, len(names), SUBSCRIBE_BATCH):
            await connection.send_command("SUBSCRIBE", *names[start : start + SUBSCRIBE_BATCH])
        return connection

    async def _after_connect(self, lost: Lost) -> None:
        """Events published before every room is subscribed again are in the logs only."""
        for room in list(self._rooms):
            if (waiting := self._waiting.get(room)) is not None:
                await asyncio.wait_for(asyncio.shield(waiting), self._timeout)
        await lost()

    async def _listen(self, connection: AbstractConnection, hear: Hear) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message: list[Any] = await connection.read_response(timeout=3 * PING_SECONDS)
            self._heard_at = loop.time()
            kind = message[0]
            if kind == b"message":
                hear(room_of(message[1]), heard_of(message[2]))
            elif kind == b"subscribe":
                self._confirm(room_of(message[1]))

    def _confirm(self, room: str) -> None:
        waiting = self._waiting.pop(room, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            await self._send("PING")

    async def _send(self, *command: str) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            await connection.send_command(*command)
        except (RedisError, OSError):
            await connection.disconnect(nowait=True)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
        loop = asyncio.get_running_loop()
        for room in self._rooms:
            self._waiting.setdefault(room, loop.create_future())
