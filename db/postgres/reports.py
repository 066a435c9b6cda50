"""Reports in PostgreSQL."""

import asyncpg

from db.postgres.statements import Db
from domain.cases import Target
from domain.errors import Conflict
from domain.reports import Record, Report

COLUMNS = "id, case_id, reporter_id, target, target_id, reason, note, weight, created_at"


class ReportRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, report: Report) -> None:
        try:
            await self.db.execute(
                f"insert into reports ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                report.id,
                report.case_id,
                report.reporter_id,
                report.target,
                report.target_id,
                report.reason,
                report.note,
                report.weight,
                report.created_at,
            )
        except asyncpg.UniqueViolationError:
            raise Conflict("You reported this before.") from None

    async def by_reporter(self, reporter_id: str, target: Target, target_id: str) -> Report | None:
        row = await self.db.fetchrow(
            f"select {COLUMNS} from reports where reporter_id = $1 and target = $2 and target_id = $3",
            reporter_id,
            target,
            target_id,
        )
        return Report(**row) if row else None

    async def of_case(self, case_id: str, limit: int) -> list[Report]:
        rows = await self.db.fetch(
            f"select {COLUMNS} from reports where case_id = $1 order by weight desc, created_at limit $2",
            case_id,
            limit,
        )
        return [Report(**row) for row in rows]

    async def made_by(self, reporter_id: str, after: str | None, limit: int) -> list[Report]:
        rows = await self.db.fetch(
            f"""
            select {COLUMNS} from reports where reporter_id = $1 and ($2::uuid is null or id > $2)
            order by id limit $3
            """,
            reporter_id,
            after,
            limit,
        )
        return [Report(**row) for row in rows]

    async def record_of(self, reporter_id: str) -> Record:
        row = await self.db.fetchrow(
            """
            select count(*) filter (where outcome not in ('dismiss', 'overturned', 'erased')) as upheld,
                count(*) filter (where outcome in ('dismiss', 'overturned')) as dismissed
            from reports join cases on cases.id = case_id where reporter_id = $1
            """,
            reporter_id,
        )
        return Record(**row) if row else Record(0, 0)
