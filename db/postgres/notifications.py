"""Notifications in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from db.postgres.statements import Db
from domain.notifications import Notification
from domain.pages import Place

COLUMNS = "id, account_id, kind, event_id, post_id, created_at, actor_id, in_app, read_at"


class NotificationRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, notifications: Sequence[Notification]) -> set[str]:
        rows = await self.db.fetch(
            """
            insert into notifications (id, account_id, kind, event_id, post_id, created_at, actor_id, in_app)
            select new.id, accounts.id, kind, event_id, post_id, new.created_at, actor.id, in_app
            from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::timestamptz[],
                $7::uuid[], $8::boolean[])
              as new (id, account_id, kind, event_id, post_id, created_at, actor_id, in_app)
            join accounts on accounts.id = new.account_id
            left join accounts actor on actor.id = new.actor_id
            order by new.account_id
            on conflict (account_id, event_id) do nothing
            returning id
            """,
            [one.id for one in notifications],
            [one.account_id for one in notifications],
            [one.kind for one in notifications],
            [one.event_id for one in notifications],
            [one.post_id for one in notifications],
            [one.created_at for one in notifications],
            [one.actor_id for one in notifications],
            [one.in_app for one in notifications],
        )
        return {row["id"] for row in rows}

    async def get(self, id: str) -> Notification | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from notifications where id = $1", id)
        return Notification(**row) if row else None

    async def page(
        self, account_id: str, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Notification]:
        rows = await self.db.fetch(
            f"""
            select {COLUMNS} from notifications
            where account_id = $1 and in_app and (actor_id is null or actor_id <> all($2::uuid[]))
              and ($3::timestamptz is null or (created_at, id) < ($3, $4::uuid))
            order by created_at desc, id desc limit $5
            """,
            account_id,
            list(without),
            after and after.at,
            after and after.id,
            limit,
        )
        return [Notification(**row) for row in rows]

    async def unread(self, account_id: str, *, without: Sequence[str]) -> int:
        count: int = await self.db.fetchval(
            """
            select count(*) from notifications
            where account_id = $1 and in_app and read_at is null
              and (actor_id is null or actor_id <> all($2::uuid[]))
            """,
            account_id,
            list(without),
        )
        return count

    async def mark_read(
        self, account_id: str, ids: Sequence[str], until_id: str | None, at: datetime
    ) -> None:
        await self.db.execute(
            """
            update notifications set read_at = $4
            where account_id = $1 and read_at is null and (id = any($2::uuid[]) or (created_at, id) <=
              (select created_at, id from notifications where id = $3 and account_id = $1))
            """,
            account_id,
            list(ids),
            until_id,
            at,
        )

    async def prune(self, created_before: datetime, limit: int) -> int:
        status = await self.db.execute(
            """
            delete from notifications
            where id in (select id from notifications where created_at < $1 order by created_at limit $2)
            """,
            created_before,
            limit,
        )
        return int(status.rpartition(" ")[2])
