"""Opening and closing all stores: settings in, `Ports` out."""

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import redis.asyncio

from db import mongo, postgres
from db.cipher import AesGcmCipher
from db.embedded import embedded_stores
from db.mongo import database as mongo_database
from db.mongo.schema import apply_schema
from db.passwords import PasswordHasher
from db.postgres import database as postgres_database
from db.postgres.leadership import AdvisoryLeadership
from db.push.services import PushServices, open_push
from db.redis.connection import open_redis
from db.redis.connection import reachable as redis_reachable
from db.redis.feed import RedisRoomFeed
from db.redis.homes import Homes
from db.redis.leases import RedisSocketLeases
from db.redis.limits import RedisRateLimits
from db.redis.presence import RedisPresence
from db.redis.queue import ArqQueue, open_arq
from db.redis.rooms import RedisRoomLogs
from db.redis.servers import open_homes
from db.secrets import with_secrets
from db.signing import signer_of
from db.tokens import AccessTokens
from domain.clock import Clock, utc_now
from domain.errors import DomainError
from domain.events import Announcer
from domain.ports import Health, Ports
from domain.presence import lasting_seconds
from domain.settings import Settings
from migrations.newest import is_newest


@dataclass(frozen=True)
class Stores:
    """The open stores: `ports` for everybody, the rest for the entry points."""

    ports: Ports
    feed: RedisRoomFeed
    queue: ArqQueue


@asynccontextmanager
async def located(settings: Settings) -> AsyncIterator[Settings]:
    """`settings` with a URL for every store and every secret; the embedded stores run meanwhile."""
    if not settings.embedded:
        yield with_secrets(settings)
        return
    async with embedded_stores(settings.data_dir) as urls:
        located_at = {
            "postgres_url": urls.postgres_url,
            "mongodb_uri": urls.mongodb_uri,
            "redis_url": urls.redis_url,
        }
        yield with_secrets(settings.model_copy(update=located_at))


@asynccontextmanager
async def open_stores(settings: Settings, *, now: Clock = utc_now) -> AsyncIterator[Stores]:
    """Connects, migrates, and gives the ports; what was announced is told before the stores close.

    Expects located settings: a URL for every store.
    """
    async with AsyncExitStack() as stack:
        await bring_up_to_date(settings.postgres_url)
        stores = await _open(settings, now, stack)
        try:
            yield stores
        finally:
            await _drained(stores.ports.announcer, settings)


async def bring_up_to_date(postgres_url: str) -> None:
    """The schema, to the newest revision."""
    if not await is_newest(postgres_url):
        from migrations.run import migrate  # seldom needed, and large

        await migrate(postgres_url)


async def _open(settings: Settings, now: Clock, stack: AsyncExitStack) -> Stores:
    database = await postgres_database.open_database(
        settings.postgres_url,
        connections_max=settings.postgres_pool_max,
        timeout_seconds=settings.store_timeout_seconds,
    )
    stack.push_async_callback(postgres_database.close_database, database)
    documents = mongo_database.open_database(
        settings.mongodb_uri, settings.mongodb_database, timeout_seconds=settings.store_timeout_seconds
    )
    stack.callback(mongo_database.close_database, documents)
    await apply_schema(documents)
    connections = open_redis(
        settings.redis_url,
        connections_max=settings.redis_pool_max,
        timeout_seconds=settings.store_timeout_seconds,
    )
    stack.push_async_callback(connections.aclose)
    arq = open_arq(
        settings.redis_url,
        connections_max=settings.redis_pool_max,
        timeout_seconds=settings.store_timeout_seconds,
    )
    stack.push_async_callback(arq.aclose, close_connection_pool=True)
    passwords = PasswordHasher(threads=settings.password_threads)
    stack.callback(passwords.close)
    push = open_push(settings)
    stack.push_async_callback(push.aclose)
    queue = ArqQueue(arq)
    homes = open_homes(settings, connections, stack)
    ports = _ports(settings, now, database, documents, connections, homes, queue, passwords, push)
    return Stores(ports, RedisRoomFeed(homes, timeout_seconds=settings.store_timeout_seconds), queue)


def _ports(
    settings: Settings,
    now: Clock,
    database: postgres_database.Database,
    documents: mongo_database.Mongo,
    connections: redis.asyncio.Redis,
    homes: Homes,
    queue: ArqQueue,
    passwords: PasswordHasher,
    push: PushServices,
) -> Ports:
    announcer = Announcer(lambda: ports)
    ports = Ports(
        settings=settings,
        now=now,
        records=postgres.records(database),
        transaction=lambda: postgres.transaction(database),
        content=mongo.content(documents),
        rooms=RedisRoomLogs(
            homes,
            events_max=settings.room_log_events,
            log_seconds=settings.room_log_seconds,
            known_seconds=settings.idempotency_hours * 3600,
            crash_before=settings.fault_crash_before_publish,
        ),
        presence=RedisPresence(connections, grace_seconds=lasting_seconds(settings.presence_grace_seconds)),
        leases=RedisSocketLeases(connections, lease_seconds=settings.socket_lease_seconds),
        queue=queue,
        limits=RedisRateLimits(connections),
        passwords=passwords,
        tokens=AccessTokens(
            settings.jwt_secret.get_secret_value(), lifetime_seconds=settings.access_token_seconds
        ),
        cipher=AesGcmCipher(settings.encryption_key.get_secret_value()),
        signer=signer_of(settings),
        push=push,
        leadership=AdvisoryLeadership(database),
        announcer=announcer,
        probe=lambda: _probe(database, documents, connections, homes),
    )
    return ports


async def _drained(announcer: Announcer, settings: Settings) -> None:
    """What is not told by then is told by the relay."""
    try:
        await asyncio.wait_for(announcer.drain(), settings.store_timeout_seconds)
    except TimeoutError:
        return


async def _probe(
    database: postgres_database.Database,
    documents: mongo_database.Mongo,
    connections: redis.asyncio.Redis,
    homes: Homes,
) -> list[Health]:
    async def ask_redis() -> None:
        with redis_reachable():
            await connections.ping()

    async def ask_mongodb() -> None:
        with mongo_database.reachable():
            await documents.command("ping")

    async def ask_postgres() -> None:
        await database.fetchval("select 1")

    return list(
        await asyncio.gather(
            _asked("postgres", ask_postgres),
            _asked("mongodb", ask_mongodb),
            _asked("redis", ask_redis),
            *(
                _asked(f"rooms_{number}", functools.partial(homes.check, node))
                for number, node in enumerate(homes.nodes, 1)
                if node.redis is not connections
            ),
        )
    )


async def _asked(name: str, ask: Callable[[], Awaitable[None]]) -> Health:
    started = time.perf_counter()
    try:
        await ask()
    except DomainError:
        ok = False
    else:
        ok = True
    return Health(name, ok, round((time.perf_counter() - started) * 1000, 1))
