"""A transaction that nobody goes on with, because its process froze."""

import asyncio

import pytest

from db.postgres import database as postgres
from db.postgres.database import Database
from domain.errors import Unavailable

DEADLINE_SECONDS = 60.0
LOCK = "select pg_advisory_xact_lock(hashtextextended('frozen', 0))"


async def lock_and_freeze(database: Database) -> None:
    """Holds a lock until somebody else got it."""
    async with database.transaction() as frozen:
        await frozen.execute(LOCK)
        async with asyncio.timeout(DEADLINE_SECONDS), database.transaction() as other:
            await other.execute(LOCK)


async def test_a_frozen_transaction_gives_its_locks_back(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "IDLE_IN_TRANSACTION_SECONDS", 0.3)
    database = await postgres.open_database(postgres_url, connections_max=2, timeout_seconds=DEADLINE_SECONDS)
    with pytest.raises(Unavailable):
        await lock_and_freeze(database)
    assert await database.fetchval("select 1") == 1
    await postgres.close_database(database)
