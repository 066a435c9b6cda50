"""The schedule: once across workers, never skipped, merged when late."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.jobs import JobFilter
from tests.workers.conftest import FAST, Bench
from workers.schedule import Cron, Entry, Schedule, scheduled

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


async def test_another_spec_replans_and_what_is_gone_is_dropped(bench: Bench) -> None:
    clock = Clock()
    both = {**HOURLY, "digest": Entry("digest", Cron(minute=30), "bulk")}
    await schedule(bench, clock, both).run_due()
    await schedule(bench, clock, {"sweep": Entry("sweep", Cron(minute=15), "bulk")}).run_due()
    (slot,) = await bench.jobs.slots()
    assert (slot.name, slot.next_run_at.minute) == ("sweep", 15)


async def test_a_scheduled_job_runs_on_a_worker(bench: Bench) -> None:
    async def sweep(ports: Bench) -> None:
        ports.call("sweep")

    bench.job(sweep)
    every_second = scheduled(Cron(second=None), entries=bench.schedule)
    every_second(sweep)
    await bench.work(settings=msgspec.structs.replace(FAST, schedule_wait_seconds=0.05))
    await bench.until_called()


fields = st.none() | st.integers(0, 23) | st.sets(st.integers(0, 23), min_size=1, max_size=3)


@given(minute=fields, hour=fields, moment=st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)))  # noqa: DTZ001
def test_the_next_time_is_later_and_matches(minute: object, hour: object, moment: datetime) -> None:
    cron = Cron(minute=minute, hour=hour)  # type: ignore[arg-type]
    after = cron.after(moment.replace(tzinfo=UTC))
    assert after > moment.replace(tzinfo=UTC)
    assert (after.second, after.microsecond) == (0, 0)
    for field, value in ((minute, after.minute), (hour, after.hour)):
        assert field is None or value == field or (isinstance(field, set) and value in field)
