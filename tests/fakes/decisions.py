"""Decisions in memory."""

from datetime import datetime

from msgspec.structs import replace

from domain.cases import Target
from domain.decisions import Action, Decision, DecisionState
from tests.fakes.tables import Tables


class FakeDecisions:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, decision: Decision) -> bool:
        known = decision.id in self._tables.decisions
        self._tables.decisions.setdefault(decision.id, decision)
        return not known

    async def get(self, id: str) -> Decision | None:
        return self._tables.decisions.get(id)

    async def of_case(self, case_id: str) -> list[Decision]:
        found = [one for one in self._tables.decisions.values() if one.case_id == case_id]
        return sorted(found, key=lambda one: (one.at, one.id))

    async def of_target(self, target: Target, target_id: str, limit: int) -> list[Decision]:
        rows = self._tables.decisions.values()
        return newest([one for one in rows if (one.target, one.target_id) == (target, target_id)], limit)

    async def of_subject(self, subject_id: str, limit: int) -> list[Decision]:
        rows = self._tables.decisions.values()
        return newest([one for one in rows if one.subject_id == subject_id], limit)

    async def in_force(self, subject_id: str, action: Action, now: datetime) -> list[Decision]:
        found = [
            one
            for one in self._tables.decisions.values()
            if (one.subject_id, one.action, one.state) == (subject_id, action, "active")
            and (one.until is None or one.until > now)
        ]
        return sorted(found, key=lambda one: (one.until is not None, -_seconds(one.until), one.id))

    async def end(self, id: str, state: DecisionState, *, by: str) -> bool:
        decision = self._tables.decisions.get(id)
        if decision is None or decision.state != "active":
            return False
        self._tables.decisions[id] = replace(decision, state=state, reversed_by=by)
        return True

    async def reject_proposals(self, case_id: str, *, but: str) -> None:
        for one in await self.of_case(case_id):
            if one.state == "proposed" and one.id != but:
                self._tables.decisions[one.id] = replace(one, state="rejected")


def _seconds(until: datetime | None) -> float:
    return until.timestamp() if until else 0.0


def newest(decisions: list[Decision], limit: int) -> list[Decision]:
    return sorted(decisions, key=lambda one: (one.at, one.id), reverse=True)[:limit]
