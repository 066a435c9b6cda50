"""The schedule: jobs that are due by the clock, planned in PostgreSQL.

Every worker looks; whoever moves a slot on also adds its job, in one statement, so a slot runs once across
any number of workers. A slot that passed while nobody was there runs as soon as somebody is; several missed
slots of one entry are merged into one run, and their number is kept. All times are UTC.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec
import structlog

from domain.clock import Clock, rfc3339
from domain.jobs import Job, JobQueue, JobSettings, JobStore, Lane, Slot
from workers.job import KINDS, Function, Kind

log = structlog.get_logger(__name__)

PLAIN_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
MISSED_MAX = 200
"""Missed slots are counted up to here: nothing else runs in a worker while it counts."""
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=seconds) for seconds in (1, 60, 3600, 86_400))
LONGER_THAN_A_MONTH = timedelta(days=32)
STEPS_MAX = 10_000
"""More than the days of eight years, the longest that a 29th of February is away."""

F = TypeVar("F", bound=Function)

Field = int | set[int] | None


class Cron(msgspec.Struct, frozen=True):
    """A time pattern as in crontab: None is every, a set is any of. UTC; weekday 0 is Monday."""

    second: Field = 0
    minute: Field = None
    hour: Field = None
    weekday: Field = None
    day: Field = None
    month: Field = None

    def after(self, moment: datetime) -> datetime:
        """The first match after `moment`. Raises `ValueError` for a pattern that never comes."""
        at = moment.astimezone(UTC).replace(microsecond=0) + SECOND
        for _ in range(STEPS_MAX):
            later = self._later(at)
            if later is None:
                return at
            at = later
        raise ValueError(f"{self.spec} never comes")

    def _later(self, at: datetime) -> datetime | None:
        """Where the next stretch begins that may match; None when `at` does."""
        midnight = at.replace(hour=0, minute=0, second=0)
        if not holds(self.month, at.month):
            return (midnight.replace(day=1) + LONGER_THAN_A_MONTH).replace(day=1)
        if not (holds(self.day, at.day) and holds(self.weekday, at.weekday())):
            return midnight + DAY
        if not holds(self.hour, at.hour):
            return at.replace(minute=0, second=0) + HOUR
        if not holds(self.minute, at.minute):
            return at.replace(second=0) + MINUTE
        return None if holds(self.second, at.second) else at + SECOND

    @property
    def period_seconds(self) -> float:
        """From one match to the next, at a moment like any other."""
        first = self.after(PLAIN_MOMENT)
        return (self.after(first) - first).total_seconds()

    @property
    def spec(self) -> str:
        return " ".join(field_text(getattr(self, name)) for name in self.__struct_fields__)


class Entry(msgspec.Struct, frozen=True):
    name: str
    cron: Cron
    lane: Lane


SCHEDULE: dict[str, Entry] = {}
"""Every scheduled job by name, filled by importing the modules that define them."""


def scheduled(
    cron: Cron,
    *,
    lane: Lane = "bulk",
    entries: dict[str, Entry] | None = None,
    kinds: dict[str, Kind] = KINDS,
) -> Callable[[F], F]:
    """Put a `@job` function that needs no ids on the schedule; stands above `@job`.

    While something is away a run is tried again until its next slot, no longer: runs must not pile up.
    """
    registry = SCHEDULE if entries is None else entries

    def register(function: F) -> F:
        name = function.__name__
        registry[name] = Entry(name, cron, lane)
        if kind := kinds.get(name):
            patience = min(kind.patience_seconds, cron.period_seconds)
            kinds[name] = msgspec.structs.replace(kind, patience_seconds=patience, recurs=True)
        return function

    return register


class Schedule:
    """Adds the jobs whose time has come."""

    def __init__(
        self,
        entries: Mapping[str, Entry],
        *,
        store: JobStore,
        queue: JobQueue,
        settings: JobSettings,
        clock: Clock | None = None,
    ) -> None:
        self.entries = entries
        self.store = store
        self.queue = queue
        self.settings = settings
        self.clock: Clock = clock or (lambda: datetime.now(UTC))
        self._planned = False

    async def tick(self) -> None:
        """Run what is due, then sleep until the next slot (or a bound, to see what others changed)."""
        next_run_at = await self.run_due()
        wait = (
            (next_run_at - self.clock()).total_seconds()
            if next_run_at
            else self.settings.schedule_wait_seconds
        )
        await asyncio.sleep(min(max(wait, 0.01), self.settings.schedule_wait_seconds))

    async def run_due(self) -> datetime | None:
        """Add the jobs of all slots that have passed; returns when the next one is."""
        if not self._planned:
            await self.plan()
        slots = await self._slots()
        if len(slots) < len(self.entries):
            await self.plan(drop=False)  # a worker of another version started since, and dropped them
        upcoming = [await self._take(slot) for slot in slots]
        return min(upcoming, default=None)

    async def _slots(self) -> list[Slot]:
        return [slot for slot in await self.store.slots() if slot.name in self.entries]

    async def plan(self, *, drop: bool = True) -> None:
        now = self.clock()
        slots = [Slot(entry.name, entry.cron.spec, entry.cron.after(now)) for entry in self.entries.values()]
        await self.store.plan(slots, drop=drop)
        self._planned = True

    async def _take(self, slot: Slot) -> datetime:
        now = self.clock()
        if slot.next_run_at > now:
            return await self._kept(slot, now)
        entry = self.entries[slot.name]
        next_run_at, missed = following(entry.cron, slot.next_run_at, now)
        jobs = await self.store.take_slot(
            slot, next_run_at=next_run_at, missed=missed, job=job_of(entry, slot.next_run_at)
        )
        await self.queue.push(jobs)
        if jobs and missed:
            log.warning("schedule.missed", name=slot.name, missed=missed)
        return next_run_at

    async def _kept(self, slot: Slot, now: datetime) -> datetime:
        """A slot two turns away was planned by a clock that ran ahead: it is brought back.

        One turn is what a worker sees whose clock is a moment behind. Slots that had their turn do not run
        again: their jobs' keys are taken.
        """
        cron = self.entries[slot.name].cron
        upcoming = cron.after(now)
        if slot.next_run_at <= cron.after(upcoming):
            return slot.next_run_at
        log.warning("schedule.brought_back", name=slot.name)
        await self.store.replan_slot(slot, upcoming)
        return upcoming


def following(cron: Cron, slot: datetime, now: datetime) -> tuple[datetime, int]:
    """The first slot after `now`, and how many between `slot` and it were missed."""
    missed = 0
    upcoming = cron.after(slot)
    while upcoming <= now and missed < MISSED_MAX:
        missed += 1
        upcoming = cron.after(upcoming)
    return (upcoming, missed) if upcoming > now else (cron.after(now), missed)


def job_of(entry: Entry, slot: datetime) -> Job:
    return Job(entry.name, {}, f"{entry.name}@{rfc3339(slot)}", entry.lane)


def holds(field: Field, value: int) -> bool:
    return field is None or (value == field if isinstance(field, int) else value in field)


def field_text(field: Field) -> str:
    if field is None:
        return "*"
    return str(field) if isinstance(field, int) else ",".join(map(str, sorted(field)))
