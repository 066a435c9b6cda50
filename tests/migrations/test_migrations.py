"""The schema goes up from empty, comes down to nothing, and many processes may start at once."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from motor.motor_asyncio import AsyncIOMotorClient

import migrations
from db.mongo.schema import INDEXES, VALIDATORS, apply_schema
from db.stores import bring_up_to_date
from migrations import newest
from migrations.run import current_revision, migrate, roll_back

CHAIN = ScriptDirectory(Path(migrations.__path__[0]))
REVISIONS = [script.revision for script in CHAIN.walk_revisions()][::-1]
"""In the order of the chain, which is not that of their names."""
NEWEST = REVISIONS[-1]


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
    finally:
        await connection.close()
    return {row["tablename"] for row in rows} - {"alembic_version"}


async def test_up_from_empty_and_back_down_to_nothing(empty_postgres_url: str) -> None:
    await migrate(empty_postgres_url)
    assert await current_revision(empty_postgres_url) == NEWEST
    assert {"accounts", "outbox", "points_ledger", "jobs"} <= await tables(empty_postgres_url)
    await roll_back(empty_postgres_url)
    assert await current_revision(empty_postgres_url) is None
    assert await tables(empty_postgres_url) == set()
    await migrate(empty_postgres_url)
    assert await current_revision(empty_postgres_url) == NEWEST


async def test_a_start_finds_out_by_itself_whether_there_is_something_to_do(empty_postgres_url: str) -> None:
    assert newest.NEWEST == NEWEST
    assert not await newest.is_newest(empty_postgres_url)
    assert not await newest.is_newest("postgresql://nobody@127.0.0.1:1/none")
    await bring_up_to_date(empty_postgres_url)
    assert await newest.is_newest(empty_postgres_url)
    await roll_back(empty_postgres_url, "-1")
    assert not await newest.is_newest(empty_postgres_url)
    await bring_up_to_date(empty_postgres_url)
    assert await current_revision(empty_postgres_url) == NEWEST


def test_a_process_that_finds_nothing_to_migrate_loads_no_alembic() -> None:
    loaded = (
        "import sys, run_server, db.stores; sys.exit(bool({'alembic', 'sqlalchemy'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0


async def test_each_step_comes_down_alone(empty_postgres_url: str) -> None:
    for revision in REVISIONS:
        before = await tables(empty_postgres_url)
        await migrate(empty_postgres_url, revision)
        assert before <= await tables(empty_postgres_url)
        await roll_back(empty_postgres_url, "-1")
        assert await tables(empty_postgres_url) == before
        await migrate(empty_postgres_url, revision)


async def test_processes_that_start_at_once_do_not_race(empty_postgres_url: str) -> None:
    await asyncio.gather(*(migrate(empty_postgres_url) for _ in range(5)))
    assert await current_revision(empty_postgres_url) == NEWEST


async def test_a_failed_migration_leaves_nothing_half_done(empty_postgres_url: str) -> None:
    connection = await asyncpg.connect(empty_postgres_url)
    await connection.execute("create table outbox (in_the_way int)")
    await connection.close()
    with pytest.raises(Exception, match="outbox"):
        await migrate(empty_postgres_url)
    assert await tables(empty_postgres_url) == {"outbox"}


async def test_documents_get_validators_and_indexes_however_often(mongodb_uri: str) -> None:
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongodb_uri)
    database = client.get_default_database()
    for _ in range(2):
        await asyncio.gather(apply_schema(database), apply_schema(database))
    for collection in VALIDATORS:
        names = set(await database[collection].index_information())
        assert {index.document["name"] for index in INDEXES[collection]} <= names
    with pytest.raises(Exception, match=r"[Vv]alid"):
        await database["posts"].insert_one({"_id": "x", "content": 7})
    client.close()
