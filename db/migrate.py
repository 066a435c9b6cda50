"""`python -m db.migrate [up [REVISION] | down [REVISION] | current]`: the schema of the configured stores.

Without configured stores it migrates the embedded ones. `down` takes the last migration back, or all down to
REVISION (`base` for an empty schema).
"""

import asyncio
import sys

from db.mongo.database import close_database, open_database
from db.mongo.schema import apply_schema
from db.stores import located
from domain.settings import Settings, SettingsError, load_settings
from migrations.run import current_revision, migrate, roll_back

USAGE = "usage: python -m db.migrate [up [REVISION] | down [REVISION] | current]"


async def main(arguments: list[str]) -> str:
    """Runs one command; returns what to print."""
    action, revision = [*arguments, "", ""][:2]
    if action not in {"", "up", "down", "current"}:
        raise SystemExit(USAGE)
    async with located(load_settings()) as settings:
        if action in {"", "up"}:
            await migrate(settings.postgres_url, revision or "head")
            await _apply_documents(settings)
        elif action == "down":
            await roll_back(settings.postgres_url, revision or "-1")
        return f"revision: {await current_revision(settings.postgres_url) or 'none'}"


async def _apply_documents(settings: Settings) -> None:
    database = open_database(
        settings.mongodb_uri, settings.mongodb_database, timeout_seconds=settings.store_timeout_seconds
    )
    try:
        await apply_schema(database)
    finally:
        close_database(database)


if __name__ == "__main__":
    try:
        sys.stdout.write(asyncio.run(main(sys.argv[1:])) + "\n")
    except SettingsError as error:
        raise SystemExit(str(error)) from None
