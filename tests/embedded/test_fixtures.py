"""The session's stores and the isolation between tests (tests/conftest.py)."""

from typing import Any

import asyncpg
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from redis.asyncio import Redis


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_a_test_never_sees_what_another_wrote(
    turn: str, postgres_url: str, mongodb_uri: str, redis_url: str
) -> None:
    connection = await asyncpg.connect(postgres_url)
    # Fails in the second turn if the table were still there.
    await connection.execute("create table marks (turn text)")
    await connection.close()

    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(mongodb_uri)
    marks = client.get_default_database().marks
    assert await marks.count_documents({}) == 0
    await marks.insert_one({"turn": turn})
    client.close()

    async with Redis.from_url(redis_url) as redis:
        assert await redis.dbsize() == 0
        await redis.set("turn", turn)


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_a_database_that_is_used_again_is_as_new(turn: str, postgres_url: str) -> None:
    """Without rows, those of the log that nobody may shorten too, and with no number given out."""
    connection = await asyncpg.connect(postgres_url)
    untouched = f"{await rows_of_all_tables(connection)} {await numbers_given(connection)}"
    assert untouched == "[('alembic_version', 1)] []"
    await connection.execute("insert into jobs (key, name, lane, args) values ($1, 'a', 'bulk', '{}')", turn)
    await connection.execute("insert into audit values (1, now(), 'a', 'b', 'c', 'd', '{}', 'e', 'f')")
    assert await rows_of_all_tables(connection) != [("alembic_version", 1)]
    assert await numbers_given(connection) != []
    await connection.close()


async def rows_of_all_tables(connection: "asyncpg.Connection[Any]") -> list[tuple[str, int]]:
    tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
    counts = {table: await connection.fetchval(f"select count(*) from {table}") for (table,) in tables}  # noqa: S608
    return [(table, count) for table, count in sorted(counts.items()) if count]


async def numbers_given(connection: "asyncpg.Connection[Any]") -> list[str]:
    given = await connection.fetch("select sequencename from pg_sequences where last_value is not null")
    return [name for (name,) in given]


async def test_the_stores_refuse_clients_without_the_password(postgres_url: str, redis_url: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres_url, password="wrong")
    host_and_port = redis_url.rpartition("@")[2]
    async with Redis.from_url(f"redis://{host_and_port}") as redis:
        with pytest.raises(Exception, match="Authentication required"):
            await redis.ping()
