"""Notifications in PostgreSQL."""

from db.postgres.statements import Db, changed
from domain.notifications import Notification


class NotificationRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, notification: Notification) -> bool:
        status = await self.db.execute(
            """
            insert into notifications (id, account_id, kind, event_id, post_id, created_at)
            select $1, id, $3, $4, $5, $6 from accounts where id = $2
            on conflict (account_id, event_id) do nothing
            """,
            notification.id,
            notification.account_id,
            notification.kind,
            notification.event_id,
            notification.post_id,
            notification.created_at,
        )
        return changed(status)

    async def get(self, id: str) -> Notification | None:
        row = await self.db.fetchrow(
            """
            select id, account_id, kind, event_id, post_id, created_at, read_at
            from notifications where id = $1
            """,
            id,
        )
        return Notification(**row) if row else None
