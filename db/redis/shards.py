"""Rooms spread over servers that do not know each other."""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import TypeVar

from redis.asyncio import Redis

from db.redis.connection import reachable
from db.redis.node import Node

T = TypeVar("T")


class Shards:
    """Each room lives on the server that scores highest for it (rendezvous hashing): the order of the servers
    does not matter, and one more takes its share of the rooms and moves no other."""

    sharded = False
    version = 0

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes

    def home(self, room: str) -> Node:
        if len(self.nodes) == 1:
            return self.nodes[0]
        return max(self.nodes, key=lambda node: score(node, room))

    async def ask(self, room: str, work: Callable[[Redis], Awaitable[T]]) -> T:
        with reachable():
            return await work(self.home(room).redis)

    async def survey(self) -> None:
        """Nothing: they are what the settings say."""

    async def check(self, node: Node) -> None:
        with reachable():
            await node.redis.ping()


def score(node: Node, room: str) -> bytes:
    return blake2b(f"{node.name} {room}".encode(), digest_size=8).digest()
