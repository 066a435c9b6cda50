"""Standings and thanks in PostgreSQL."""

from datetime import datetime

from db.postgres.statements import Db, assignments, changed
from domain.standings import Standing
from domain.trust import Thank


class StandingRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def get(self, account_id: str) -> Standing:
        row = await self.db.fetchrow(
            "select account_id, muted_until, slowed_until, banned_until from standings where account_id = $1",
            account_id,
        )
        return Standing(**row) if row else Standing(account_id=account_id)

    async def update(self, account_id: str, changes: dict[str, object]) -> None:
        """Nothing for an account that is not there."""
        await self.db.execute(
            "insert into standings (account_id) select id from accounts where id = $1 on conflict do nothing",
            account_id,
        )
        await self.db.execute(
            f"update standings set {assignments(changes, 2)} where account_id = $1",
            account_id,
            *changes.values(),
        )

    async def end_ban(self, account_id: str, now: datetime) -> bool:
        status = await self.db.execute(
            "update standings set banned_until = null where account_id = $1 and banned_until <= $2",
            account_id,
            now,
        )
        return changed(status)

    async def banned_before(self, moment: datetime, *, limit: int) -> list[str]:
        rows = await self.db.fetch(
            "select account_id from standings where banned_until <= $1 order by banned_until limit $2",
            moment,
            limit,
        )
        return [row["account_id"] for row in rows]


class ThankRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, thank: Thank) -> bool:
        status = await self.db.execute(
            """
            insert into thanks (response_id, post_id, helper_id, thanker_id, at) values ($1, $2, $3, $4, $5)
            on conflict (response_id) do nothing
            """,
            thank.response_id,
            thank.post_id,
            thank.helper_id,
            thank.thanker_id,
            thank.at,
        )
        return changed(status)

    async def of_helper(self, helper_id: str, since: datetime, limit: int) -> list[Thank]:
        rows = await self.db.fetch(
            """
            select response_id, post_id, helper_id, thanker_id, at from thanks
            where helper_id = $1 and at >= $2 order by at desc, response_id limit $3
            """,
            helper_id,
            since,
            limit,
        )
        return [Thank(**row) for row in rows]
