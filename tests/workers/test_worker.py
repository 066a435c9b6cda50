"""A worker process: lanes, operators, stop, pulse."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime

import asyncpg
import msgspec
import pytest
import structlog

from db.postgres.jobs import JobRows
from domain.errors import Unavailable
from domain.jobs import (
    Job,
    JobFilter,
    Lane,
    Outcome,
    Settled,
    Start,
    cancel_jobs,
    discard_jobs,
    pause_lane,
    requeue_jobs,
    resume_lane,
)
from tests.workers.conftest import DEADLINE_SECONDS, FAST, Bench
from workers.job import Backoff, Retry


async def gated(ports: Bench, n: str = "") -> None:
    """Runs until the test opens the gate."""
    ports.call(f"gated{n}")
    await ports.open_gate.wait()


async def quick(ports: Bench, n: str = "") -> None:
    ports.call(f"quick{n}")


async def test_urgent_jobs_run_while_bulk_is_full(bench: Bench) -> None:
    bench.job(gated)
    bench.job(quick)
    await bench.work(settings=msgspec.structs.replace(FAST, bulk_slots=1))
    for n in range(3):
        await bench.enqueue("gated", f"gated:{n}", lane="bulk")
    await bench.until_called(1)
    await bench.enqueue("quick", lane="urgent")
    assert (await bench.finished("quick:1")).state == "done"
    assert bench.calls == ["gated", "quick"]


async def test_a_lane_runs_no_more_than_its_concurrency(bench: Bench) -> None:
    bench.job(gated)
    workers = await bench.work(settings=msgspec.structs.replace(FAST, default_slots=2))
    for n in range(5):
        await bench.enqueue("gated", f"gated:{n}")
    await bench.until_called(2)
    lane = next(lane for lane in workers.lanes if lane.lane == "default")
    assert (len(bench.calls), len(lane.runs)) == (2, 2)
    bench.open_gate.set()
    await bench.until_called(5)


async def test_a_paused_lane_starts_nothing_until_it_is_resumed(bench: Bench) -> None:
    bench.job(quick)
    await bench.work()
    await pause_lane("default", bench)
    await bench.enqueue("quick", "a")
    await bench.enqueue("quick", "b", lane="urgent")
    await bench.finished("b")
    assert (await bench.row("a")).state == "queued"
    assert bench.calls == ["quick"]
    await resume_lane("default", bench)
    await bench.finished("a")


async def test_a_running_job_can_be_cancelled(bench: Bench) -> None:
    interrupted = asyncio.Event()

    async def long(ports: Bench) -> None:
        ports.call("long")
        try:
            await asyncio.Event().wait()
        finally:
            interrupted.set()

    bench.job(long)
    await bench.work()
    await bench.enqueue("long")
    await bench.until_called()
    assert await cancel_jobs(JobFilter(keys=("long:1",)), bench) == 1
    await asyncio.wait_for(interrupted.wait(), DEADLINE_SECONDS)
    await bench.until_settled()
    assert (await bench.row("long:1")).state == "cancelled"
    assert bench.calls == ["long"]


async def test_waiting_jobs_are_cancelled_by_filter(bench: Bench) -> None:
    bench.job(quick)
    for n in range(3):
        await bench.enqueue("quick", f"old:{n}")
    await bench.enqueue("quick", "kept")
    assert await cancel_jobs(JobFilter(key_prefix="old:"), bench) == 3
    await bench.work()
    await bench.finished("kept")
    await bench.until_settled()
    assert bench.calls == ["quick"]


async def test_a_dead_letter_can_be_requeued_or_discarded(bench: Bench) -> None:
    async def broken(ports: Bench) -> None:
        if ports.call("broken") == 1:
            raise ValueError

    bench.job(broken, attempts=1)
    await bench.work()
    await bench.enqueue("broken")
    assert (await bench.finished("broken:1")).state == "dead"
    assert await requeue_jobs(JobFilter(states=("dead",)), bench) == 1
    await bench.until_called(2)
    row = await bench.finished("broken:1")
    assert (row.state, row.run, row.attempts) == ("done", 2, 1)
    assert await discard_jobs(JobFilter(states=("done",)), bench) == 1
    assert await bench.jobs.find(JobFilter()) == []


async def test_facts_that_change_while_a_job_runs_are_not_lost(bench: Bench) -> None:
    async def recount(ports: Bench) -> None:
        ports.call("recount")
        if len(ports.calls) == 1:
            await ports.open_gate.wait()

    bench.job(recount)
    await bench.work()
    await bench.enqueue("recount", repeats=True)
    await bench.until_called()
    await bench.enqueue("recount", repeats=True)
    await bench.enqueue("recount", repeats=True)
    bench.open_gate.set()
    row = await bench.finished("recount:1")
    assert (row.run, bench.calls) == (2, ["recount", "recount"])
    await bench.until_settled()


async def test_a_repeating_job_never_reads_before_the_transaction_that_asked_for_it(
    bench: Bench, postgres_url: str
) -> None:
    """It was asked for, waits, and is asked for again by a transaction that has not committed yet."""
    bench.job(quick)
    await bench.enqueue("quick", repeats=True)
    connection = await asyncpg.connect(postgres_url)
    transaction = connection.transaction()
    await transaction.start()
    assert await JobRows(connection).add([Job("quick", {}, "quick:1", repeats=True)]) == []
    await bench.work()
    await bench.enqueue("quick", "other")
    await bench.finished("other")
    assert bench.calls == ["quick"]
    await transaction.commit()
    await connection.close()
    await bench.finished("quick:1")
    assert bench.calls == ["quick", "quick"]


async def test_a_stop_lets_running_jobs_finish(bench: Bench) -> None:
    bench.job(gated)
    workers = await bench.work()
    await bench.enqueue("gated")
    await bench.until_called()
    stopping = asyncio.create_task(workers.stop())
    await bench.enqueue("gated", "gated:2")
    bench.open_gate.set()
    await stopping
    assert (await bench.row("gated:1")).state == "done"
    assert (await bench.row("gated:2")).state == "queued"
    assert bench.calls == ["gated"]


async def test_a_stop_gives_back_what_does_not_finish_without_using_an_attempt(bench: Bench) -> None:
    bench.job(gated, attempts=1)
    workers = await bench.work(settings=msgspec.structs.replace(FAST, stop_seconds=0.05))
    await bench.enqueue("gated")
    await bench.until_called()
    await workers.stop()
    row = await bench.row("gated:1")
    assert (row.state, row.attempts) == ("queued", 0)
    bench.open_gate.set()
    await bench.work()
    row = await bench.finished("gated:1")
    assert (row.state, row.attempts) == ("done", 1)


async def test_an_error_that_a_stop_sets_off_uses_no_attempt(bench: Bench) -> None:
    """A roll-back on a connection that was torn by the stop, say."""

    async def torn(ports: Bench) -> None:
        ports.call("torn")
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionError

    bench.job(torn, attempts=1)
    workers = await bench.work(settings=msgspec.structs.replace(FAST, stop_seconds=0.05))
    await bench.enqueue("torn")
    await bench.until_called()
    await workers.stop()
    row = await bench.row("torn:1")
    assert (row.state, row.attempts, row.error) == ("queued", 0, None)


async def test_a_job_that_kills_its_workers_ends_as_a_dead_letter(bench: Bench) -> None:
    bench.job(quick)
    job = await bench.enqueue("quick")
    await lose_claims(bench, 3)
    await bench.jobs.started([Start(job, 1, "killed", datetime.now(UTC))])
    await bench.work(settings=msgspec.structs.replace(FAST, lost_max=3))
    row = await bench.finished("quick:1")
    assert (row.state, row.error) == ("dead", "WorkerLost")
    assert bench.calls == []


async def test_a_job_whose_claims_got_lost_on_their_way_killed_nobody(bench: Bench) -> None:
    """Redis answered too late, for minutes."""
    bench.job(quick)
    await bench.enqueue("quick")
    await lose_claims(bench, 3)
    await bench.work(settings=msgspec.structs.replace(FAST, lost_max=3))
    assert (await bench.finished("quick:1")).state == "done"


async def lose_claims(bench: Bench, times: int) -> None:
    for _ in range(times):
        await bench.queue.claim("default", 1, 0.001)
        await bench.until(lambda: is_due(bench))


async def is_due(bench: Bench) -> bool:
    return (await bench.queue.depths())["default"].due == 1


async def test_a_job_finished_elsewhere_is_not_run_again(bench: Bench) -> None:
    """Its worker died between telling PostgreSQL and telling Redis."""
    bench.job(quick)
    await bench.enqueue("quick")
    await bench.queue.claim("default", 1, 0.001)
    await bench.jobs.db.execute("update jobs set state = 'done', finished_at = now()")
    await bench.until(lambda: is_due(bench))
    await bench.work()
    await bench.until_settled()
    assert bench.calls == []


async def test_a_retry_that_is_due_before_redis_has_answered_runs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = bench.queue.settle

    async def late(settled: Sequence[Settled]) -> None:
        await settle(settled)
        if bench.calls == ["again"]:
            await bench.until_called(2)

    async def again(ports: Bench) -> Retry | None:
        return Retry(0.0) if ports.call("again") == 1 else None

    monkeypatch.setattr(bench.queue, "settle", late)
    bench.job(again)
    await bench.work()
    await bench.enqueue("again")
    row = await bench.finished("again:1")
    await bench.until_settled()
    assert (row.state, row.attempts) == ("done", 2)


async def test_an_end_redis_does_not_know_of_is_not_run_again_when_its_lease_lapses(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = bench.jobs.settle
    refused = asyncio.Event()

    async def refusing(outcomes: Sequence[Outcome]) -> list[Job]:
        refused.set()
        raise Unavailable

    async def again(ports: Bench) -> Retry | None:
        return Retry(0.0) if ports.call("again") == 1 else None

    monkeypatch.setattr(bench.jobs, "settle", refusing)
    bench.job(again)
    await bench.work()
    await bench.enqueue("again")
    await asyncio.wait_for(refused.wait(), DEADLINE_SECONDS)
    await bench.redis.zadd("arq:lane:default", {"again:1": 0})
    await bench.redis.lpush("arq:wake:default", 1)
    await bench.until(lambda: lapsed(bench, "again:1"))
    assert bench.calls == ["again"]
    monkeypatch.setattr(bench.jobs, "settle", settle)
    row = await bench.finished("again:1")
    await bench.until_settled()
    assert (bench.calls, row.attempts) == (["again", "again"], 2)


async def lapsed(bench: Bench, id_: str) -> bool:
    return bool(await bench.redis.hget(f"arq:hold:{id_}", "lost") == b"1")


async def test_a_lost_answer_to_an_end_counts_no_attempt_twice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = bench.queue.settle
    lost = iter([True, True, False, True])

    async def losing(settled: Sequence[Settled]) -> None:
        await settle(settled)
        if next(lost, False):
            raise Unavailable

    async def broken(ports: Bench) -> None:
        ports.call("broken")
        raise ValueError

    monkeypatch.setattr(bench.queue, "settle", losing)
    bench.job(broken, attempts=3, backoff=Backoff(base_seconds=0.3, cap_seconds=0.3))
    await bench.work()
    await bench.enqueue("broken")
    row = await bench.finished("broken:1")
    await bench.until_settled()
    assert (len(bench.calls), row.attempts) == (3, 3)


async def test_a_job_whose_lease_lapsed_here_is_held_anew_and_ends_as_any_other(bench: Bench) -> None:
    """The loop stalled: the job is claimed once more by the worker that runs it."""

    async def again(ports: Bench) -> Retry | None:
        times = ports.call("again")
        await ports.open_gate.wait()
        return Retry(0.0) if times == 1 else None

    bench.job(again)
    await bench.work()
    await bench.enqueue("again")
    await bench.until_called()
    await bench.redis.zadd("arq:lane:default", {"again:1": 0})
    await bench.redis.lpush("arq:wake:default", 1)
    await bench.until(lambda: lapsed(bench, "again:1"))
    bench.open_gate.set()
    row = await bench.finished("again:1")
    await bench.until_settled()
    assert (bench.calls, row.attempts) == (["again", "again"], 2)


async def test_leases_are_kept_while_redis_is_slow_to_hear_of_an_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = bench.queue.settle
    telling = asyncio.Event()

    async def slow(settled: Sequence[Settled]) -> None:
        telling.set()
        await bench.open_gate.wait()
        await settle(settled)

    monkeypatch.setattr(bench.queue, "settle", slow)
    bench.job(gated)
    bench.job(quick)
    await bench.work()
    await bench.enqueue("gated")
    await bench.enqueue("quick")
    await asyncio.wait_for(telling.wait(), DEADLINE_SECONDS)
    due = await bench.redis.zscore("arq:lane:default", "gated:1")

    async def renewed() -> bool:
        return float(await bench.redis.zscore("arq:lane:default", "gated:1") or 0) > float(due or 0)

    await bench.until(renewed)
    bench.open_gate.set()
    await bench.finished("gated:1")


async def test_a_retry_is_not_put_off_by_a_pulse_of_the_same_moment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis is told of the end while the pulse is about to renew the lease."""
    renew = bench.queue.renew
    ended = asyncio.Event()

    async def late(lane: Lane, ids: Sequence[str], lease_seconds: float) -> list[str]:
        bench.open_gate.set()
        await asyncio.wait_for(ended.wait(), DEADLINE_SECONDS)
        return await renew(lane, ids, lease_seconds)

    async def again(ports: Bench) -> Retry | None:
        times = ports.call("again")
        await ports.open_gate.wait()
        return Retry(0.05) if times == 1 else None

    def settling(outcomes: Sequence[Outcome]) -> Awaitable[list[Job]]:
        asyncio.get_running_loop().call_later(0.02, ended.set)
        return settle(outcomes)

    settle = bench.jobs.settle
    monkeypatch.setattr(bench.queue, "renew", late)
    monkeypatch.setattr(bench.jobs, "settle", settling)
    bench.job(again)
    await bench.work()
    await bench.enqueue("again")
    assert (await bench.finished("again:1")).attempts == 2


async def test_no_more_jobs_are_taken_than_history_can_hold(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = asyncio.Event()
    settle = bench.jobs.settle

    async def refusing(outcomes: Sequence[Outcome]) -> list[Job]:
        refused.set()
        raise Unavailable

    monkeypatch.setattr(bench.jobs, "settle", refusing)
    bench.job(quick)
    for n in range(100):
        await bench.enqueue("quick", f"quick:{n}")
    await bench.work(settings=msgspec.structs.replace(FAST, unsettled_max=10, default_slots=5))
    await asyncio.wait_for(refused.wait(), DEADLINE_SECONDS)
    await bench.until_called(10)
    await bench.redis.delete("arq:workers")
    await bench.until(lambda: pulsed(bench))
    assert 10 <= len(bench.calls) < 10 + 5
    monkeypatch.setattr(bench.jobs, "settle", settle)
    await bench.until_called(100)
    await bench.until_settled()
    assert await bench.jobs.counts() == {("default", "done"): 100}
    assert len(bench.calls) == 100


async def pulsed(bench: Bench) -> bool:
    return bool(await bench.redis.zcard("arq:workers"))


async def test_the_heartbeat_tells_who_is_busy_with_what_and_ends_with_the_worker(bench: Bench) -> None:
    bench.job(gated)
    workers = await bench.work()
    other = await bench.work(lanes=["urgent"])
    await bench.enqueue("gated", lane="bulk")
    await bench.until_called()

    async def both_tell() -> bool:
        beats = {beat["id"]: beat for beat in await bench.queue.workers()}
        return len(beats) == 2 and bool(beats[workers.id]["busy"])

    await bench.until(both_tell)
    beats = {str(beat["id"]): beat for beat in await bench.queue.workers()}
    mine = beats[workers.id]
    assert [run["name"] for run in mine["busy"]] == ["gated"]  # type: ignore[attr-defined]
    assert mine["rss_bytes"] > 1_000_000  # type: ignore[operator]
    assert list(mine["lanes"]) == ["urgent", "default", "bulk"]  # type: ignore[call-overload]
    assert list(beats[other.id]["lanes"]) == ["urgent"]  # type: ignore[call-overload]
    await other.stop()
    assert [beat["id"] for beat in await bench.queue.workers()] == [workers.id]


async def test_neither_arguments_nor_messages_reach_the_logs(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async def leaky(ports: Bench, post_id: str) -> str:
        ports.call("leaky")
        if len(ports.calls) == 1:
            raise ValueError("canary-message")
        return "canary-result"

    bench.job(leaky, attempts=1)
    bench.job(quick)
    with structlog.testing.capture_logs() as logs, caplog.at_level(logging.DEBUG, logger="arq"):
        await bench.work()
        await bench.enqueue("leaky", args={"post_id": "canary-argument"})
        await bench.finished("leaky:1")
        await bench.enqueue("leaky", "leaky:2", args={"post_id": "canary-argument"})
        await bench.finished("leaky:2")
    assert any(entry["event"] == "job.dead" and entry["error"] == "ValueError" for entry in logs)
    assert "canary" not in repr(logs) + caplog.text
