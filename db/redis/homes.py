"""Where rooms live: which server holds a room, and how to ask it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from redis.asyncio import Redis

from db.redis.node import Node

T = TypeVar("T")


class Homes(Protocol):
    @property
    def sharded(self) -> bool:
        """Channels are those of Redis Cluster (`SSUBSCRIBE`): heard from the server that holds the room."""

    @property
    def version(self) -> int:
        """Another one whenever a room may have another home."""

    @property
    def nodes(self) -> Sequence[Node]:
        """The servers that hold rooms now, as far as is known."""

    def home(self, room: str) -> Node:
        """Raises `Unavailable` while nobody is known to hold the room."""

    async def ask(self, room: str, work: Callable[[Redis], Awaitable[T]]) -> T:
        """Does `work` where the room lives; it may be done again, elsewhere. Raises `Unavailable`."""

    async def survey(self) -> None:
        """Looks again who holds what. Raises `Unavailable`."""

    async def check(self, node: Node) -> None:
        """Raises `Unavailable` unless this server does its work."""
