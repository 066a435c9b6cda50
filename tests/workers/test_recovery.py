"""What Redis lost comes back, once."""

import msgspec

from domain.jobs import Job, Sentinel, enqueue_jobs, pause_lane
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
