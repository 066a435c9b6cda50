"""Jobs in PostgreSQL: keys, runs, and what operators do to rows."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from db.postgres.jobs import JobRows
from domain.jobs import Job, JobFilter, Outcome, Sentinel, Start, State

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def connection(postgres_url: str):  # type: ignore[no-untyped-def]
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


@pytest.fixture
def rows(connection: asyncpg.Connection) -> JobRows:
    return JobRows(connection)


def scan(key: str = "scan:1", *, repeats: bool = False, name: str = "scan") -> Job:
    return Job(name=name, args={"post_id": "1"}, key=key, lane="urgent", repeats=repeats)


def start(job: Job) -> Start:
    return Start(job, 1, "w1", NOW)


def end(job: Job, state: State, **fields: object) -> Outcome:
    return Outcome(job, state, 1, "w1", NOW, NOW + timedelta(seconds=2), **fields)  # type: ignore[arg-type]


async def state_of(rows: JobRows, key: str) -> tuple[State, int]:
    (row,) = await rows.find(JobFilter(keys=(key,)))
    return row.state, row.run


async def test_no_plan_of_postgresql_takes_more_than_the_limit(connection: asyncpg.Connection) -> None:
    """With old statistics it may look for the rows once for each row."""
    rows = JobRows(connection)
    await rows.add([scan(f"scan:{number}") for number in range(6)])
    for other in ("hashjoin", "mergejoin", "material", "hashagg", "sort", "indexscan", "bitmapscan"):
        await connection.execute(f"set enable_{other} = off")
    assert len(await rows.cancel(JobFilter(name="scan"), limit=2)) == 2
    assert len(await rows.requeue(JobFilter(name="scan"), limit=1)) == 1
    await rows.cancel(JobFilter(name="scan"), limit=10)
    assert await rows.discard(JobFilter(name="scan"), limit=4) == 4


async def test_a_job_of_a_transaction_that_failed_was_never_owed(
    connection: asyncpg.Connection,
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    await JobRows(connection).add([scan()])
    await transaction.rollback()
    assert await JobRows(connection).unfinished("urgent", after=0, limit=10) == []


@pytest.mark.parametrize("state", ["queued", "started", "done", "dead", "cancelled"])
async def test_a_key_runs_once(rows: JobRows, state: State) -> None:
    (added,) = await rows.add([scan()])
    await rows.settle([end(added, state)])
    assert await rows.add([scan(), scan()]) == []


async def test_a_repeating_key_is_absorbed_while_it_waits(rows: JobRows) -> None:
    await rows.add([scan(repeats=True)])
    assert await rows.add([scan(repeats=True)]) == []
    assert await state_of(rows, "scan:1") == ("queued", 1)


async def test_a_repeating_key_added_while_it_runs_runs_once_more(rows: JobRows) -> None:
    (job,) = await rows.add([scan(repeats=True)])
    await rows.started([start(job)])
    assert await rows.add([scan(repeats=True)]) == []
    assert await rows.add([scan(repeats=True)]) == []
    (again,) = await rows.settle([end(job, "done")])
    assert (again.key, again.run, again.attempts, again.id) == ("scan:1", 2, 0, "scan:1#2")
    assert await rows.settle([end(again, "done")]) == []
    assert await state_of(rows, "scan:1") == ("done", 2)


async def test_a_repeating_key_that_is_finished_is_queued_anew(rows: JobRows) -> None:
    (job,) = await rows.add([scan(repeats=True)])
    await rows.settle([end(job, "dead", error="ValueError")])
    (anew,) = await rows.add([scan(repeats=True)])
    assert anew.run == 2
    (row,) = await rows.find(JobFilter())
    assert (row.state, row.error, row.attempts) == ("queued", None, 0)


async def test_the_end_of_an_earlier_run_changes_nothing(rows: JobRows) -> None:
    (job,) = await rows.add([scan(repeats=True)])
    await rows.settle([end(job, "done")])
    await rows.add([scan(repeats=True)])
    assert await rows.settle([end(job, "dead")]) == []
    assert await state_of(rows, "scan:1") == ("queued", 2)


async def test_a_beginning_tells_which_jobs_are_still_owed(rows: JobRows) -> None:
    owed, finished = await rows.add([scan("a"), scan("b")])
    await rows.settle([end(finished, "done")])
    assert await rows.started([start(owed), start(finished)]) == {"a"}


async def test_wait_and_run_times_are_kept(rows: JobRows) -> None:
    (job,) = await rows.add([scan()])
    (waits,) = await rows.find(JobFilter())
    assert (waits.wait_seconds, waits.run_seconds) == (None, None)
    begun = datetime.now(UTC) + timedelta(seconds=3)
    outcome = Outcome(job, "done", 1, "w1", begun, begun + timedelta(seconds=2))
    await rows.settle([outcome])
    (row,) = await rows.find(JobFilter())
    assert row.run_seconds == pytest.approx(2)
    assert row.wait_seconds == pytest.approx(3, abs=1)
    assert row.worker == "w1"


async def test_rows_are_found_by_every_part_of_a_filter(rows: JobRows) -> None:
    first, second, third = await rows.add([scan("a:1"), scan("a:2"), scan("b:1", name="score")])
    await rows.settle([end(second, "dead", error="ValueError"), end(third, "done")])

    async def keys(which: JobFilter) -> list[str]:
        return [row.key for row in await rows.find(which)]

    assert await keys(JobFilter()) == ["b:1", "a:2", "a:1"]
    assert await keys(JobFilter(key_prefix="a:")) == ["a:2", "a:1"]
    assert await keys(JobFilter(name="score")) == ["b:1"]
    assert await keys(JobFilter(states=("dead",))) == ["a:2"]
    assert await keys(JobFilter(error="ValueError")) == ["a:2"]
    assert await keys(JobFilter(lane="bulk")) == []
    assert await keys(JobFilter(keys=("a:1",), name="scan")) == [first.key]
    page = await rows.find(JobFilter(), limit=2)
    assert [row.key for row in await rows.find(JobFilter(), before=page[-1].row)] == ["a:1"]


async def test_cancel_touches_the_unfinished_and_requeue_the_finished(rows: JobRows) -> None:
    _, dead = await rows.add([scan("a"), scan("b")])
    await rows.settle([end(dead, "dead")])
    assert [job.key for job in await rows.cancel(JobFilter(), limit=10)] == ["a"]
    requeued = await rows.requeue(JobFilter(states=("dead",)), limit=10)
    assert [(job.key, job.run, job.attempts) for job in requeued] == [("b", 2, 0)]
    assert await state_of(rows, "a") == ("cancelled", 1)


async def test_discard_never_deletes_what_is_owed(rows: JobRows) -> None:
    _, dead = await rows.add([scan("a"), scan("b")])
    await rows.settle([end(dead, "dead")])
    assert await rows.discard(JobFilter(), limit=10) == 1
    assert [row.key for row in await rows.find(JobFilter())] == ["a"]


async def test_an_operator_command_is_bounded(rows: JobRows) -> None:
    await rows.add([scan(str(n)) for n in range(5)])
    assert len(await rows.cancel(JobFilter(), limit=3)) == 3
    assert len(await rows.cancel(JobFilter(), limit=3)) == 2


async def test_pruning_keeps_dead_letters_longer(rows: JobRows) -> None:
    done, dead, _ = await rows.add([scan("done"), scan("dead"), scan("owed")])
    await rows.settle([end(done, "done"), end(dead, "dead")])
    after, before = NOW + timedelta(days=1), NOW - timedelta(days=1)
    assert await rows.prune(done_before=after, dead_before=before, limit=100) == 1
    assert {row.key for row in await rows.find(JobFilter())} == {"dead", "owed"}


async def test_counts_per_lane_and_state(rows: JobRows) -> None:
    one, _, _ = await rows.add([scan("a"), scan("b"), scan("c")])
    await rows.settle([end(one, "done")])
    assert await rows.counts() == {("urgent", "queued"): 2, ("urgent", "done"): 1}


async def test_pauses_and_the_sentinel_are_kept(rows: JobRows) -> None:
    await rows.set_paused("bulk", True)
    await rows.set_paused("bulk", True)
    assert await rows.paused() == {"bulk"}
    await rows.set_paused("bulk", False)
    assert await rows.paused() == set()
    assert await rows.sentinel() is None
    await rows.set_sentinel(Sentinel("a", "1"))
    await rows.set_sentinel(Sentinel("b", "2"))
    assert await rows.sentinel() == Sentinel("b", "2")
