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
    # Fails in the second turn if the database were the same.
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


async def test_the_stores_refuse_clients_without_the_password(postgres_url: str, redis_url: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres_url, password="wrong")
    host_and_port = redis_url.rpartition("@")[2]
    async with Redis.from_url(f"redis://{host_and_port}") as redis:
        with pytest.raises(Exception, match="Authentication required"):
            await redis.ping()
