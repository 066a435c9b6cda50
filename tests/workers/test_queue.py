"""Jobs in Redis: leases, batches, wake-ups, and what stock arq sees of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from math import inf

from arq.jobs import Job as ArqJob

from db.redis.queue import ArqQueue, open_arq
from domain.jobs import Job, Settled
from tests.workers.conftest import DEADLINE_SECONDS, Bench
from workers.recovery import Recovery

LONG = 60.0
UNREADABLE = {
    b"broken": b"{}",
    b"foreign": b"\x80\x04pickle",
    b"other": b"[1]",
    b"no name": b'{"t":0,"f":["noop"],"a":[],"k":{},"et":0}',
    b"no ids": b'{"t":0,"f":"noop","a":[],"k":[1],"et":0}',
    b"no row": b'{"t":0,"f":"noop","a":[],"k":{},"et":0,"key":"\\u0000"}',
    b"no text \xff": b'{"t":0,"f":"noop","a":[],"k":{},"et":0}',
}


def named(key: str, **fields: object) -> Job:
    return Job(name="noop", args={"post_id": key}, key=key, **fields)  # type: ignore[arg-type]


async def test_pushing_twice_queues_once(bench: Bench) -> None:
    assert await bench.queue.push([named("a"), named("b")]) == 2
    assert await bench.queue.push([named("a"), named("c")]) == 1
    claims, _ = await bench.queue.claim("default", 10, LONG)
    assert sorted(claim.id for claim in claims) == ["a", "b", "c"]


async def test_a_claimed_job_is_nobody_elses_until_its_lease_lapses(bench: Bench) -> None:
    await bench.queue.push([named("a")])
    (first,), _ = await bench.queue.claim("default", 10, 0.05)
    assert (first.attempt, first.lost) == (1, 0)
    assert (await bench.queue.claim("default", 10, LONG))[0] == []

    async def claimed_again() -> bool:
        claims, _ = await bench.queue.claim("default", 10, LONG)
        return [(claim.attempt, claim.lost) for claim in claims] == [(1, 1)]

    await bench.until(claimed_again)


async def test_a_renewed_lease_does_not_lapse(bench: Bench) -> None:
    await bench.queue.push([named("a")])
    (first,), _ = await bench.queue.claim("default", 10, 0.02)
    assert await bench.queue.renew("default", {"a": first.held}, LONG) == []
    _, wait = await bench.queue.claim("default", 10, LONG)
    assert LONG - 5 < wait <= LONG


async def test_renewing_never_brings_back_what_is_settled(bench: Bench) -> None:
    await bench.queue.push([named("a")])
    (first,), _ = await bench.queue.claim("default", 10, LONG)
    await bench.queue.settle([Settled("a", "default")])
    await bench.queue.renew("default", {"a": first.held}, LONG)
    assert (await bench.queue.claim("default", 10, LONG)) == ([], inf)
    assert await bench.redis.keys("arq:*:a") == []


async def test_a_retry_counts_an_attempt_and_a_refund_does_not(bench: Bench) -> None:
    await bench.queue.push([named("a")])
    (first,), _ = await bench.queue.claim("default", 1, LONG)
    await bench.queue.settle([Settled("a", "default", 0.0, held=first.held)])
    (second,), _ = await bench.queue.claim("default", 1, LONG)
    await bench.queue.settle([Settled("a", "default", 0.0, refund=True, held=second.held)])
    (again,), _ = await bench.queue.claim("default", 1, LONG)
    assert (second.attempt, again.attempt) == (2, 2)
    assert (second.lost, again.lost) == (0, 0)


async def test_a_job_for_later_is_not_due_before(bench: Bench) -> None:
    later = datetime.now(UTC) + timedelta(seconds=30)
    await bench.queue.push([named("a", run_at=later)])
    claims, wait = await bench.queue.claim("default", 10, LONG)
    assert claims == []
    assert 20 < wait <= 30


async def test_a_paused_lane_gives_nothing_and_the_others_go_on(bench: Bench) -> None:
    await bench.queue.push([named("a"), named("b", lane="urgent")])
    await bench.queue.set_paused("default", True)
    assert await bench.queue.claim("default", 10, LONG) == ([], inf)
    (urgent,), _ = await bench.queue.claim("urgent", 10, LONG)
    assert urgent.id == "b"
    await bench.queue.set_paused("default", False)
    assert len((await bench.queue.claim("default", 10, LONG))[0]) == 1


async def test_waiting_ends_when_something_is_pushed(bench: Bench) -> None:
    waiting = asyncio.create_task(bench.queue.wait("urgent", 60))
    await bench.queue.push([named("a", lane="urgent")])
    await asyncio.wait_for(waiting, DEADLINE_SECONDS)


async def test_nobody_waits_until_redis_is_taken_for_lost(redis_url: str) -> None:
    redis = open_arq(redis_url, timeout_seconds=0.2)
    await ArqQueue(redis).wait("urgent", 60)
    await redis.aclose(close_connection_pool=True)


async def test_one_push_of_many_wakes_every_idle_worker_in_turn(bench: Bench) -> None:
    """Whoever claims and leaves something due wakes the next."""
    waiting = [asyncio.create_task(bench.queue.wait("urgent", 60)) for _ in range(3)]
    await bench.queue.push([named(str(n), lane="urgent") for n in range(10)])
    for _ in range(3):
        done, pending = await asyncio.wait(
            waiting, timeout=DEADLINE_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        assert done
        waiting = list(pending)
        if not waiting:
            return
        await bench.queue.claim("urgent", 1, LONG)
    raise AssertionError("a worker slept on while jobs were due")


async def test_depths_tell_due_from_later(bench: Bench) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    await bench.queue.push([named("a"), named("b"), named("c", run_at=later)])
    await bench.queue.set_paused("bulk", True)
    depths = await bench.queue.depths()
    assert (depths["default"].due, depths["default"].later) == (2, 1)
    assert depths["bulk"].paused
    assert not depths["default"].paused


async def test_what_nobody_can_read_holds_up_nothing_and_what_is_owed_comes_back(bench: Bench) -> None:
    """Pickled by a stock client, or broken: both were claimed with jobs that are fine."""

    async def noop(ports: Bench, post_id: str = "") -> None:
        ports.call(post_id or "fine")

    bench.job(noop)
    await bench.enqueue("noop", "fine")
    await bench.jobs.add([named("broken")])
    for id_, packed in UNREADABLE.items():
        await bench.redis.set(b"arq:job:" + id_, packed)
        await bench.redis.zadd("arq:lane:default", {id_: 1})
    await bench.work()
    await bench.finished("fine")
    await bench.until_settled()
    await Recovery(bench.jobs, bench.queue).push_everything()
    await bench.finished("broken")
    assert bench.calls == ["fine", "broken"]


async def test_the_cancelling_of_a_waiting_job_stops_no_later_one_of_its_key(bench: Bench) -> None:
    await bench.queue.push([named("a"), named("b")])
    await bench.queue.claim("default", 1, LONG)
    await bench.queue.cancel([named("a"), named("b")])
    await bench.queue.push([named("a"), named("b")])
    assert await bench.queue.renew("default", {"a": 0, "b": 0}, LONG) == ["a"]


async def test_arq_itself_reads_our_jobs_and_we_run_its(bench: Bench) -> None:
    async def noop(ports: Bench, post_id: str) -> None:
        ports.call(post_id)

    await bench.queue.push([named("ours")])
    seen = await ArqJob("ours", bench.redis, "arq:lane:default", bench.redis.job_deserializer).info()
    assert seen is not None
    assert (seen.function, seen.kwargs) == ("noop", {"post_id": "ours"})

    await bench.redis.enqueue_job("noop", post_id="theirs", _queue_name="arq:lane:default", _job_id="theirs")
    bench.job(noop)
    await bench.work()
    await bench.until_called(2)
    assert sorted(bench.calls) == ["ours", "theirs"]
    await bench.until_settled()
