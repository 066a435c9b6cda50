"""Activity in PostgreSQL: one row per thing done, days by index."""

from datetime import date

from db.postgres.statements import Db, changed
from domain.activity import Activity


class ActivityRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, activity: Activity) -> bool:
        status = await self.db.execute(
            """
            insert into activities (ref, account_id, kind, at, day) values ($1, $2, $3, $4, $5)
            on conflict (ref) do nothing
            """,
            activity.ref,
            activity.account_id,
            activity.kind,
            activity.at,
            activity.day,
        )
        return changed(status)

    async def days(self, account_id: str) -> list[date]:
        rows = await self.db.fetch(
            "select distinct day from activities where account_id = $1 order by day", account_id
        )
        return [row["day"] for row in rows]
