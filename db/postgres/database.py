"""PostgreSQL connections: one bounded pool, one transaction at a time, one language of failure."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import asyncpg
import msgspec

from domain.errors import Unavailable

UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
"""What may be gone at the next attempt."""


@contextmanager
def reachable() -> Iterator[None]:
    """Tells the loss of PostgreSQL as `Unavailable`."""
    try:
        yield
    except UNREACHABLE as error:
        raise Unavailable from error


def gave_up(error: BaseException) -> bool:
    """Whether somebody stopped waiting for PostgreSQL.

    The connection is closed then, which rolls back what was begun: to ask for that and wait for an answer
    would take a person in need as long again.
    """
    return isinstance(error, asyncio.CancelledError) or isinstance(error.__cause__ or error, TimeoutError)


def abandon(connection: Any) -> None:
    """Close it without a word; one that was lost was given back by then, and refuses even that."""
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


IDLE_IN_TRANSACTION_SECONDS = 15
"""A process that froze in a transaction loses it, with its locks: others wait for them, to log in for one."""


class Statements:
    """Runs statements on one connection, inside its transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        with reachable():
            return list(await self._connection.fetch(query, *args))

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None:
        with reachable():
            row: asyncpg.Record | None = await self._connection.fetchrow(query, *args)
            return row

    async def fetchval(self, query: str, *args: Any) -> Any:
        with reachable():
            return await self._connection.fetchval(query, *args)

    async def execute(self, query: str, *args: Any) -> str:
        with reachable():
            return str(await self._connection.execute(query, *args))


class Database:
    """The pool; each statement on its own connection, or `transaction()` for several on one."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, timeout_seconds: float) -> None:
        self._pool = pool
        self._timeout = timeout_seconds

    @property
    def pool(self) -> "asyncpg.Pool[asyncpg.Record]":
        return self._pool

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Statements]:
        with reachable():
            acquired = await self._pool.acquire(timeout=self._timeout)
        try:
            yield Statements(acquired)
        except BaseException as error:
            if gave_up(error):
                abandon(acquired)
            raise
        finally:
            await self._pool.release(acquired)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Statements]:
        """A connection for what outlives its statement, such as a lock; nothing of it is left afterwards."""
        with reachable():
            acquired = await self._pool.acquire(timeout=self._timeout)
        try:
            yield Statements(acquired)
            with reachable():
                await acquired.reset(timeout=self._timeout)
        except BaseException:
            abandon(acquired)
            raise
        finally:
            await self._pool.release(acquired)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Statements]:
        """Commits at the end of the block, rolls back when it raises."""
        with reachable():
            acquired = await self._pool.acquire(timeout=self._timeout)
        try:
            transaction = acquired.transaction()
            with reachable():
                await transaction.start()
            try:
                yield Statements(acquired)
            except BaseException as error:
                if not gave_up(error):
                    with reachable():
                        await transaction.rollback()
                raise
            with reachable():
                await transaction.commit()
        except BaseException as error:
            if gave_up(error):
                abandon(acquired)
            raise
        finally:
            await self._pool.release(acquired)

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        async with self.connection() as statements:
            return await statements.fetch(query, *args)

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None:
        async with self.connection() as statements:
            return await statements.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        async with self.connection() as statements:
            return await statements.fetchval(query, *args)

    async def execute(self, query: str, *args: Any) -> str:
        async with self.connection() as statements:
            return await statements.execute(query, *args)


async def open_database(url: str, *, connections_max: int, timeout_seconds: float) -> Database:
    """Raises `Unavailable` when PostgreSQL does not answer."""
    with reachable():
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=connections_max,
            timeout=timeout_seconds,
            command_timeout=timeout_seconds,
            max_inactive_connection_lifetime=300,
            init=_set_codecs,
            reset=_nothing_to_reset,
            server_settings={
                "application_name": "anonymous-support",
                "timezone": "UTC",
                "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS}s",
            },
        )
    return Database(pool, timeout_seconds=timeout_seconds)


async def close_database(database: Database, *, within_seconds: float = 5.0) -> None:
    """Waits for running statements, but not for ever."""
    try:
        await asyncio.wait_for(database.pool.close(), within_seconds)
    except TimeoutError:
        database.pool.terminate()


async def _nothing_to_reset(connection: Any) -> None:
    """Statements leave nothing behind, so the question that asyncpg asks after each of them is saved.

    An open transaction is rolled back all the same; who leaves more uses `session`.
    """


async def _set_codecs(connection: Any) -> None:
    """Ids are text and documents are plain values everywhere in the product."""
    await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=str, format="text")
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_to_json, decoder=msgspec.json.decode, format="text"
    )


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
