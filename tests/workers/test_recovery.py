"""What Redis lost comes back, once."""

from typing import Any

import msgspec
import pytest

from domain.jobs import Job, JobFilter, Sentinel, Unfinished, cancel_jobs, enqueue_jobs, pause_lane
from tests.workers.conftest import FAST, Bench
from workers.job import Backoff
from workers.recovery import Recovery

EAGER = msgspec.structs.replace(FAST, recheck_after_seconds=0.0, recheck_seconds=0.0, recheck_rows=7)


async def quick(ports: Bench, n: str) -> None:
    ports.call(n)


def jobs(count: int) -> list[Job]:
    lanes = ("urgent", "default", "bulk")
    return [Job("quick", {"n": str(n)}, f"quick:{n}", lanes[n % 3]) for n in range(count)]  # type: ignore[arg-type]


async def test_an_emptied_redis_loses_no_job(bench: Bench) -> None:
    recovery = Recovery(bench.jobs, bench.queue, EAGER)
    await recovery.tick()
    await enqueue_jobs(jobs(50), bench)
    await bench.redis.flushdb()
    assert await recovery.tick() == 50
    bench.job(quick)
    await bench.work()
    await bench.until_called(50)
    await bench.until_settled()
    assert sorted(bench.calls) == sorted(str(n) for n in range(50))


async def test_a_new_leader_notices_a_loss_that_happened_before_it(bench: Bench) -> None:
    await Recovery(bench.jobs, bench.queue, EAGER).tick()
    await enqueue_jobs(jobs(5), bench)
    await bench.redis.flushdb()
    assert await Recovery(bench.jobs, bench.queue, EAGER).tick() == 5


async def test_a_restarted_server_may_have_lost_its_last_second(bench: Bench) -> None:
    recovery = Recovery(bench.jobs, bench.queue)
    await recovery.tick()
    await enqueue_jobs(jobs(3), bench)
    await bench.redis.delete("arq:job:quick:1", "arq:lane:default")
    known = await bench.jobs.sentinel()
    assert known is not None
    await bench.jobs.set_sentinel(Sentinel(known.value, "the run id of the server before"))
    assert await Recovery(bench.jobs, bench.queue).tick() == 1


async def test_a_job_that_runs_during_the_loss_does_not_run_twice(bench: Bench) -> None:
    async def long(ports: Bench) -> None:
        ports.call("long")
        await ports.open_gate.wait()

    bench.job(long, timeout_seconds=60)
    recovery = Recovery(bench.jobs, bench.queue, EAGER)
    await recovery.tick()
    await bench.work()
    await bench.enqueue("long")

    async def started() -> bool:
        return (await bench.row("long:1")).state == "started"

    await bench.until(started)
    await bench.redis.flushdb()
    assert await recovery.tick() == 1
    for _ in range(3):
        await bench.redis.delete("arq:workers")
        await bench.until(lambda: beaten(bench))
    bench.open_gate.set()
    row = await bench.finished("long:1")
    await bench.until_settled()
    assert (bench.calls, row.attempts) == (["long"], 1)


async def beaten(bench: Bench) -> bool:
    """A pulse has passed, and renewed its leases."""
    return bool(await bench.redis.zcard("arq:workers"))


async def test_what_was_committed_and_never_pushed_is_pushed(bench: Bench) -> None:
    recovery = Recovery(bench.jobs, bench.queue, EAGER)
    await recovery.tick()
    added = await bench.jobs.add(jobs(20))
    pushed = [await recovery.tick() for _ in range(4)]
    assert sum(pushed) == len(added) == 20
    assert await recovery.tick() == 0


async def test_what_was_queued_anew_and_never_pushed_is_looked_for_as_soon(bench: Bench) -> None:
    """Not only when all old rows have their slow turn."""
    recovery = Recovery(bench.jobs, bench.queue, msgspec.structs.replace(EAGER, recheck_seconds=600.0))
    await recovery.tick()
    one = Job("quick", {"n": "1"}, "quick:1", repeats=True)
    bench.job(quick)
    await bench.work()
    await enqueue_jobs([one], bench)
    await bench.finished("quick:1")
    assert [await recovery.tick() for _ in range(3)] == [0] * 3
    assert await bench.jobs.add([one]) != []
    assert await recovery.tick() == 1


async def test_nothing_is_pushed_when_nothing_is_missing(bench: Bench) -> None:
    recovery = Recovery(bench.jobs, bench.queue, EAGER)
    await recovery.tick()
    await enqueue_jobs(jobs(20), bench)
    assert [await recovery.tick() for _ in range(6)] == [0] * 6


async def test_a_pause_outlives_redis(bench: Bench) -> None:
    recovery = Recovery(bench.jobs, bench.queue, EAGER)
    await recovery.tick()
    await pause_lane("bulk", bench)
    await bench.redis.flushdb()
    await recovery.tick()
    assert (await bench.queue.depths())["bulk"].paused


async def test_a_pause_that_only_one_store_heard_of_is_put_right(bench: Bench) -> None:
    recovery = Recovery(bench.jobs, bench.queue, EAGER)
    await recovery.tick()
    await bench.jobs.set_paused("bulk", True)
    await bench.queue.set_paused("urgent", True)
    await recovery.tick()
    depths = await bench.queue.depths()
    assert {lane for lane, depth in depths.items() if depth.paused} == {"bulk"}


async def test_a_restart_while_all_is_pushed_does_not_go_unnoticed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = bench.queue.read_sentinel, bench.queue.write_sentinel
    runs = ["first"]

    async def emptied_before(value: str) -> None:
        if len(runs) == 1:
            await bench.redis.flushdb()
            runs.append("second")
        await write(value)

    async def of_this_run() -> Sentinel:
        return Sentinel((await read()).value, runs[-1])

    monkeypatch.setattr(bench.queue, "write_sentinel", emptied_before)
    monkeypatch.setattr(bench.queue, "read_sentinel", of_this_run)
    recovery = Recovery(bench.jobs, bench.queue)
    await enqueue_jobs(jobs(3), bench)
    await recovery.tick()
    assert await recovery.tick() == 3
    assert await recovery.tick() == 0


async def test_what_was_cancelled_while_it_was_pushed_again_does_not_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished = bench.jobs.unfinished

    async def overtaken(*args: Any, **bounds: Any) -> list[Unfinished]:
        rows = await unfinished(*args, **bounds)
        await cancel_jobs(JobFilter(), bench)
        return rows

    monkeypatch.setattr(bench.jobs, "unfinished", overtaken)
    bench.job(quick)
    await enqueue_jobs(jobs(1), bench)
    await Recovery(bench.jobs, bench.queue, EAGER).tick()
    assert (await bench.queue.depths())["urgent"].due == 1
    await bench.work()
    await bench.until_settled()
    assert bench.calls == []


async def test_an_attempt_that_ends_in_an_emptied_redis_counts_once(bench: Bench) -> None:
    async def broken(ports: Bench) -> None:
        if ports.call("broken") == 1:
            await bench.redis.flushdb()
        raise ValueError

    bench.job(broken, attempts=3, backoff=Backoff(base_seconds=0.02, cap_seconds=0.02))
    workers = await bench.work()
    await bench.enqueue("broken")

    async def told() -> bool:
        return (await bench.row("broken:1")).attempts == 1 and not workers.history.unsettled("default")

    await bench.until(told)
    await Recovery(bench.jobs, bench.queue, EAGER).push_everything()
    row = await bench.finished("broken:1")
    assert (len(bench.calls), row.attempts) == (3, 3)


async def test_attempts_survive_the_loss_of_redis(bench: Bench) -> None:
    async def broken(ports: Bench) -> None:
        ports.call("broken")
        raise ValueError

    bench.job(broken, attempts=2, backoff=Backoff(base_seconds=600))
    recovery = Recovery(bench.jobs, bench.queue, EAGER)
    await recovery.tick()
    await bench.work()
    await bench.enqueue("broken")
    await bench.until(lambda: retried(bench))
    await bench.jobs.db.execute("update jobs set run_at = now()")
    await bench.redis.flushdb()
    await recovery.tick()
    row = await bench.finished("broken:1")
    assert (row.state, row.attempts, len(bench.calls)) == ("dead", 2, 2)


async def retried(bench: Bench) -> bool:
    """Both stores know it: history is told first, then the queue."""
    row, counted = await bench.row("broken:1"), await bench.redis.get("arq:retry:broken:1")
    return (row.state, row.attempts, row.error, counted) == ("queued", 1, "ValueError", b"1")
