"""One Redis server that holds rooms."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.crc import key_slot


@dataclass(frozen=True, eq=False)
class Node:
    """`name` tells servers apart, in every process alike; it holds no password."""

    name: str
    redis: Redis

    async def dial(self, timeout_seconds: float) -> AbstractConnection:
        """A connection outside the pool, for subscriptions.

        It has no socket time-out of its own: with one redis-py sends under `asyncio.wait_for`, which can
        swallow a cancellation on Python 3.11. Raises `TimeoutError` and what redis-py raises.
        """
        pool = self.redis.connection_pool
        options: dict[str, Any] = {**pool.connection_kwargs, "socket_timeout": None}
        connection: AbstractConnection = pool.connection_class(**options)
        try:
            async with asyncio.timeout(timeout_seconds):
                await connection.connect()  # type: ignore[no-untyped-call]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection


def name_of(url: str) -> str:
    """Where `url` leads, without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}:{parts.port or 6379}{parts.path.rstrip('/') or '/0'}"


def slot_of(room: str) -> int:
    """Of a cluster; a room's keys and its channel share the hash tag `{room}`."""
    return key_slot(b"{%b}" % room.encode())
