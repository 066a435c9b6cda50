"""What `domain.jobs.JobStore` and `domain.jobs.JobQueue` promise."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from domain.clock import utc_now
from domain.errors import Unavailable
from domain.jobs import (
    Claim,
    Depth,
    Job,
    JobFilter,
    JobRow,
    Outcome,
    Sentinel,
    Settled,
    Slot,
    Start,
    State,
    cancel_jobs,
    enqueue_jobs,
    pause_lane,
    requeue_jobs,
    resume_lane,
)
from domain.ports import Ports
from domain.trace import TRACEPARENT
from tests.contract.deadline import until

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ONE = Job(name="scan_post", args={"post_id": "1"}, key="scan_post:1", lane="urgent")
TWO = Job(name="scan_post", args={"post_id": "2"}, key="scan_post:2", lane="urgent")
OFTEN = Job(name="count", args={}, key="count:1", lane="bulk", repeats=True)
ALL = JobFilter()


async def begin(
    ports: Ports, job: Job, attempt: int = 1, *, at: datetime | None = None, worker: str = "worker-1"
) -> set[str]:
    return await ports.jobs.started([Start(job, attempt, worker, at or utc_now())])


async def end(ports: Ports, job: Job, state: State, error: str | None = None) -> list[Job]:
    now = utc_now()
    return await ports.jobs.settle([Outcome(job, state, 1, "worker-1", now, now, error=error)])


async def row_of(ports: Ports, key: str) -> JobRow:
    (row,) = await ports.jobs.find(JobFilter(keys=(key,)))
    return row


def keys(rows: Sequence[JobRow]) -> list[str]:
    return [row.key for row in rows]


async def test_a_key_is_added_once(ports: Ports) -> None:
    assert await ports.jobs.add([ONE, TWO, ONE]) == [ONE, TWO]
    assert await ports.jobs.add([ONE]) == []
    assert await begin(ports, ONE) == {ONE.key}
    assert await end(ports, ONE, "done") == []
    assert await ports.jobs.add([ONE]) == []


async def test_a_job_belongs_to_the_trace_of_what_owed_it(ports: Ports) -> None:
    token = TRACEPARENT.set(TRACE)
    try:
        (added,) = await ports.jobs.add([ONE])
    finally:
        TRACEPARENT.reset(token)
    assert added.traceparent == (await row_of(ports, ONE.key)).traceparent == TRACE
    (owed,) = await ports.jobs.unfinished("urgent", after=0, limit=1)
    assert owed.job.traceparent == TRACE
    await ports.queue.push([added])
    (claim,), _ = await ports.queue.claim("urgent", 1, 1.0)
    assert claim.job.traceparent == TRACE


async def test_jobs_are_undone_with_the_transaction_of_their_data(ports: Ports) -> None:
    try:
        async with ports.transaction() as tx:
            await tx.jobs.add([ONE])
            raise ZeroDivisionError
    except ZeroDivisionError:
        assert await ports.jobs.find(ALL) == []


async def test_a_job_that_repeats_is_absorbed_runs_once_more_or_is_queued_anew(ports: Ports) -> None:
    assert await ports.jobs.add([OFTEN]) == [OFTEN]
    assert await ports.jobs.add([OFTEN]) == []
    await begin(ports, OFTEN)
    assert await ports.jobs.add([OFTEN]) == []
    (second,) = await end(ports, OFTEN, "done")
    assert (second.run, second.attempts, second.id) == (2, 0, "count:1#2")
    await begin(ports, second)
    assert await end(ports, second, "done") == []
    assert await ports.jobs.add([OFTEN]) == [replace(OFTEN, run=3)]
    assert (await row_of(ports, OFTEN.key)).state == "queued"


async def test_the_history_tells_how_a_job_went(ports: Ports) -> None:
    await ports.jobs.add([ONE])
    await begin(ports, ONE, attempt=2)
    await ports.jobs.progressed({ONE.key: (3, 10)})
    started = await row_of(ports, ONE.key)
    assert (started.state, started.attempts, started.worker) == ("started", 2, "worker-1")
    assert (started.progress_done, started.progress_total) == (3, 10)
    await end(ports, ONE, "dead", error="ValueError")
    dead = await row_of(ports, ONE.key)
    assert (dead.state, dead.error, dead.args) == ("dead", "ValueError", ONE.args)
    assert dead.finished_at is not None
    assert await begin(ports, ONE) == set()


async def test_a_retry_is_queued_again_at_its_time(ports: Ports) -> None:
    await ports.jobs.add([ONE])
    now = utc_now()
    await begin(ports, ONE, at=now)
    later = now + timedelta(minutes=5)
    await ports.jobs.settle([Outcome(ONE, "queued", 1, "worker-1", now, now, run_at=later, error="OSError")])
    row = await row_of(ports, ONE.key)
    assert (row.state, row.attempts, row.run_at, row.error) == ("queued", 1, later, "OSError")
    (owed,) = await ports.jobs.unfinished("urgent", after=0, limit=10)
    assert (owed.job.attempts, owed.started) == (1, False)


async def test_an_end_told_late_hides_no_change_from_the_attempt_that_runs(ports: Ports) -> None:
    """Its answer was lost, so it is told again; meanwhile another worker reads, and then facts change."""
    await ports.jobs.add([OFTEN])
    now = utc_now()
    await begin(ports, OFTEN, at=now)
    first = Outcome(OFTEN, "queued", 1, "worker-1", now, now, run_at=now)
    await ports.jobs.settle([first])
    await begin(ports, OFTEN, attempt=2, at=now, worker="worker-2")
    await ports.jobs.settle([first])
    assert (await row_of(ports, OFTEN.key)).state == "started"
    await ports.jobs.add([OFTEN])
    again = await ports.jobs.settle([Outcome(OFTEN, "done", 2, "worker-2", now, now)])
    assert [job.run for job in again] == [2]


async def test_owed_rows_come_in_the_order_of_insertion(ports: Ports) -> None:
    for job in (ONE, TWO, OFTEN):
        await ports.jobs.add([job])
    await begin(ports, ONE)
    owed = await ports.jobs.unfinished("urgent", after=0, limit=10)
    assert [(one.job.key, one.started) for one in owed] == [(ONE.key, True), (TWO.key, False)]
    behind = await ports.jobs.unfinished("urgent", after=owed[0].row, limit=10)
    assert [one.job.key for one in behind] == [TWO.key]
    assert await ports.jobs.unfinished("urgent", after=0, limit=10, older_than_seconds=60) == []


@pytest.mark.parametrize("how", ["again", "added", "requeued"])
async def test_what_is_queued_anew_comes_behind_all_others(ports: Ports, how: str) -> None:
    await ports.jobs.add([OFTEN, other := replace(OFTEN, key="count:2")])
    await begin(ports, OFTEN)
    if how == "again":
        await ports.jobs.add([OFTEN])
    await end(ports, OFTEN, "done")
    if how == "added":
        await ports.jobs.add([OFTEN])
    elif how == "requeued":
        await requeue_jobs(JobFilter(keys=(OFTEN.key,)), ports)
    owed = await ports.jobs.unfinished(OFTEN.lane, after=0, limit=10)
    assert [one.job.key for one in owed] == [other.key, OFTEN.key]


async def test_rows_are_found_by_every_part_of_a_filter_newest_first(ports: Ports) -> None:
    for job in (ONE, TWO, OFTEN):
        await ports.jobs.add([job])
    await begin(ports, TWO)
    await end(ports, TWO, "dead", error="ValueError")
    find = ports.jobs.find
    assert keys(await find(ALL)) == [OFTEN.key, TWO.key, ONE.key]
    assert keys(await find(ALL, limit=1)) == [OFTEN.key]
    assert keys(await find(ALL, before=(await row_of(ports, TWO.key)).row)) == [ONE.key]
    assert keys(await find(JobFilter(key_prefix="scan_"))) == [TWO.key, ONE.key]
    assert keys(await find(JobFilter(name="count"))) == [OFTEN.key]
    assert keys(await find(JobFilter(lane="bulk"))) == [OFTEN.key]
    assert keys(await find(JobFilter(states=("queued",), lane="urgent"))) == [ONE.key]
    assert keys(await find(JobFilter(error="ValueError"))) == [TWO.key]
    assert await ports.jobs.counts() == {
        ("urgent", "queued"): 1,
        ("urgent", "dead"): 1,
        ("bulk", "queued"): 1,
    }


async def test_an_operator_cancels_requeues_and_discards(ports: Ports) -> None:
    await enqueue_jobs([ONE, TWO], ports)
    assert await cancel_jobs(JobFilter(keys=(ONE.key,)), ports) == 1
    assert await cancel_jobs(JobFilter(keys=(ONE.key,)), ports) == 0
    assert (await row_of(ports, ONE.key)).state == "cancelled"
    assert (await ports.queue.depths())["urgent"].due == 1
    assert await requeue_jobs(JobFilter(keys=(ONE.key,)), ports) == 1
    assert (await row_of(ports, ONE.key)).run == 2
    assert (await ports.queue.depths())["urgent"].due == 2
    assert await ports.jobs.discard(ALL, limit=10) == 0
    await begin(ports, TWO)
    await end(ports, TWO, "done")
    assert await ports.jobs.discard(ALL, limit=10) == 1
    assert keys(await ports.jobs.find(ALL)) == [ONE.key]


async def test_what_redis_does_not_hear_of_is_not_cancelled(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would run all the same, and a second try would find nothing to cancel."""

    async def away(jobs: Sequence[Job]) -> None:
        raise Unavailable

    await enqueue_jobs([ONE], ports)
    with monkeypatch.context() as during:
        during.setattr(ports.queue, "cancel", away)
        with pytest.raises(Unavailable):
            await cancel_jobs(JobFilter(keys=(ONE.key,)), ports)
    assert (await row_of(ports, ONE.key)).state == "queued"
    assert await cancel_jobs(JobFilter(keys=(ONE.key,)), ports) == 1
    assert (await ports.queue.claim("urgent", 1, 60.0))[0] == []


async def test_finished_rows_are_pruned_by_their_age(ports: Ports) -> None:
    await ports.jobs.add([ONE, TWO, OFTEN])
    for job, state in ((ONE, "done"), (TWO, "dead")):
        await begin(ports, job)
        await end(ports, job, "done" if state == "done" else "dead")
    now = utc_now()
    past, future = now - timedelta(days=1), now + timedelta(days=1)
    assert await ports.jobs.prune(done_before=past, dead_before=past, limit=10) == 0
    assert await ports.jobs.prune(done_before=future, dead_before=past, limit=10) == 1
    assert await ports.jobs.prune(done_before=future, dead_before=future, limit=10) == 1
    assert keys(await ports.jobs.find(ALL)) == [OFTEN.key]


async def test_a_paused_lane_gives_nothing_until_it_goes_on(ports: Ports) -> None:
    await enqueue_jobs([ONE], ports)
    await pause_lane("urgent", ports)
    await pause_lane("urgent", ports)
    assert await ports.jobs.paused() == {"urgent"}
    assert (await ports.queue.depths())["urgent"] == Depth(due=1, later=0, paused=True)
    assert (await ports.queue.claim("urgent", 10, 5.0))[0] == []
    await resume_lane("urgent", ports)
    assert await ports.jobs.paused() == set()
    assert len((await ports.queue.claim("urgent", 10, 5.0))[0]) == 1


async def test_a_slot_is_taken_by_one_worker(ports: Ports) -> None:
    now = utc_now()
    slot = Slot("digest", "daily", now)
    await ports.jobs.plan([slot, Slot("sweep", "hourly", now)])
    later = now + timedelta(days=1)
    take = ports.jobs.take_slot
    assert await take(slot, next_run_at=later, missed=2, job=OFTEN) == [OFTEN]
    assert await take(slot, next_run_at=later, missed=2, job=OFTEN) == []
    assert await ports.jobs.slots() == [
        Slot("digest", "daily", later, now, 2),
        Slot("sweep", "hourly", now),
    ]
    await ports.jobs.plan([Slot("digest", "daily", now)], drop=False)
    assert len(await ports.jobs.slots()) == 2
    await ports.jobs.plan([Slot("digest", "daily", now)])
    assert await ports.jobs.slots() == [Slot("digest", "daily", later, now, 2)]


async def test_a_slot_is_brought_back_unless_somebody_moved_it(ports: Ports) -> None:
    now = utc_now()
    far, soon = Slot("digest", "daily", now + timedelta(days=365)), now + timedelta(days=1)
    await ports.jobs.plan([far])
    await ports.jobs.replan_slot(far, soon)
    await ports.jobs.replan_slot(far, now)
    assert await ports.jobs.slots() == [Slot("digest", "daily", soon)]


async def test_the_sentinel_is_kept_on_both_sides(ports: Ports) -> None:
    assert await ports.jobs.sentinel() is None
    for value in ("first", "second"):
        await ports.queue.write_sentinel(value)
        seen = await ports.queue.read_sentinel()
        await ports.jobs.set_sentinel(seen)
        assert seen.value == value
        assert await ports.jobs.sentinel() == Sentinel(value, seen.run_id)


async def test_pushing_again_changes_nothing(ports: Ports) -> None:
    assert await ports.queue.push([ONE, TWO]) == 2
    assert await ports.queue.push([ONE]) == 0
    assert await ports.queue.push([]) == 0
    later = replace(OFTEN, run_at=utc_now() + timedelta(hours=1))
    await ports.queue.push([later])
    assert await ports.queue.depths() == {
        "urgent": Depth(due=2, later=0, paused=False),
        "default": Depth(due=0, later=0, paused=False),
        "bulk": Depth(due=0, later=1, paused=False),
    }


async def test_a_claimed_job_is_leased_until_it_is_settled(ports: Ports) -> None:
    await ports.queue.push([ONE])
    first = await claimed(ports)
    assert (first.id, first.job, first.attempt, first.lost, first.confirm) == (ONE.id, ONE, 1, 0, False)
    claims, wait = await ports.queue.claim("urgent", 10, 60.0)
    assert claims == []
    assert 0 < wait <= 60
    await ports.queue.settle([Settled(ONE.id, "urgent", delay_seconds=0.0, held=first.held)])
    second = await claimed(ports)
    assert (second.attempt, second.lost, second.confirm) == (2, 0, True)
    await ports.queue.settle([Settled(ONE.id, "urgent")])
    assert (await ports.queue.depths())["urgent"] == Depth(due=0, later=0, paused=False)


async def claimed(ports: Ports, lease_seconds: float = 60.0) -> Claim:
    (claim,), _ = await ports.queue.claim("urgent", 10, lease_seconds)
    return claim


@pytest.mark.parametrize("refund", [False, True])
async def test_an_end_that_is_told_again_counts_once(ports: Ports, refund: bool) -> None:
    """The answer to it may get lost: then it is told again, now or when somebody else has the job."""
    await ports.queue.push([ONE])
    first = await claimed(ports)
    end = Settled(ONE.id, "urgent", delay_seconds=0.0, refund=refund, held=first.held)
    await ports.queue.settle([end])
    await ports.queue.settle([end])
    second = await claimed(ports)
    assert (second.attempt, second.lost) == (1 if refund else 2, 0)
    await ports.queue.settle([end])
    assert (await ports.queue.depths())["urgent"] == Depth(due=0, later=1, paused=False)
    await ports.queue.settle([replace(end, held=second.held)])
    assert (await claimed(ports)).attempt == (1 if refund else 3)


async def test_who_lost_a_job_to_another_worker_neither_keeps_nor_moves_it(ports: Ports) -> None:
    await ports.queue.push([ONE])
    first = await claimed(ports, 0.0)
    await until(lambda: is_due(ports))
    second = await claimed(ports)
    assert (second.attempt, second.lost, second.confirm) == (1, 1, True)
    await ports.queue.renew("urgent", {ONE.id: first.held}, 600.0)
    await ports.queue.settle([Settled(ONE.id, "urgent", delay_seconds=0.0, held=first.held)])
    claims, wait = await ports.queue.claim("urgent", 1, 60.0)
    assert claims == []
    assert 0 < wait <= 60


async def is_due(ports: Ports) -> bool:
    return (await ports.queue.depths())["urgent"].due == 1


async def test_what_came_back_from_its_row_is_looked_at_again(ports: Ports) -> None:
    await ports.queue.push([ONE], confirm=True)
    assert (await claimed(ports)).confirm


async def test_what_was_taken_out_while_it_ran_leaves_nothing_to_a_later_one(ports: Ports) -> None:
    """It ended with an error before its worker heard, was discarded, and is added anew."""
    await ports.queue.push([ONE])
    first = await claimed(ports)
    await ports.queue.cancel([ONE])
    await ports.queue.settle([Settled(ONE.id, "urgent", delay_seconds=0.0, held=first.held)])
    await ports.queue.push([ONE])
    second = await claimed(ports)
    assert (second.attempt, second.lost) == (1, 0)
    assert await ports.queue.renew("urgent", {ONE.id: second.held}, 60.0) == []


async def test_a_running_job_hears_that_it_was_cancelled(ports: Ports) -> None:
    await ports.queue.push([ONE, TWO])
    claims, _ = await ports.queue.claim("urgent", 10, 60.0)
    await ports.queue.cancel([ONE])
    assert await ports.queue.renew("urgent", {claim.id: claim.held for claim in claims}, 60.0) == [ONE.id]


async def test_workers_that_beat_are_seen_until_they_leave(ports: Ports) -> None:
    assert await ports.queue.workers() == []
    await ports.queue.beat("worker-1", {"host": "here"}, 60.0)
    assert await ports.queue.workers() == [{"host": "here"}]
    await ports.queue.leave("worker-1")
    assert await ports.queue.workers() == []
