"""Redis connections: every option said, nothing retried behind our back, one language of failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterParser
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from domain.errors import Unavailable


@contextmanager
def reachable() -> Iterator[None]:
    """Tells that Redis is lost or full as `Unavailable`; a command that it does not understand is our bug."""
    try:
        yield
    except (BusyLoadingError, ReadOnlyError, OutOfMemoryError) as error:
        raise Unavailable from error
    except ResponseError:
        raise
    except (RedisError, OSError, TimeoutError) as error:
        raise Unavailable from error


def open_pool(
    url: str, *, connections_max: int, timeout_seconds: float, **options: Any
) -> BlockingConnectionPool:
    """Connects at the first use. A repeated `INCR` counts twice, so no command is repeated here."""
    return BlockingConnectionPool.from_url(
        url,
        max_connections=connections_max,
        timeout=timeout_seconds,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        socket_keepalive=True,
        health_check_interval=0,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        retry_on_timeout=False,
        **options,
    )


def open_redis(url: str, *, connections_max: int, timeout_seconds: float, in_cluster: bool = False) -> Redis:
    """`in_cluster`: the answers of a moving slot are exceptions of their own."""
    parser = {"parser_class": ClusterParser} if in_cluster else {}
    pool = open_pool(url, connections_max=connections_max, timeout_seconds=timeout_seconds, **parser)
    return Redis.from_pool(pool)


async def command(redis: Redis, *words: str | bytes) -> Any:
    """A command that redis-py has no method for, or whose answer is wanted as it is."""
    return await redis.execute_command(*words)  # type: ignore[no-untyped-call]
