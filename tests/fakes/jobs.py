"""Rows of owed work in memory, by the rules of `domain.jobs.JobStore`."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from domain.clock import Clock
from domain.jobs import (
    FINISHED,
    UNFINISHED,
    Job,
    JobFilter,
    JobRow,
    Lane,
    Outcome,
    Sentinel,
    Slot,
    Start,
    State,
    Unfinished,
)
from domain.trace import TRACEPARENT
from tests.fakes.tables import Owed, Tables


class FakeJobs:
    def __init__(self, tables: Tables, now: Clock, rows: "itertools.count[int]") -> None:
        self._tables = tables
        self._now = now
        self._rows = rows

    async def add(self, jobs: Sequence[Job]) -> list[Job]:
        distinct = {job.key: job for job in jobs}
        return [added for job in distinct.values() if (added := self._add(job)) is not None]

    def _add(self, job: Job) -> Job | None:
        owed = self._tables.jobs.get(job.key)
        if owed is None:
            return self._put(Owed(new_row(job, next(self._rows), self._now()), job.repeats), job)
        if not job.repeats or owed.row.state == "queued":
            return None
        if owed.row.state == "started":
            self._put(owed._replace(again=True), job)
            return None
        return self._put(self._anew(owed, job.run_at), job)

    def _put(self, owed: Owed, job: Job) -> Job:
        trace = TRACEPARENT.get()
        self._tables.jobs[job.key] = owed._replace(row=replace(owed.row, traceparent=trace))
        return replace(job, run=owed.row.run, traceparent=trace)

    def _anew(self, owed: Owed, run_at: datetime | None = None) -> Owed:
        row = replace(
            owed.row,
            row=next(self._rows),
            state="queued",
            run=owed.row.run + 1,
            attempts=0,
            run_at=run_at or self._now(),
            queued_at=self._now(),
            started_at=None,
            finished_at=None,
            error=None,
            trace=None,
        )
        return owed._replace(row=row, again=False)

    async def started(self, starts: Sequence[Start]) -> set[str]:
        return {start.job.key for start in starts if self._begin(start)}

    def _begin(self, start: Start) -> bool:
        owed = self._current(start.job)
        if owed is None:
            return False
        begun = replace(
            owed.row,
            state="started",
            started_at=start.started_at,
            attempts=start.attempt,
            worker=start.worker,
        )
        self._tables.jobs[start.job.key] = owed._replace(row=begun)
        return True

    def _current(self, job: Job) -> Owed | None:
        """The row of this very run, while it is owed."""
        owed = self._tables.jobs.get(job.key)
        return owed if owed and owed.row.run == job.run and owed.row.state in UNFINISHED else None

    async def settle(self, outcomes: Sequence[Outcome]) -> list[Job]:
        return [again for outcome in outcomes if (again := self._settle(outcome)) is not None]

    def _settle(self, outcome: Outcome) -> Job | None:
        owed = self._current(outcome.job)
        if owed is None or is_late(outcome, owed.row):
            return None
        if owed.again and outcome.state != "queued":
            self._tables.jobs[outcome.job.key] = self._anew(owed)
            return job_of(self._tables.jobs[outcome.job.key])
        ended = replace(
            owed.row,
            state=outcome.state,
            attempts=outcome.attempts,
            run_at=outcome.run_at or owed.row.run_at,
            finished_at=None if outcome.state == "queued" else outcome.finished_at,
            error=outcome.error,
            trace=outcome.trace,
        )
        self._tables.jobs[outcome.job.key] = owed._replace(row=ended, again=False)
        return None

    async def progressed(self, progress: Mapping[str, tuple[int, int]]) -> None:
        for key, (done, total) in progress.items():
            owed = self._tables.jobs.get(key)
            if owed is not None and owed.row.state in UNFINISHED:
                row = replace(owed.row, progress_done=done, progress_total=total)
                self._tables.jobs[key] = owed._replace(row=row)

    async def unfinished(
        self, lane: Lane, *, after: int, limit: int, older_than_seconds: float = 0.0
    ) -> list[Unfinished]:
        old = self._now() - timedelta(seconds=older_than_seconds)
        found = [
            Unfinished(owed.row.row, job_of(owed), owed.row.state == "started")
            for owed in self._tables.jobs.values()
            if owed.row.lane == lane
            and owed.row.state in UNFINISHED
            and owed.row.row > after
            and owed.row.queued_at <= old
        ]
        return sorted(found, key=lambda one: one.row)[:limit]

    async def find(self, which: JobFilter, *, before: int | None = None, limit: int = 50) -> list[JobRow]:
        rows = [owed.row for owed in self._matching(which) if before is None or owed.row.row < before]
        return sorted(rows, key=lambda row: row.row, reverse=True)[:limit]

    def _matching(self, which: JobFilter, states: Iterable[State] | None = None) -> list[Owed]:
        found = [owed for owed in self._tables.jobs.values() if matches(owed.row, which)]
        found = [owed for owed in found if states is None or owed.row.state in states]
        return sorted(found, key=lambda owed: owed.row.row)

    async def counts(self) -> dict[tuple[Lane, State], int]:
        counts: dict[tuple[Lane, State], int] = {}
        for owed in self._tables.jobs.values():
            place = (owed.row.lane, owed.row.state)
            counts[place] = counts.get(place, 0) + 1
        return counts

    async def cancel(self, which: JobFilter, *, limit: int) -> list[Job]:
        chosen = self._matching(which, UNFINISHED)[:limit]
        for owed in chosen:
            row = replace(owed.row, state="cancelled", finished_at=self._now(), error="operator")
            self._tables.jobs[row.key] = owed._replace(row=row, again=False)
        return [job_of(owed) for owed in chosen]

    async def requeue(self, which: JobFilter, *, limit: int) -> list[Job]:
        chosen = [self._anew(owed) for owed in self._matching(which, FINISHED)[:limit]]
        self._tables.jobs |= {owed.row.key: owed for owed in chosen}
        return [job_of(owed) for owed in chosen]

    async def discard(self, which: JobFilter, *, limit: int) -> int:
        return self._drop([owed.row.key for owed in self._matching(which, FINISHED)[:limit]])

    def _drop(self, keys: list[str]) -> int:
        for key in keys:
            del self._tables.jobs[key]
        return len(keys)

    async def prune(self, *, done_before: datetime, dead_before: datetime, limit: int) -> int:
        old = [
            owed.row.key
            for owed in self._tables.jobs.values()
            if owed.row.finished_at is not None
            and owed.row.finished_at < (dead_before if owed.row.state == "dead" else done_before)
        ]
        return self._drop(old[:limit])

    async def paused(self) -> set[Lane]:
        return set(self._tables.paused)

    async def set_paused(self, lane: Lane, paused: bool) -> None:
        if paused:
            self._tables.paused[lane] = None
        else:
            self._tables.paused.pop(lane, None)

    async def sentinel(self) -> Sentinel | None:
        return self._tables.sentinel.get("single")

    async def set_sentinel(self, sentinel: Sentinel) -> None:
        self._tables.sentinel["single"] = sentinel

    async def slots(self) -> list[Slot]:
        return sorted(self._tables.slots.values(), key=lambda slot: slot.name)

    async def plan(self, slots: Sequence[Slot], *, drop: bool = True) -> None:
        old = self._tables.slots
        kept = {} if drop else old
        self._tables.slots = kept | {
            slot.name: old[slot.name]
            if slot.name in old and old[slot.name].spec == slot.spec
            else Slot(slot.name, slot.spec, slot.next_run_at)
            for slot in slots
        }

    async def take_slot(self, slot: Slot, *, next_run_at: datetime, missed: int, job: Job) -> list[Job]:
        here = self._tables.slots.get(slot.name)
        if here is None or here.next_run_at != slot.next_run_at:
            return []
        moved = Slot(here.name, here.spec, next_run_at, here.next_run_at, missed)
        self._tables.slots[slot.name] = moved
        return [] if job.key in self._tables.jobs else await self.add([job])

    async def replan_slot(self, slot: Slot, next_run_at: datetime) -> None:
        here = self._tables.slots.get(slot.name)
        if here is not None and here.next_run_at == slot.next_run_at:
            self._tables.slots[slot.name] = replace(here, next_run_at=next_run_at)


def new_row(job: Job, row: int, now: datetime) -> JobRow:
    return JobRow(
        row=row,
        key=job.key,
        name=job.name,
        lane=job.lane,
        args=job.args,
        state="queued",
        run=1,
        attempts=0,
        run_at=job.run_at or now,
        queued_at=now,
        started_at=None,
        finished_at=None,
        wait_seconds=None,
        run_seconds=None,
        worker=None,
        error=None,
        trace=None,
        progress_done=None,
        progress_total=None,
        traceparent=None,
    )


def is_late(outcome: Outcome, row: JobRow) -> bool:
    """Whether it has attempts left and another attempt is on record as running."""
    running = (row.worker, row.started_at)
    return (outcome.state, row.state) == ("queued", "started") and running != (
        outcome.worker,
        outcome.started_at,
    )


def job_of(owed: Owed) -> Job:
    row = owed.row
    return Job(
        name=row.name,
        args=row.args,
        key=row.key,
        lane=row.lane,
        run_at=row.run_at,
        repeats=owed.repeats,
        run=row.run,
        attempts=row.attempts,
        traceparent=row.traceparent,
    )


def matches(row: JobRow, which: JobFilter) -> bool:
    return (
        (which.keys is None or row.key in which.keys)
        and (which.key_prefix is None or row.key.startswith(which.key_prefix))
        and which.name in (None, row.name)
        and which.lane in (None, row.lane)
        and (which.states is None or row.state in which.states)
        and which.error in (None, row.error)
    )
