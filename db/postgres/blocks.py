"""Blocks in PostgreSQL."""

from collections.abc import Iterable
from datetime import datetime

from db.postgres.statements import Db, changed


class BlockRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, blocker_id: str, blocked_id: str, at: datetime) -> bool:
        status = await self.db.execute(
            """
            insert into blocks (blocker_id, blocked_id, created_at) values ($1, $2, $3)
            on conflict do nothing
            """,
            blocker_id,
            blocked_id,
            at,
        )
        return changed(status)

    async def remove(self, blocker_id: str, blocked_id: str) -> bool:
        status = await self.db.execute(
            "delete from blocks where blocker_id = $1 and blocked_id = $2", blocker_id, blocked_id
        )
        return changed(status)

    async def around(self, account_id: str) -> frozenset[str]:
        rows = await self.db.fetch(
            """
            select blocked_id as id from blocks where blocker_id = $1
            union select blocker_id from blocks where blocked_id = $1
            """,
            account_id,
        )
        return frozenset(row["id"] for row in rows)

    async def among(self, account_ids: Iterable[str]) -> frozenset[str]:
        rows = await self.db.fetch(
            """
            select blocker_id as id from blocks where blocker_id = any($1::uuid[])
            union select blocked_id from blocks where blocked_id = any($1::uuid[])
            """,
            list(account_ids),
        )
        return frozenset(row["id"] for row in rows)

    async def within(self, circle_id: str) -> frozenset[str]:
        rows = await self.db.fetch(
            """
            select distinct unnest(array[b.blocker_id, b.blocked_id]) as id from memberships one
            join blocks b on b.blocker_id = one.account_id
            join memberships other on other.circle_id = one.circle_id and other.account_id = b.blocked_id
            where one.circle_id = $1
            """,
            circle_id,
        )
        return frozenset(row["id"] for row in rows)

    async def made_by(self, account_id: str) -> list[str]:
        rows = await self.db.fetch(
            "select blocked_id from blocks where blocker_id = $1 order by created_at desc, blocked_id",
            account_id,
        )
        return [row["blocked_id"] for row in rows]
