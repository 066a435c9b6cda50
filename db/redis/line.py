"""One subscribed connection to one Redis server, which outlives every outage of it."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import structlog
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import MovedError, RedisError

from db.redis.node import Node, slot_of
from db.redis.rooms import channel, heard_of, room_of
from domain.rooms import Logged

log = structlog.get_logger(__name__)

BACKOFF_SECONDS, BACKOFF_SECONDS_MAX = 0.05, 2.0
PING_SECONDS = 2.0
SILENT_SECONDS_MAX = 3 * PING_SECONDS
AWAY_SECONDS = 1.5 * PING_SECONDS
COMMANDS_PER_WRITE = 500


class Subscription:
    """A room somebody wants to hear. `heard` is done while it is heard; `missed`: it was not, for a while."""

    __slots__ = ("heard", "line", "missed", "room")

    def __init__(self, room: str) -> None:
        self.room = room
        self.line: Line | None = None
        self.heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.missed = False

    def lose(self) -> None:
        """From now on it is not heard."""
        self.missed = True
        if self.heard.done():
            self.heard = asyncio.get_running_loop().create_future()


class Ears(NamedTuple):
    """Who is told what a line hears; none of them may wait.

    `again`: a room is heard again after a gap. `elsewhere`: a room is not on this server (any more).
    """

    hear: Callable[[str, Logged], None]
    again: Callable[[str], None]
    elsewhere: Callable[[Subscription], None]


class Line:
    """Keeps the subscriptions it was given, over one connection after another."""

    def __init__(self, node: Node, ears: Ears, *, sharded: bool, timeout_seconds: float) -> None:
        self.node = node
        self._ears = ears
        self._timeout = timeout_seconds
        self._subscribe, self._unsubscribe = (
            ("SSUBSCRIBE", "SUNSUBSCRIBE") if sharded else ("SUBSCRIBE", "UNSUBSCRIBE")
        )
        self._subscriptions: dict[str, Subscription] = {}
        self._connected = False
        self._unsent: deque[tuple[str, str]] = deque()
        self._asked: dict[str, int] = {}
        self._news = asyncio.Event()
        self._heard_at = float("-inf")
        self._began_at = asyncio.get_running_loop().time()

    def silent_seconds(self) -> float:
        """Since anything came; a pong comes every few seconds, so a dead line is seen by its silence."""
        return asyncio.get_running_loop().time() - self._heard_at

    @property
    def away(self) -> bool:
        """Not to be reached, for so long that it is not likely to be soon."""
        heard_at = max(self._heard_at, self._began_at)
        return not self._connected and asyncio.get_running_loop().time() - heard_at > AWAY_SECONDS

    def add(self, subscription: Subscription) -> None:
        subscription.line = self
        self._subscriptions[subscription.room] = subscription
        if self._connected:
            self._ask(self._subscribe, subscription.room)

    def remove(self, subscription: Subscription) -> None:
        subscription.line = None
        del self._subscriptions[subscription.room]
        if self._connected:
            self._ask(self._unsubscribe, subscription.room)

    async def run(self) -> None:
        """Listens until cancelled; whatever happens it begins again."""
        delay = BACKOFF_SECONDS
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._hold()
            except* (RedisError, OSError, TimeoutError) as lost:
                log.warning("room_feed.lost", error=type(lost.exceptions[0]).__name__)
            except* Exception:
                log.exception("room_feed.failed")
            if self._heard_at > began:
                delay = BACKOFF_SECONDS
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))
            delay = min(delay * 2, BACKOFF_SECONDS_MAX)

    async def _hold(self) -> None:
        """One connection, from its beginning to its loss."""
        connection = await self.node.dial(self._timeout)
        try:
            self._resubscribe()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write(connection), name="room-feed-write")
                tasks.create_task(self._ping(), name="room-feed-ping")
                tasks.create_task(self._listen(connection), name="room-feed-listen")
        finally:
            self._hang_up()
            await connection.disconnect(nowait=True)

    def _resubscribe(self) -> None:
        self._connected = True
        for room in self._subscriptions:
            self._ask(self._subscribe, room)

    def _hang_up(self) -> None:
        self._connected = False
        self._unsent.clear()
        self._asked.clear()
        for subscription in self._subscriptions.values():
            subscription.lose()

    # Out: commands in the order they were given, many in one write.

    def _ask(self, command: str, room: str) -> None:
        self._unsent.append((command, room))
        self._news.set()

    async def _ping(self) -> None:
        while True:
            self._ask("PING", "")
            await asyncio.sleep(PING_SECONDS)

    async def _write(self, connection: AbstractConnection) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._unsent:
                await connection.send_packed_command(self._packed(connection), check_health=False)

    def _packed(self, connection: AbstractConnection) -> list[bytes]:
        packed: list[bytes] = []
        for _ in range(min(len(self._unsent), COMMANDS_PER_WRITE)):
            command, room = self._unsent.popleft()
            if command == self._subscribe:
                self._asked[room] = self._asked.get(room, 0) + 1
            words = (command, channel(room)) if room else (command,)
            packed += connection.pack_command(*words)
        return packed

    # In.

    async def _listen(self, connection: AbstractConnection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                message = await connection.read_response(timeout=SILENT_SECONDS_MAX)
            except MovedError as error:
                self._slot_moved(error.slot_id)
                continue
            if message is None:
                raise TimeoutError
            self._heard_at = loop.time()
            if isinstance(message, list):
                self._take(message)

    def _take(self, message: list[Any]) -> None:
        kind = message[0]
        if kind in (b"message", b"smessage"):
            self._ears.hear(room_of(message[1]), heard_of(message[2]))
        elif kind in (b"subscribe", b"ssubscribe"):
            self._confirmed(room_of(message[1]))
        elif kind == b"sunsubscribe":
            self._ended(room_of(message[1]))

    def _confirmed(self, room: str) -> None:
        """Heard from now on, unless it was given up and asked for again meanwhile."""
        left = self._asked.pop(room, 1) - 1
        if left:
            self._asked[room] = left
        elif (subscription := self._subscriptions.get(room)) is not None:
            self._begin(subscription)

    def _begin(self, subscription: Subscription) -> None:
        if not subscription.heard.done():
            subscription.heard.set_result(None)
        if subscription.missed:
            subscription.missed = False
            self._ears.again(subscription.room)

    def _ended(self, room: str) -> None:
        """An answer to us; or word from the server, unasked, that the slot of the room moved away."""
        if room not in self._asked:
            self._move(room)

    def _slot_moved(self, slot: int) -> None:
        """The answer to a subscription whose room lives on another server names only the slot."""
        for room in [room for room in self._subscriptions if slot_of(room) == slot]:
            self._asked.pop(room, None)
            self._move(room)

    def _move(self, room: str) -> None:
        if (subscription := self._subscriptions.pop(room, None)) is not None:
            subscription.line = None
            subscription.lose()
            self._ears.elsewhere(subscription)
