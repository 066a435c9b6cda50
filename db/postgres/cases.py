"""Cases in PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg

from db.postgres.statements import Db, changed
from domain.access import MODERATORS
from domain.cases import Case, CaseKind, Load, Target, joined
from domain.clock import EPOCH
from domain.errors import Conflict, Invalid
from domain.ids import parse_id
from domain.pages import Cursor

COLUMNS = """id, kind, target, target_id, subject_id, topics, urgency, opened_at, weight, reports, claimed_by,
    claimed_until, barred, decision_id, note, outcome, closed_by, closed_at"""
INSERT = f"""
insert into cases ({COLUMNS})
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


class CaseRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def open(self, case: Case) -> Case:
        """Of two that open it at once, the second waits for the first and finds its row."""
        if (found := await self._locked(case)) is None:
            status = await self.db.execute(f"{INSERT} on conflict do nothing", *values_of(case))
            if changed(status):
                return case
            found = await self._locked(case)
        if found is None:
            raise Conflict
        return await self._join(joined(found, case))

    async def _locked(self, case: Case) -> Case | None:
        row = await self.db.fetchrow(
            f"""
            select {COLUMNS} from cases
            where target = $1 and target_id = $2 and kind = $3 and closed_at is null for update
            """,
            case.target,
            case.target_id,
            case.kind,
        )
        return Case(**row) if row else None

    async def _join(self, case: Case) -> Case:
        await self.db.execute(
            "update cases set topics = $2, urgency = $3, weight = $4, reports = $5 where id = $1",
            case.id,
            case.topics,
            case.urgency,
            case.weight,
            case.reports,
        )
        return case

    async def add_appeal(self, case: Case) -> None:
        try:
            await self.db.execute(INSERT, *values_of(case))
        except asyncpg.UniqueViolationError:
            raise Conflict("This decision was appealed before.") from None

    async def get(self, id: str) -> Case | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from cases where id = $1", id)
        return Case(**row) if row else None

    async def claim(self, id: str, moderator_id: str, now: datetime, until: datetime) -> Case | None:
        row = await self.db.fetchrow(
            f"""
            update cases set claimed_by = $2, claimed_until = $4
            where id = $1 and closed_at is null
                and (claimed_by is null or claimed_by = $2 or claimed_until <= $3)
            returning {COLUMNS}
            """,
            id,
            moderator_id,
            now,
            until,
        )
        return Case(**row) if row else None

    async def release(self, id: str, moderator_id: str) -> bool:
        status = await self.db.execute(
            """
            update cases set claimed_by = null, claimed_until = null
            where id = $1 and claimed_by = $2 and closed_at is null
            """,
            id,
            moderator_id,
        )
        return changed(status)

    async def release_all(self, moderator_id: str) -> int:
        status = await self.db.execute(
            """
            update cases set claimed_by = null, claimed_until = null
            where claimed_by = $1 and closed_at is null
            """,
            moderator_id,
        )
        return int(status.rpartition(" ")[2])

    async def held_by(self, moderator_id: str, target: Target, target_id: str, now: datetime) -> Case | None:
        row = await self.db.fetchrow(
            f"""
            select {COLUMNS} from cases
            where target = $1 and target_id = $2 and closed_at is null
                and claimed_by = $3 and claimed_until > $4
            limit 1
            """,
            target,
            target_id,
            moderator_id,
            now,
        )
        return Case(**row) if row else None

    async def bar(self, id: str, moderator_id: str) -> None:
        await self.db.execute(
            """
            update cases set barred = array_append(barred, $2), claimed_by = null, claimed_until = null
            where id = $1
            """,
            id,
            moderator_id,
        )

    async def bar_appeals(self, target: Target, target_id: str, moderator_id: str) -> None:
        await self.db.execute(
            """
            update cases set barred = array_append(barred, $3)
            where target = $1 and target_id = $2 and kind = 'appeal' and closed_at is null
                and $3 <> all (barred)
            """,
            target,
            target_id,
            moderator_id,
        )

    async def close(self, id: str, outcome: str, closed_by: str | None, at: datetime) -> bool:
        status = await self.db.execute(
            """
            update cases set outcome = $2, closed_by = $3, closed_at = $4
            where id = $1 and closed_at is null
            """,
            id,
            outcome,
            closed_by,
            at,
        )
        return changed(status)

    async def close_unreported(self, id: str, outcome: str, at: datetime) -> bool:
        status = await self.db.execute(
            """
            update cases set outcome = $2, closed_at = $3
            where id = $1 and closed_at is null and reports = 0
            """,
            id,
            outcome,
            at,
        )
        return changed(status)

    async def change_outcome(self, id: str, outcome: str) -> None:
        await self.db.execute(
            "update cases set outcome = $2 where id = $1 and closed_at is not null", id, outcome
        )

    async def close_about(self, subject_id: str, outcome: str, at: datetime) -> int:
        status = await self.db.execute(
            """
            update cases set outcome = $2, closed_at = $3, claimed_by = null, claimed_until = null
            where subject_id = $1 and closed_at is null
            """,
            subject_id,
            outcome,
            at,
        )
        return int(status.rpartition(" ")[2])

    async def queue(
        self,
        moderator_id: str,
        now: datetime,
        *,
        kind: CaseKind | None,
        mine: bool = False,
        colleagues: bool = False,
        after: Cursor | None,
        limit: int,
    ) -> list[Case]:
        urgency, opened_at, id = behind(after)
        rows = await self.db.fetch(
            f"""
            select {COLUMNS} from cases
            where closed_at is null and subject_id <> $1 and $1 <> all (barred)
                and (claimed_by is null or claimed_by = $1 or claimed_until <= $2)
                and ($3::text is null or kind = $3)
                and (-urgency, opened_at, id) > (-$4::int, $5::timestamptz, $6::uuid)
                and (not $8 or (claimed_by = $1 and claimed_until > $2))
                and ($9 or kind = 'risk' or not exists (
                    select from accounts where accounts.id = subject_id and role = any($10)))
            order by urgency desc, opened_at, id limit $7
            """,
            moderator_id,
            now,
            kind,
            urgency,
            opened_at,
            id,
            limit,
            mine,
            colleagues,
            sorted(MODERATORS),
        )
        return [Case(**row) for row in rows]

    async def similar(self, case: Case, limit: int) -> list[Case]:
        rows = await self.db.fetch(
            f"""
            select {COLUMNS} from cases
            where closed_at is not null and topics && $3 and kind = $1 and target = $2 and id <> $4
            order by (select count(*) from unnest(topics) topic where topic = any($3)) desc, closed_at desc
            limit $5
            """,
            case.kind,
            case.target,
            case.topics,
            case.id,
            limit,
        )
        return [Case(**row) for row in rows]

    async def loads(self, since: datetime, hard_topics: Sequence[str]) -> list[Load]:
        rows = await self.db.fetch(
            """
            select closed_by as moderator_id, count(*)::int as cases,
                (count(*) filter (where kind = 'risk' or topics && $2))::int as hard
            from cases where closed_at >= $1 and closed_by is not null group by closed_by order by closed_by
            """,
            since,
            list(hard_topics),
        )
        return [Load(**row) for row in rows]


def values_of(case: Case) -> list[object]:
    return [getattr(case, name) for name in Case.__struct_fields__]


def behind(after: Cursor | None) -> tuple[int, datetime, str]:
    """The place behind which a page begins; raises `Invalid` for the cursor of another list."""
    match after:
        case None:
            return 99, LATEST, "00000000-0000-0000-0000-000000000000"
        case [int(urgency), int(microseconds), str(id)] if 1 <= urgency <= 5 and 0 <= microseconds < 2**52:
            return urgency, EPOCH + timedelta(microseconds=microseconds), parse_id(id, "cursor")
    raise Invalid("This cursor belongs to another list.", field="cursor")
