"""Bars in PostgreSQL: who was removed from a circle."""

from collections.abc import Sequence
from datetime import datetime

from db.postgres.statements import Db, changed
from domain.members import Bar
from domain.pages import Place


class BarRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, circle_id: str, account_id: str, at: datetime) -> bool:
        status = await self.db.execute(
            """
            insert into circle_bars (circle_id, account_id, created_at) values ($1, $2, $3)
            on conflict do nothing
            """,
            circle_id,
            account_id,
            at,
        )
        return changed(status)

    async def lift(self, circle_id: str, account_id: str) -> bool:
        status = await self.db.execute(
            "delete from circle_bars where circle_id = $1 and account_id = $2", circle_id, account_id
        )
        return changed(status)

    async def holds(self, circle_id: str, account_id: str) -> bool:
        found: bool = await self.db.fetchval(
            "select exists (select from circle_bars where circle_id = $1 and account_id = $2)",
            circle_id,
            account_id,
        )
        return found

    async def page(
        self, circle_id: str, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Bar]:
        rows = await self.db.fetch(
            """
            select account_id, created_at from circle_bars
            where circle_id = $1 and account_id <> all($2::uuid[])
              and ($3::timestamptz is null or (created_at, account_id) < ($3, $4::uuid))
            order by created_at desc, account_id desc limit $5
            """,
            circle_id,
            list(without),
            after and after.at,
            after and after.id,
            limit,
        )
        return [Bar(**row) for row in rows]
