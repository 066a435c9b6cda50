"""Reports in memory."""

from domain.cases import Target
from domain.errors import Conflict
from domain.reports import Record, Report
from tests.fakes.tables import Tables


class FakeReports:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, report: Report) -> None:
        if await self.by_reporter(report.reporter_id or "", report.target, report.target_id) is not None:
            raise Conflict
        self._tables.reports[report.id] = report

    async def by_reporter(self, reporter_id: str, target: Target, target_id: str) -> Report | None:
        key = (reporter_id, target, target_id)
        reports = self._tables.reports.values()
        return next((one for one in reports if (one.reporter_id, one.target, one.target_id) == key), None)

    async def of_case(self, case_id: str, limit: int) -> list[Report]:
        found = [one for one in self._tables.reports.values() if one.case_id == case_id]
        return sorted(found, key=lambda one: (-one.weight, one.created_at))[:limit]

    async def made_by(self, reporter_id: str, after: str | None, limit: int) -> list[Report]:
        mine = [one for one in self._tables.reports.values() if one.reporter_id == reporter_id]
        return sorted((one for one in mine if one.id > (after or "")), key=lambda one: one.id)[:limit]

    async def record_of(self, reporter_id: str) -> Record:
        mine = [one for one in self._tables.reports.values() if one.reporter_id == reporter_id]
        outcomes = [self._tables.cases[one.case_id].outcome for one in mine]
        outcomes = [outcome for outcome in outcomes if outcome != "erased"]
        dismissed = sum(outcome in ("dismiss", "overturned") for outcome in outcomes)
        return Record(sum(outcome is not None for outcome in outcomes) - dismissed, dismissed)
