"""Real stores for every test that asks for one, and nothing started for those that do not.

POSTGRES_URL, MONGODB_URI and REDIS_URL, when all three are set, name the stores to use. They must be there
for tests: databases are made and dropped in them, and Redis databases above 0 are flushed. Otherwise
embedded ones run in a temporary folder for the session.

Drivers are imported where they are used, so that tests of the domain load none.
"""

import importlib.util
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from db.embedded import StoreUrls, embedded_stores
from tests.databases import Databases, fresh_name, with_database

if TYPE_CHECKING:
    import asyncpg
    from motor.motor_asyncio import AsyncIOMotorClient

settings.register_profile(
    "project", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("project")
"""The same examples everywhere, and no bound on the time of one: machines are busy."""

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


@pytest.fixture(scope="session")
async def databases(
    stores: StoreUrls, postgres_admin: "asyncpg.Connection[Any]", postgres_template: str
) -> AsyncIterator[Databases]:
    """Migrated, empty databases to take and to give back."""
    databases = Databases(postgres_admin, stores.postgres_url, postgres_template)
    yield databases
    await databases.drop_unused()


@pytest.fixture
async def postgres_url(stores: StoreUrls, databases: Databases) -> AsyncIterator[str]:
    """The URL of a migrated, empty database of this test's own."""
    name = await databases.take()
    yield with_database(stores.postgres_url, name)
    await databases.give_back(name)


@pytest.fixture
async def empty_postgres_url(
    stores: StoreUrls, postgres_admin: "asyncpg.Connection[Any]"
) -> AsyncIterator[str]:
    """The URL of a database of this test's own without any table, for tests of migrations."""
    name = fresh_name("empty")
    await postgres_admin.execute(f"create database {name} template template0")
    yield with_database(stores.postgres_url, name)
    await postgres_admin.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
async def mongodb_admin(stores: StoreUrls) -> AsyncIterator["AsyncIOMotorClient[Any]"]:
    """A client that drops databases."""
    from motor.motor_asyncio import AsyncIOMotorClient

    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(stores.mongodb_uri)
    yield client
    client.close()


@pytest.fixture
async def mongodb_uri(stores: StoreUrls, mongodb_admin: "AsyncIOMotorClient[Any]") -> AsyncIterator[str]:
    """A URI whose default database is this test's own."""
    name = fresh_name("test")
    yield with_database(stores.mongodb_uri, name)
    await mongodb_admin.drop_database(name)


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
