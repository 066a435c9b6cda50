"""Opening the servers that hold rooms."""

from contextlib import AsyncExitStack
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio import Redis

from db.redis.cluster import Cluster
from db.redis.connection import open_redis
from db.redis.homes import Homes
from db.redis.node import Node, name_of
from db.redis.shards import Shards
from domain.settings import CLUSTER_SCHEMES, Settings


def open_homes(settings: Settings, default: Redis, stack: AsyncExitStack) -> Homes:
    """What `room_redis_urls` say; without them the rooms live on `default`. Closed with `stack`."""
    urls = settings.room_redis_urls
    if not urls:
        return Shards([Node("default", default)])
    if urls[0].startswith(CLUSTER_SCHEMES):
        return _open_cluster(urls, settings, stack)
    return Shards([_open_node(url, settings, stack) for url in urls])


def _open_node(url: str, settings: Settings, stack: AsyncExitStack) -> Node:
    redis = _open(url, settings)
    stack.push_async_callback(redis.aclose)
    return Node(name_of(url), redis)


def _open_cluster(urls: tuple[str, ...], settings: Settings, stack: AsyncExitStack) -> Cluster:
    """User, password and options of the first URL hold for every server of the cluster."""
    seeds = [urlsplit(url.replace("+cluster", "", 1)) for url in urls]
    user = seeds[0].netloc.rpartition("@")[0]

    def dial(address: str) -> Redis:
        parts = seeds[0]._replace(netloc=f"{user}@{address}" if user else address)
        return _open(urlunsplit(parts), settings, in_cluster=True)

    addresses = [f"{seed.hostname}:{seed.port or 6379}" for seed in seeds]
    cluster = Cluster(addresses, dial, timeout_seconds=settings.store_timeout_seconds)
    stack.push_async_callback(cluster.close)
    return cluster


def _open(url: str, settings: Settings, *, in_cluster: bool = False) -> Redis:
    return open_redis(
        url,
        connections_max=settings.redis_pool_max,
        timeout_seconds=settings.store_timeout_seconds,
        in_cluster=in_cluster,
    )
