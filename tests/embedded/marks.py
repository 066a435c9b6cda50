"""A word written into all three stores and read back from them."""

import asyncio
import contextlib
from typing import Any

import asyncpg
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import PyMongoError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from db.embedded import StoreUrls

DEADLINE_SECONDS = 60.0
UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, PyMongoError, RedisError)


async def write_mark(urls: StoreUrls, word: str) -> None:
    """Write `word`; it is persistent in all three stores on return."""
    connection = await asyncpg.connect(urls.postgres_url)
    await connection.execute("create table if not exists marks (word text)")
    await connection.execute("insert into marks values ($1)", word)
    await connection.close()
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(urls.mongodb_uri)
    await client.get_default_database().marks.insert_one({"word": word})
    client.close()
    async with Redis.from_url(urls.redis_url) as redis:
        await redis.set("mark", word)


async def marks(urls: StoreUrls) -> list[str]:
    """The words found, one for each store that has any."""
    connection = await asyncpg.connect(urls.postgres_url)
    table = await connection.fetchval("select to_regclass('marks')::text")
    words = [await connection.fetchval("select word from marks")] if table else []
    await connection.close()
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(urls.mongodb_uri, serverSelectionTimeoutMS=1000)
    with contextlib.closing(client):
        document = await client.get_default_database().marks.find_one()
    async with Redis.from_url(urls.redis_url, decode_responses=True) as redis:
        word = await redis.get("mark")
    return words + ([document["word"]] if document else []) + ([word] if word else [])


async def eventually_marks(urls: StoreUrls) -> list[str]:
    """The words, as soon as all three stores answer."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            try:
                return await marks(urls)
            except UNREACHABLE:
                await asyncio.sleep(0.02)
