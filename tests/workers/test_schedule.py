"""The schedule: once across workers, never skipped, merged when late."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from arq.cron import next_cron
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Unavailable
from domain.jobs import JobFilter
from tests.workers.conftest import FAST, Bench
from workers.job import Backoff
from workers.schedule import MISSED_MAX, Cron, Entry, Schedule, scheduled

HOURLY = {"sweep": Entry("sweep", Cron(minute=0), "bulk")}
START = datetime(2026, 3, 1, 11, 59, 30, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def schedule(bench: Bench, clock: Clock, entries: dict[str, Entry] = HOURLY) -> Schedule:
    return Schedule(entries, store=bench.jobs, queue=bench.queue, settings=FAST, clock=clock)


async def keys(bench: Bench) -> list[str]:
    return sorted(row.key for row in await bench.jobs.find(JobFilter()))


async def test_a_slot_runs_once_across_many_workers(bench: Bench) -> None:
    clock = Clock()
    many = [schedule(bench, clock) for _ in range(4)]
    await asyncio.gather(*(one.run_due() for one in many))
    assert await keys(bench) == []
    clock.now += timedelta(minutes=1)
    await asyncio.gather(*(one.run_due() for one in many))
    assert await keys(bench) == ["sweep@2026-03-01T12:00:00.000Z"]
    assert (await bench.queue.depths())["bulk"].due == 1
    (slot,) = await bench.jobs.slots()
    assert slot.last_run_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert slot.next_run_at == datetime(2026, 3, 1, 13, tzinfo=UTC)


async def test_missed_slots_run_as_one_and_are_counted(bench: Bench) -> None:
    clock = Clock()
    await schedule(bench, clock).run_due()
    clock.now += timedelta(hours=5)
    assert await schedule(bench, clock).run_due() == datetime(2026, 3, 1, 17, tzinfo=UTC)
    assert await keys(bench) == ["sweep@2026-03-01T12:00:00.000Z"]
    (slot,) = await bench.jobs.slots()
    assert slot.missed == 4


async def test_a_long_outage_is_not_counted_to_its_end(bench: Bench) -> None:
    """arq's own way of finding the next slot took half a minute to count a month of half minutes."""
    clock, cron = Clock(), Cron(second={0, 30})
    entries = {"tend": Entry("tend", cron, "urgent")}
    await schedule(bench, clock, entries).run_due()
    clock.now += timedelta(days=30)
    assert await schedule(bench, clock, entries).run_due() == cron.after(clock.now)
    (slot,) = await bench.jobs.slots()
    assert slot.missed == MISSED_MAX


async def test_a_restart_does_not_move_a_slot(bench: Bench) -> None:
    clock = Clock()
    await schedule(bench, clock).run_due()
    clock.now += timedelta(seconds=45)
    await schedule(bench, clock).run_due()
    assert len(await keys(bench)) == 1


async def test_a_clock_that_ran_ahead_costs_no_slot(bench: Bench) -> None:
    """One worker's clock is a year ahead for a moment: without care nothing would run for a year."""
    clock, ahead = Clock(), Clock()
    await schedule(bench, clock).run_due()
    ahead.now += timedelta(days=365)
    await schedule(bench, ahead).run_due()
    for _ in range(3):
        clock.now += timedelta(minutes=30)
        await schedule(bench, clock).run_due()
        await schedule(bench, clock).run_due()
    assert await keys(bench) == ["sweep@2026-03-01T12:00:00.000Z", "sweep@2026-03-01T13:00:00.000Z"]
    (slot,) = await bench.jobs.slots()
    assert slot.next_run_at == datetime(2026, 3, 1, 14, tzinfo=UTC)


async def test_a_worker_whose_clock_is_behind_undoes_nothing(bench: Bench) -> None:
    clock, behind = Clock(), Clock()
    await schedule(bench, behind).run_due()
    clock.now += timedelta(minutes=1)
    await schedule(bench, clock).run_due()
    planned = await bench.jobs.slots()
    await schedule(bench, behind).run_due()
    assert await bench.jobs.slots() == planned


async def test_a_run_that_finds_something_away_leaves_it_to_its_next_slot(bench: Bench) -> None:
    async def sweep(ports: Bench) -> None:
        ports.call("sweep")
        raise Unavailable

    bench.job(sweep, attempts=1, backoff=Backoff(base_seconds=0.01, cap_seconds=0.01))
    scheduled(Cron(second=None), entries={}, kinds=bench.kinds)(sweep)
    await bench.enqueue("sweep")
    await bench.work()
    row = await bench.finished("sweep:1")
    assert (row.state, row.error, row.attempts) == ("cancelled", "away", 1)


async def test_another_spec_replans_and_what_is_gone_is_dropped(bench: Bench) -> None:
    clock = Clock()
    both = {**HOURLY, "digest": Entry("digest", Cron(minute=30), "bulk")}
    await schedule(bench, clock, both).run_due()
    await schedule(bench, clock, {"sweep": Entry("sweep", Cron(minute=15), "bulk")}).run_due()
    (slot,) = await bench.jobs.slots()
    assert (slot.name, slot.next_run_at.minute) == ("sweep", 15)


async def test_a_worker_of_another_version_drops_nothing_for_good(bench: Bench) -> None:
    """While both run; what only the older one knows is dropped by the next that starts."""
    clock = Clock()
    old = schedule(bench, clock, {**HOURLY, "digest": Entry("digest", Cron(minute=0), "bulk")})
    new = schedule(bench, clock, {**HOURLY, "tend": Entry("tend", Cron(minute=0), "urgent")})
    for one in (new, old, new, old):
        await one.run_due()
    assert [slot.name for slot in await bench.jobs.slots()] == ["digest", "sweep", "tend"]


async def test_a_scheduled_job_runs_on_a_worker(bench: Bench) -> None:
    async def sweep(ports: Bench) -> None:
        ports.call("sweep")

    bench.job(sweep)
    every_second = scheduled(Cron(second=None), entries=bench.schedule)
    every_second(sweep)
    await bench.work(settings=msgspec.structs.replace(FAST, schedule_wait_seconds=0.05))
    await bench.until_called()


moments = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)


def some(low: int, high: int) -> st.SearchStrategy[int | set[int] | None]:
    return st.none() | st.integers(low, high) | st.sets(st.integers(low, high), min_size=1, max_size=3)


patterns = st.builds(
    Cron,
    second=st.just(0) | st.sets(st.sampled_from([0, 30]), min_size=1),
    minute=some(0, 59),
    hour=some(0, 23),
    weekday=some(0, 6),
    day=some(1, 28),
    month=some(1, 12),
)


@settings(max_examples=60)
@given(cron=patterns, moment=moments)
def test_the_next_time_is_the_one_that_arq_finds(cron: Cron, moment: datetime) -> None:
    fields = {name: getattr(cron, name) for name in Cron.__struct_fields__}
    assert cron.after(moment) == next_cron(moment, microsecond=0, **fields)


def test_the_next_leap_day_is_found_and_what_never_comes_is_refused() -> None:
    leap_day = Cron(month=2, day=29, hour=0, minute=0)
    assert leap_day.after(datetime(2096, 3, 1, tzinfo=UTC)) == datetime(2104, 2, 29, tzinfo=UTC)
    with pytest.raises(ValueError, match="never comes"):
        Cron(month=2, day=30).after(START)
