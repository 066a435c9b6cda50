"""Real stores for every test that asks for one, and nothing started for those that do not.

POSTGRES_URL, MONGODB_URI and REDIS_URL, when all three are set, name the stores to use. They must be there
for tests: databases are made and dropped in them, and Redis databases above 0 are flushed. Otherwise
embedded ones run in a temporary folder for the session.

Drivers are imported where they are used, so that tests of the domain load none.
"""

import importlib.util
import itertools
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from db.embedded import StoreUrls, embedded_stores

if TYPE_CHECKING:
    import asyncpg

STORE_VARIABLES = ("POSTGRES_URL", "MONGODB_URI", "REDIS_URL")


@pytest.fixture(scope="session")
async def stores(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StoreUrls]:
    """The URLs of the three stores, shared by the session."""
    configured = [os.environ.get(name, "") for name in STORE_VARIABLES]
    if all(configured):
        yield StoreUrls(*configured)
        return
    async with embedded_stores(tmp_path_factory.mktemp("data"), durable=False) as urls:
        yield urls


@pytest.fixture(scope="session")
async def postgres_admin(stores: StoreUrls) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection that makes and drops databases."""
    import asyncpg

    connection = await asyncpg.connect(stores.postgres_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
async def postgres_template(
    stores: StoreUrls, postgres_admin: "asyncpg.Connection[Any]"
) -> AsyncIterator[str]:
    """The name of a migrated database, from which every test's own is copied."""
    name = fresh_name("template")
    await postgres_admin.execute(f"create database {name}")
    if importlib.util.find_spec("migrations.run"):
        migrations = importlib.import_module("migrations.run")
        await migrations.migrate(with_database(stores.postgres_url, name))
    yield name
    await postgres_admin.execute(f"drop database {name} with (force)")


@pytest.fixture
async def postgres_url(
    stores: StoreUrls, postgres_admin: "asyncpg.Connection[Any]", postgres_template: str
) -> AsyncIterator[str]:
    """The URL of a migrated, empty database of this test's own."""
    name = fresh_name("test")
    await postgres_admin.execute(f"create database {name} template {postgres_template}")
    yield with_database(stores.postgres_url, name)
    await postgres_admin.execute(f"drop database {name} with (force)")


@pytest.fixture
async def empty_postgres_url(
    stores: StoreUrls, postgres_admin: "asyncpg.Connection[Any]"
) -> AsyncIterator[str]:
    """The URL of a database of this test's own without any table, for tests of migrations."""
    name = fresh_name("empty")
    await postgres_admin.execute(f"create database {name} template template0")
    yield with_database(stores.postgres_url, name)
    await postgres_admin.execute(f"drop database {name} with (force)")


@pytest.fixture
async def mongodb_uri(stores: StoreUrls) -> AsyncIterator[str]:
    """A URI whose default database is this test's own."""
    from motor.motor_asyncio import AsyncIOMotorClient

    name = fresh_name("test")
    yield with_database(stores.mongodb_uri, name)
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(stores.mongodb_uri)
    await client.drop_database(name)
    client.close()


@pytest.fixture(scope="session")
async def redis_databases(stores: StoreUrls) -> Iterator[int]:
    """The numbers of the logical databases, round and round; 0 is left alone."""
    from redis.asyncio import Redis

    async with Redis.from_url(stores.redis_url) as redis:
        count = int((await redis.config_get("databases"))["databases"])
    return itertools.cycle(range(1, count))


@pytest.fixture
async def redis_url(stores: StoreUrls, redis_databases: Iterator[int]) -> str:
    """The URL of an empty logical database. Pub/sub channels are not part of it: all databases share them."""
    from redis.asyncio import Redis

    url = with_database(stores.redis_url, str(next(redis_databases)))
    async with Redis.from_url(url) as redis:
        await redis.flushdb()
    return url


def fresh_name(kind: str) -> str:
    """A database name that no other test run on the same server uses."""
    return f"{kind}_{secrets.token_hex(6)}"


def with_database(url: str, name: str) -> str:
    """`url` with its database replaced by `name`."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
