"""Decisions in PostgreSQL."""

from datetime import datetime

from db.postgres.statements import Db, changed
from domain.cases import Target
from domain.decisions import Action, Decision, DecisionState

COLUMNS = """id, case_id, target, target_id, subject_id, moderator_id, action, at, reason, topics, label,
    until, earlier, state, reversed_by"""


class DecisionRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, decision: Decision) -> bool:
        status = await self.db.execute(
            f"""
            insert into decisions ({COLUMNS})
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            on conflict (id) do nothing
            """,
            *(getattr(decision, name) for name in Decision.__struct_fields__),
        )
        return changed(status)

    async def get(self, id: str) -> Decision | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from decisions where id = $1", id)
        return Decision(**row) if row else None

    async def of_case(self, case_id: str) -> list[Decision]:
        rows = await self.db.fetch(
            f"select {COLUMNS} from decisions where case_id = $1 order by at, id", case_id
        )
        return [Decision(**row) for row in rows]

    async def of_target(self, target: Target, target_id: str, limit: int) -> list[Decision]:
        rows = await self.db.fetch(
            f"""
            select {COLUMNS} from decisions where target = $1 and target_id = $2
            order by at desc, id desc limit $3
            """,
            target,
            target_id,
            limit,
        )
        return [Decision(**row) for row in rows]

    async def of_subject(self, subject_id: str, limit: int) -> list[Decision]:
        rows = await self.db.fetch(
            f"select {COLUMNS} from decisions where subject_id = $1 order by at desc, id desc limit $2",
            subject_id,
            limit,
        )
        return [Decision(**row) for row in rows]

    async def in_force(self, subject_id: str, action: Action, now: datetime) -> list[Decision]:
        rows = await self.db.fetch(
            f"""
            select {COLUMNS} from decisions
            where subject_id = $1 and action = $2 and state = 'active' and (until is null or until > $3)
            order by until desc nulls first, id
            """,
            subject_id,
            action,
            now,
        )
        return [Decision(**row) for row in rows]

    async def end(self, id: str, state: DecisionState, *, by: str) -> bool:
        status = await self.db.execute(
            "update decisions set state = $2, reversed_by = $3 where id = $1 and state = 'active'",
            id,
            state,
            by,
        )
        return changed(status)

    async def reject_proposals(self, case_id: str, *, but: str) -> None:
        await self.db.execute(
            "update decisions set state = 'rejected' where case_id = $1 and state = 'proposed' and id <> $2",
            case_id,
            but,
        )
