"""The schedule: jobs that are due by the clock, planned in PostgreSQL.

Every worker looks; whoever moves a slot on also adds its job, in one statement, so a slot runs once across
any number of workers. A slot that passed while nobody was there runs as soon as somebody is; several missed
slots of one entry are merged into one run, and their number is kept. All times are UTC.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
import structlog
from arq.cron import next_cron

from domain.clock import Clock, rfc3339
from domain.jobs import Job, JobQueue, JobSettings, JobStore, Lane, Slot
from workers.job import Function

log = structlog.get_logger(__name__)

MISSED_MAX = 10_000
"""Missed slots are counted up to here, so that a long outage costs no long count."""

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
        """The first match after `moment`."""
        return next_cron(
            moment.astimezone(UTC),
            month=self.month,
            day=self.day,
            weekday=self.weekday,
            hour=self.hour,
            minute=self.minute,
            second=self.second,
            microsecond=0,
        )

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
    cron: Cron, *, lane: Lane = "bulk", entries: dict[str, Entry] | None = None
) -> Callable[[F], F]:
    """Put a `@job` function that needs no ids on the schedule; stands above `@job`."""
    registry = SCHEDULE if entries is None else entries

    def register(function: F) -> F:
        registry[function.__name__] = Entry(function.__name__, cron, lane)
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
        slots = [slot for slot in await self.store.slots() if slot.name in self.entries]
        upcoming = [await self._take(slot) for slot in slots]
        return min(upcoming, default=None)

    async def plan(self) -> None:
        now = self.clock()
        await self.store.plan(
            [Slot(entry.name, entry.cron.spec, entry.cron.after(now)) for entry in self.entries.values()]
        )
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


def field_text(field: Field) -> str:
    if field is None:
        return "*"
    return str(field) if isinstance(field, int) else ",".join(map(str, sorted(field)))
