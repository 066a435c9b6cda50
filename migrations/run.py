"""Migrations of PostgreSQL: `python -m db.migrate` is the command.

Safe to start from many processes at once: they queue on an advisory lock, and the late ones find nothing
to do.
"""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

LOCK = 0x616E_6F6E
"""Key of the advisory lock ("anon")."""


async def migrate(postgres_url: str, revision: str = "head") -> None:
    """Brings the schema up to `revision`."""
    await _locked(postgres_url, lambda connection: command.upgrade(_config(connection), revision))


async def roll_back(postgres_url: str, revision: str = "base") -> None:
    """Takes the schema down to `revision`; what the dropped tables held is gone."""
    await _locked(postgres_url, lambda connection: command.downgrade(_config(connection), revision))


async def current_revision(postgres_url: str) -> str | None:
    """The schema's revision; None for an empty database."""
    found: list[str | None] = []
    await _locked(
        postgres_url,
        lambda connection: found.append(MigrationContext.configure(connection).get_current_revision()),
    )
    return found[0]


async def _locked(postgres_url: str, step: Callable[[Connection], object]) -> None:
    engine = create_async_engine(_driver_url(postgres_url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
            await connection.run_sync(step)
    finally:
        await engine.dispose()


def _driver_url(postgres_url: str) -> str:
    return "postgresql+asyncpg://" + postgres_url.partition("://")[2]


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config
