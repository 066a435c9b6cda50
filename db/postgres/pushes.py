"""What was pushed, in PostgreSQL."""

from datetime import datetime

from db.postgres.statements import Db
from domain.ports import Pace


class PushRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def lock(self, account_id: str) -> None:
        await self.db.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"push:{account_id}")

    async def pace(self, notification_id: str, account_id: str, group: str, since: datetime) -> Pace:
        row = await self.db.fetchrow(
            """
            select exists (select from pushes where notification_id = $1) as taken,
              (select max(at) from pushes where account_id = $2 and group_name = $3) as last_of_group,
              (select count(*) from pushes where account_id = $2 and at >= $4) as spent
            """,
            notification_id,
            account_id,
            group,
            since,
        )
        assert row is not None  # noqa: S101  (a select without from has one row)
        return Pace(**row)

    async def take(self, notification_id: str, account_id: str, group: str, at: datetime) -> None:
        await self.db.execute(
            """
            insert into pushes (notification_id, account_id, group_name, at) values ($1, $2, $3, $4)
            on conflict do nothing
            """,
            notification_id,
            account_id,
            group,
            at,
        )

    async def delivered(self, notification_id: str) -> set[str]:
        rows = await self.db.fetch(
            "select device_id from push_deliveries where notification_id = $1", notification_id
        )
        return {row["device_id"] for row in rows}

    async def mark_delivered(self, notification_id: str, device_id: str, at: datetime) -> None:
        """A device that is gone meanwhile needs no mark."""
        await self.db.execute(
            """
            insert into push_deliveries (notification_id, device_id, at)
            select $1, id, $3 from devices where id = $2
            on conflict do nothing
            """,
            notification_id,
            device_id,
            at,
        )
