"""Rooms on a Redis Cluster: one pool a server, and a map of slots that follows every move.

redis-py's own cluster client is not used: it has no sharded subscriptions, and on one lost connection it
closes those to all servers (decision 9).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog
from redis.asyncio import Redis
from redis.exceptions import AskError, ClusterDownError, MovedError, RedisError, TryAgainError

from db.redis.connection import command, reachable
from db.redis.node import Node, slot_of
from db.redis.slots import Claim, claims_of, holders, newest
from domain.errors import Unavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")
RETRY_SECONDS = 0.05
SETTLING = (MovedError, AskError, TryAgainError, ClusterDownError)
"""What a server answers while a slot moves or a new primary is chosen."""


class Cluster:
    """`dial(address)` opens the pool of one server; `seeds` are addresses (`host:port`) to ask first."""

    sharded = True

    def __init__(self, seeds: Sequence[str], dial: Callable[[str], Redis], *, timeout_seconds: float) -> None:
        self._seeds = tuple(seeds)
        self._dial = dial
        self._timeout = timeout_seconds
        self._known: dict[str, Node] = {}
        self.version = 0
        self._claims: list[Claim] = []
        self._held: list[str | None] = holders([])
        self._surveying: asyncio.Task[None] | None = None

    @property
    def nodes(self) -> Sequence[Node]:
        return [self._node(claim.address) for claim in self._claims if claim.slots]

    def home(self, room: str) -> Node:
        address = self._held[slot_of(room)]
        if address is None:
            raise Unavailable
        return self._node(address)

    async def ask(self, room: str, work: Callable[[Redis], Awaitable[T]]) -> T:
        """Follows the room while its slot moves, within the time-out of a store."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._ask(room, work)
        except TimeoutError as error:
            raise Unavailable from error

    async def _ask(self, room: str, work: Callable[[Redis], Awaitable[T]]) -> T:
        while True:
            try:
                with reachable():
                    return await work(self.home(room).redis)
            except SETTLING:
                await asyncio.sleep(RETRY_SECONDS * random.uniform(0.5, 1.5))
                await self.survey()
            except Unavailable:
                if not await self._moved(room):
                    raise

    async def _moved(self, room: str) -> bool:
        """Whether another server than before holds the room now."""
        slot = slot_of(room)
        before = self._held[slot]
        await self.survey()
        return self._held[slot] != before

    async def survey(self) -> None:
        """Asks every known server; those who ask meanwhile wait for the same answers."""
        if self._surveying is None or self._surveying.done():
            self._surveying = asyncio.create_task(self._survey(), name="cluster-survey")
            self._surveying.add_done_callback(_look_at)
        await asyncio.shield(self._surveying)

    async def _survey(self) -> None:
        addresses = {*self._seeds, *(claim.address for claim in self._claims)}
        views = await asyncio.gather(*(self._view(address) for address in sorted(addresses)))
        claims = newest(claim for view in views for claim in view)
        if not claims:
            raise Unavailable
        if claims != self._claims:
            self._claims, self._held, self.version = claims, holders(claims), self.version + 1
            log.info("cluster.mapped", primaries=len(self.nodes))
            await self._forget_unclaimed()

    async def _view(self, address: str) -> list[Claim]:
        """What one server says; nothing when it does not answer."""
        try:
            async with asyncio.timeout(self._timeout / 2):
                view = await command(self._node(address).redis, "CLUSTER", "NODES")
        except (RedisError, OSError, TimeoutError):
            return []
        return claims_of(view.decode(), address)

    async def _forget_unclaimed(self) -> None:
        kept = {*self._seeds, *(claim.address for claim in self._claims)}
        for address in self._known.keys() - kept:
            await self._known.pop(address).redis.aclose()

    def _node(self, address: str) -> Node:
        if (node := self._known.get(address)) is None:
            node = self._known[address] = Node(address, self._dial(address))
        return node

    async def check(self, node: Node) -> None:
        with reachable():
            info = await command(node.redis, "CLUSTER", "INFO")
        if b"cluster_state:ok" not in info:
            raise Unavailable

    async def close(self) -> None:
        if self._surveying is not None:
            self._surveying.cancel()
        for node in self._known.values():
            await node.redis.aclose()


def _look_at(survey: asyncio.Task[None]) -> None:
    """Its failure was told to those who waited; nobody may have."""
    if not survey.cancelled():
        survey.exception()
