"""A connection that PostgreSQL drops: its lock is gone, and whoever used it hears what happened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest

from db.postgres import database as postgres
from db.postgres.database import Database
from db.postgres.leadership import AdvisoryLeadership
from domain.errors import Unavailable
from tests.contract.deadline import DEADLINE_SECONDS

DROP = """
select pg_terminate_backend(pid, 60000) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    database = await postgres.open_database(postgres_url, connections_max=2, timeout_seconds=DEADLINE_SECONDS)
    yield database
    await postgres.close_database(database)


@pytest.fixture
async def other(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


async def lead_and_lose(database: Database, other: asyncpg.Connection) -> None:
    async with AdvisoryLeadership(database).lead("relay") as leads:
        assert await leads()
        await other.execute(DROP)
        await leads()


async def test_a_leader_whose_connection_was_dropped_does_not_lead_on(
    database: Database, other: asyncpg.Connection
) -> None:
    with pytest.raises(Unavailable):
        await lead_and_lose(database, other)
    async with AdvisoryLeadership(database).lead("relay") as leads:
        assert await leads()


async def lose_and_be_cancelled(database: Database, other: asyncpg.Connection) -> None:
    async with database.transaction() as tx:
        await other.execute(DROP)
        with suppress(Unavailable):
            await tx.fetchval("select 1")
        raise asyncio.CancelledError


async def test_who_is_cancelled_on_a_dropped_connection_is_cancelled(
    database: Database, other: asyncpg.Connection
) -> None:
    """Out of time, that is: another error in its place would be taken for one of the job."""
    with pytest.raises(asyncio.CancelledError):
        await lose_and_be_cancelled(database, other)
