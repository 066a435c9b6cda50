"""Migrations of PostgreSQL: `python -m migrations.run [up | down [REVISION] | current]`.

Safe to start from many processes at once: they queue on an advisory lock and the late ones find nothing to do.
"""

import asyncio
import sys
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
        postgres_url, lambda connection: found.append(MigrationContext.configure(connection).get_current_revision())
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


async def main(arguments: list[str]) -> str:
    """Runs one command against the configured stores, or the embedded ones; returns what to print."""
    from db.stores import postgres_url

    action, revision = (arguments + ["up", ""])[0], (arguments + ["", ""])[1]
    async with postgres_url() as url:
        if action == "up":
            await migrate(url, revision or "head")
        elif action == "down":
            await roll_back(url, revision or "-1")
        elif action != "current":
            raise SystemExit(f"unknown command {action!r}: up, down or current")
        return f"revision: {await current_revision(url) or 'none'}"


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(main(sys.argv[1:])) + "\n")
