"""Leadership by advisory lock: one connection holds the name; losing the connection loses the lead."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from db.postgres.database import Database


class AdvisoryLeadership:
    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def lead(self, name: str) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
        """The lock goes with the connection whatever happens, so asking is a word to the connection."""
        async with self._database.session() as held:
            key = f"leader:{name}"
            leading = await held.fetchval("select pg_try_advisory_lock(hashtextextended($1, 0))", key)

            async def leads() -> bool:
                return bool(leading and await held.fetchval("select true"))

            yield leads
