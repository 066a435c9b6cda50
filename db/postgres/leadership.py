"""Leadership by advisory lock: one connection holds the name; losing the connection loses the lead."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from db.postgres.database import Database


class AdvisoryLeadership:
    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def lead(self, name: str) -> AsyncIterator[bool]:
        """True inside for the only holder of `name`; the lock goes with the connection whatever happens."""
        async with self._database.session() as held:
            key = f"leader:{name}"
            yield bool(await held.fetchval("select pg_try_advisory_lock(hashtextextended($1, 0))", key))
