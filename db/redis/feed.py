"""The live side of room logs: every wanted room is heard from the server it lives on."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

import structlog

from db.redis.homes import Homes
from db.redis.line import Ears, Line, Subscription
from db.redis.node import Node
from domain.errors import Unavailable
from domain.rooms import Logged

log = structlog.get_logger(__name__)

Hear = Callable[[str, Logged], None]
Again = Callable[[str], None]

SURVEY_SECONDS = 2.0
"""How soon a new server, or a new primary that nobody told us of, is seen."""
HOMELESS_SECONDS = 0.05


class RedisRoomFeed:
    """Hears the channels of the rooms that were subscribed to.

    Redis keeps nothing for us: a room that was not heard for a while is told to `again`, which reads its log.
    """

    def __init__(self, homes: Homes, *, timeout_seconds: float) -> None:
        self._homes = homes
        self._timeout = timeout_seconds
        self._wanted: dict[str, Subscription] = {}
        self._homeless: set[Subscription] = set()
        self._lines: dict[Node, Line] = {}
        self._listening: dict[Node, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self._arranged = -1

    def silent_seconds(self) -> float:
        """Of the line that has been silent longest."""
        return max((line.silent_seconds() for line in self._lines.values()), default=float("inf"))

    async def subscribe(self, room: str) -> None:
        """Returns when Redis confirmed; raises `Unavailable` after the time-out, and subscribes later.

        At once where the server is known to be away: a phone that connects waits for several rooms.
        """
        if (subscription := self._wanted.get(room)) is None:
            subscription = self._wanted[room] = Subscription(room)
            self._place(subscription)
        away = subscription.line is not None and subscription.line.away
        try:
            async with asyncio.timeout(0 if away else self._timeout):
                await asyncio.shield(subscription.heard)
        except TimeoutError:
            subscription.missed = True
            raise Unavailable from None

    def unsubscribe(self, room: str) -> None:
        """At once: who subscribes again afterwards hears the room."""
        if (subscription := self._wanted.pop(room, None)) is None:
            return
        self._homeless.discard(subscription)
        if subscription.line is not None:
            subscription.line.remove(subscription)

    async def run(self, hear: Hear, again: Again) -> None:
        """Listens until cancelled."""
        ears = Ears(hear, again, self._lost_home)
        try:
            while True:
                try:
                    await self._arrange(ears)
                except Exception:
                    log.exception("room_feed.not_arranged")
                await self._wait()
        finally:
            await self._end(list(self._listening))

    async def _wait(self) -> None:
        """Until the next survey, which comes sooner while a room has no home."""
        if not self._homeless:
            with suppress(TimeoutError):
                async with asyncio.timeout(SURVEY_SECONDS):
                    await self._news.wait()
        if self._homeless:
            await asyncio.sleep(HOMELESS_SECONDS * random.uniform(0.5, 1.5))
        self._news.clear()

    async def _arrange(self, ears: Ears) -> None:
        """A line to every server that holds rooms, and every room on the line to its server."""
        try:
            await self._homes.survey()
        except Unavailable:
            log.warning("room_feed.no_survey")
        nodes = self._homes.nodes
        await self._end([node for node in self._lines if node not in nodes])
        for node in nodes:
            if node not in self._lines:
                self._begin(node, ears)
        moved = self._homes.version != self._arranged
        self._arranged = self._homes.version
        for subscription in list(self._wanted.values() if moved else self._homeless):
            self._place(subscription)

    def _begin(self, node: Node, ears: Ears) -> None:
        line = Line(node, ears, sharded=self._homes.sharded, timeout_seconds=self._timeout)
        self._lines[node] = line
        self._listening[node] = asyncio.create_task(line.run(), name="room-feed-line")

    async def _end(self, nodes: list[Node]) -> None:
        ending = [self._listening.pop(node) for node in nodes]
        for subscription in self._wanted.values():
            if subscription.line is not None and subscription.line.node in nodes:
                subscription.line.remove(subscription)
                subscription.lose()
                self._homeless.add(subscription)
        for node in nodes:
            del self._lines[node]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)

    def _place(self, subscription: Subscription) -> None:
        """Gives the subscription to the line of the room's home; without one it waits."""
        try:
            line = self._lines.get(self._homes.home(subscription.room))
        except Unavailable:
            line = None
        if line is subscription.line and line is not None:
            return
        if subscription.line is not None:
            subscription.line.remove(subscription)
            subscription.lose()
        if line is not None:
            self._homeless.discard(subscription)
            line.add(subscription)
        else:
            self._homeless.add(subscription)

    def _lost_home(self, subscription: Subscription) -> None:
        self._homeless.add(subscription)
        self._news.set()
