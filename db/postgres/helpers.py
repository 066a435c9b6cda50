"""Helpers' settings in PostgreSQL."""

from db.postgres.statements import Db
from domain.helping import HelperSettings


class HelperRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def get(self, account_id: str) -> HelperSettings | None:
        row = await self.db.fetchrow(
            """
            select account_id, opted_in, categories, languages, max_open
            from helper_settings where account_id = $1
            """,
            account_id,
        )
        return HelperSettings(**row) if row else None

    async def put(self, settings: HelperSettings) -> None:
        await self.db.execute(
            """
            insert into helper_settings (account_id, opted_in, categories, languages, max_open)
            values ($1, $2, $3, $4, $5)
            on conflict (account_id) do update
                set opted_in = $2, categories = $3, languages = $4, max_open = $5
            """,
            settings.account_id,
            settings.opted_in,
            settings.categories,
            settings.languages,
            settings.max_open,
        )
