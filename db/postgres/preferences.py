"""Preferences of notifications in PostgreSQL."""

from collections.abc import Sequence

import msgspec
from asyncpg import Record

from db.postgres.statements import Db
from domain.preferences import Channels, Preferences
from domain.quiet import QuietHours


class PreferenceRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def get_many(self, account_ids: Sequence[str]) -> dict[str, Preferences]:
        rows = await self.db.fetch(
            """
            select account_id, kinds, quiet_start, quiet_end, push_per_day
            from notification_preferences where account_id = any($1::uuid[])
            """,
            list(account_ids),
        )
        return {row["account_id"]: preferences_of(row) for row in rows}

    async def put(self, account_id: str, preferences: Preferences) -> None:
        quiet = preferences.quiet_hours
        await self.db.execute(
            """
            insert into notification_preferences (account_id, kinds, quiet_start, quiet_end, push_per_day)
            values ($1, $2, $3, $4, $5)
            on conflict (account_id) do update set kinds = excluded.kinds,
              quiet_start = excluded.quiet_start, quiet_end = excluded.quiet_end,
              push_per_day = excluded.push_per_day
            """,
            account_id,
            preferences.kinds,
            quiet.start if quiet else None,
            quiet.end if quiet else None,
            preferences.push_per_day,
        )


def preferences_of(row: Record) -> Preferences:
    return Preferences(
        kinds=msgspec.convert(row["kinds"], dict[str, Channels]),
        quiet_hours=QuietHours(start=row["quiet_start"], end=row["quiet_end"])
        if row["quiet_start"]
        else None,
        push_per_day=row["push_per_day"],
    )
