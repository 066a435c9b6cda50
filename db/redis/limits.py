"""Rate limits in Redis, shared by all servers; in this process alone while Redis is away."""

import time

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import RateLimiter, SlidingWindowCounterRateLimiter
from redis.asyncio import Redis

from db.redis.connection import reachable
from domain.errors import Unavailable

log = structlog.get_logger(__name__)
PREFIX = "limit"


class RedisRateLimits:
    def __init__(self, redis: Redis) -> None:
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            connection_pool=redis.connection_pool,  # type: ignore[arg-type]
            key_prefix=PREFIX,
        )
        self._shared: RateLimiter = SlidingWindowCounterRateLimiter(storage)
        self._local: RateLimiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def wait_seconds(self, scope: str, key: str, limit: int, window_seconds: int) -> float:
        item = RateLimitItemPerSecond(limit, window_seconds, namespace=scope)
        try:
            with reachable():
                return await _hit(self._shared, item, key)
        except Unavailable:
            log.warning("limits.local", scope=scope)
            return await _hit(self._local, item, key)


async def _hit(limiter: RateLimiter, item: RateLimitItemPerSecond, key: str) -> float:
    if await limiter.hit(item, key):
        return 0.0
    window = await limiter.get_window_stats(item, key)
    return max(window.reset_time - time.time(), 1.0)
