"""Trackers in PostgreSQL. The streak is one document on the row, written under its lock."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from asyncpg import Record

from db.postgres.statements import Db
from domain.progress import CircleTotals
from domain.streaks import Streak
from domain.trackers import Tracker

COLUMNS = """
    t.id, t.account_id, t.category, coalesce(t.timezone, a.timezone) as timezone,
    t.started_on, t.claimed_days, t.created_at, t.streak
"""
TRACKERS = f"select {COLUMNS} from trackers t join accounts a on a.id = t.account_id"


class TrackerRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, tracker: Tracker, timezone: str | None) -> Tracker:
        await self.db.execute(
            """
            insert into trackers
                (id, account_id, category, timezone, started_on, claimed_days, created_at, streak)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (account_id, category) do nothing
            """,
            tracker.id,
            tracker.account_id,
            tracker.category,
            timezone,
            tracker.started_on,
            tracker.claimed_days,
            tracker.created_at,
            tracker.streak,
        )
        row = await self.db.fetchrow(
            f"{TRACKERS} where t.account_id = $1 and t.category = $2", tracker.account_id, tracker.category
        )
        return tracker_of(row) if row else tracker

    async def get(self, id: str) -> Tracker | None:
        row = await self.db.fetchrow(f"{TRACKERS} where t.id = $1", id)
        return tracker_of(row) if row else None

    async def lock(self, id: str) -> Tracker | None:
        row = await self.db.fetchrow(f"{TRACKERS} where t.id = $1 for update of t", id)
        return tracker_of(row) if row else None

    async def of_account(self, account_id: str) -> list[Tracker]:
        rows = await self.db.fetch(f"{TRACKERS} where t.account_id = $1 order by t.id", account_id)
        return [tracker_of(row) for row in rows]

    async def page(self, after: str, limit: int) -> list[Tracker]:
        rows = await self.db.fetch(
            f"{TRACKERS} where $1::text = '' or t.id > nullif($1, '')::uuid order by t.id limit $2",
            after,
            limit,
        )
        return [tracker_of(row) for row in rows]

    async def move(self, id: str, timezone: str) -> Tracker | None:
        row = await self.db.fetchrow(
            f"update trackers t set timezone = $2 from accounts a where t.id = $1 and a.id = t.account_id"
            f" returning {COLUMNS}",
            id,
            timezone,
        )
        return tracker_of(row) if row else None

    async def keep(self, id: str, streak: Streak) -> None:
        await self.db.execute("update trackers set streak = $2 where id = $1", id, streak)

    async def timezones(self) -> list[str]:
        rows = await self.db.fetch(
            """
            select distinct a.timezone from accounts a
            where a.status = 'active' and exists (select from trackers t where t.account_id = a.id)
            order by a.timezone
            """
        )
        return [row["timezone"] for row in rows]

    async def accounts_in(self, timezones: Sequence[str], after: str, limit: int) -> list[tuple[str, str]]:
        rows = await self.db.fetch(
            """
            select a.id, a.timezone from accounts a
            where a.status = 'active' and a.timezone = any($1::text[])
                and ($2::text = '' or a.id > nullif($2, '')::uuid)
                and exists (select from trackers t where t.account_id = a.id)
            order by a.id limit $3
            """,
            list(timezones),
            after,
            limit,
        )
        return [(row["id"], row["timezone"]) for row in rows]

    async def of_circle(self, circle_id: str, category: str | None, active_since: datetime) -> CircleTotals:
        row = await self.db.fetchrow(
            """
            with people as (
                select max((t.streak->>'longest_run_days')::int) as longest,
                    max((t.streak->>'total_days')::int) as total,
                    max((t.streak->>'last_check_in')::timestamptz) as last_check_in
                from memberships m join trackers t on t.account_id = m.account_id
                where m.circle_id = $1 and ($2::text is null or t.category = $2)
                group by m.account_id
            )
            select count(*) as people,
                coalesce(percentile_disc(0.5) within group (order by longest), 0) as longest,
                coalesce(percentile_disc(0.5) within group (order by total), 0) as total,
                count(*) filter (where last_check_in >= $3) as active
            from people
            """,
            circle_id,
            category,
            active_since,
        )
        return CircleTotals(*row) if row else CircleTotals(0, 0, 0, 0)


def tracker_of(row: Record) -> Tracker:
    return Tracker(**{**row, "streak": msgspec.convert(row["streak"], Streak)})
