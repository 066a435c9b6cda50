"""Cases in memory."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from domain.access import MODERATORS
from domain.cases import Case, CaseKind, Load, Target, joined, place
from domain.errors import Conflict, Invalid
from domain.pages import Cursor
from tests.fakes.tables import Tables


class FakeCases:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def open(self, case: Case) -> Case:
        key = (case.target, case.target_id, case.kind)
        for known in self._tables.cases.values():
            if known.closed_at is None and (known.target, known.target_id, known.kind) == key:
                return self._put(joined(known, case))
        return self._put(case)

    def _put(self, case: Case) -> Case:
        self._tables.cases[case.id] = case
        return case

    async def add_appeal(self, case: Case) -> None:
        if any(other.decision_id == case.decision_id for other in self._tables.cases.values()):
            raise Conflict
        self._put(case)

    async def get(self, id: str) -> Case | None:
        return self._tables.cases.get(id)

    async def claim(self, id: str, moderator_id: str, now: datetime, until: datetime) -> Case | None:
        case = self._tables.cases.get(id)
        if case is None or case.closed_at is not None or not is_free(case, moderator_id, now):
            return None
        return self._put(replace(case, claimed_by=moderator_id, claimed_until=until))

    async def release(self, id: str, moderator_id: str) -> bool:
        case = self._tables.cases.get(id)
        if case is None or case.closed_at is not None or case.claimed_by != moderator_id:
            return False
        self._put(replace(case, claimed_by=None, claimed_until=None))
        return True

    async def release_all(self, moderator_id: str) -> int:
        held = [one.id for one in self._tables.cases.values() if one.claimed_by == moderator_id]
        return sum([await self.release(id, moderator_id) for id in held])

    async def held_by(self, moderator_id: str, target: Target, target_id: str, now: datetime) -> Case | None:
        for case in self._tables.cases.values():
            held = case.claimed_by == moderator_id and case.claimed_until is not None
            about = (case.target, case.target_id) == (target, target_id) and case.closed_at is None
            if held and about and (case.claimed_until or now) > now:
                return case
        return None

    async def bar(self, id: str, moderator_id: str) -> None:
        case = self._tables.cases[id]
        self._put(replace(case, barred=[*case.barred, moderator_id], claimed_by=None, claimed_until=None))

    async def bar_appeals(self, target: Target, target_id: str, moderator_id: str) -> None:
        for case in list(self._tables.cases.values()):
            about = (case.target, case.target_id, case.kind) == (target, target_id, "appeal")
            if about and case.closed_at is None and moderator_id not in case.barred:
                self._put(replace(case, barred=[*case.barred, moderator_id]))

    async def close(self, id: str, outcome: str, closed_by: str | None, at: datetime) -> bool:
        case = self._tables.cases.get(id)
        if case is None or case.closed_at is not None:
            return False
        self._put(replace(case, outcome=outcome, closed_by=closed_by, closed_at=at))
        return True

    async def close_unreported(self, id: str, outcome: str, at: datetime) -> bool:
        case = self._tables.cases.get(id)
        return case is not None and case.reports == 0 and await self.close(id, outcome, None, at)

    async def change_outcome(self, id: str, outcome: str) -> None:
        case = self._tables.cases.get(id)
        if case is not None and case.closed_at is not None:
            self._put(replace(case, outcome=outcome))

    async def close_about(self, subject_id: str, outcome: str, at: datetime) -> int:
        found = [one for one in self._tables.cases.values() if one.subject_id == subject_id]
        return sum([await self.close(one.id, outcome, None, at) for one in found])

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
        found = [
            case
            for case in self._tables.cases.values()
            if case.closed_at is None
            and case.subject_id != moderator_id
            and moderator_id not in case.barred
            and is_free(case, moderator_id, now)
            and kind in (None, case.kind)
            and (not mine or (case.claimed_by == moderator_id and (case.claimed_until or now) > now))
            and (colleagues or case.kind == "risk" or not self._is_about_a_moderator(case))
        ]
        found.sort(key=lambda case: in_queue(place(case)))
        if after is not None:
            check_cursor(after)
            found = [case for case in found if in_queue(place(case)) > in_queue(after)]
        return found[:limit]

    def _is_about_a_moderator(self, case: Case) -> bool:
        subject = self._tables.accounts.get(case.subject_id)
        return subject is not None and subject.role in MODERATORS

    async def similar(self, case: Case, limit: int) -> list[Case]:
        topics = set(case.topics)
        found = [
            other
            for other in self._tables.cases.values()
            if other.closed_at is not None
            and other.id != case.id
            and (other.kind, other.target) == (case.kind, case.target)
            and topics & set(other.topics)
        ]
        found.sort(key=lambda other: other.closed_at or other.opened_at, reverse=True)
        found.sort(key=lambda other: len(topics & set(other.topics)), reverse=True)
        return found[:limit]

    async def loads(self, since: datetime, hard_topics: Sequence[str]) -> list[Load]:
        loads: dict[str, Load] = {}
        for case in self._tables.cases.values():
            if case.closed_by is None or case.closed_at is None or case.closed_at < since:
                continue
            load = loads.get(case.closed_by, Load(case.closed_by, 0, 0))
            hard = case.kind == "risk" or bool(set(hard_topics) & set(case.topics))
            loads[case.closed_by] = replace(load, cases=load.cases + 1, hard=load.hard + hard)
        return [loads[id] for id in sorted(loads)]


def is_free(case: Case, moderator_id: str, now: datetime) -> bool:
    return case.claimed_by in (None, moderator_id) or (case.claimed_until or now) <= now


def in_queue(at: Cursor) -> tuple[int, int, str]:
    return -int(at[0]), int(at[1]), str(at[2])


def check_cursor(cursor: Cursor) -> None:
    if [type(part) for part in cursor] != [int, int, str]:
        raise Invalid(field="cursor")
