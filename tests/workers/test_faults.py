"""Workers that are killed, an emptied Redis, a PostgreSQL that hangs up, a MongoDB that is slow."""

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

import asyncpg
import pytest

from db.postgres.jobs import JobRows
from db.redis.queue import ArqQueue, open_arq
from domain.jobs import Job, enqueue_jobs
from tests.cluster.valkey_server import OwnValkey, own_valkeys
from tests.workers.chaos import Chaos, Report, chaos
from tests.workers.conftest import DEADLINE_SECONDS, Bench
from workers.loop import cancel_all, keep_alive
from workers.recovery import Recovery

ROOT = Path(__file__).parents[2]

ROUNDS = 3
CHAOS_ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "20"))
"""A thousand of them for a long look: `make chaos`."""
CHAOS_SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)
TOLD_EVERY = 50

DROPPED = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a caller meets whose connection was ended; the last once, when asyncpg had not noticed yet."""

pytestmark = pytest.mark.timeout(300 + 10 * CHAOS_ROUNDS)

Spawn = Callable[[str, str], Awaitable[Process]]


@pytest.fixture
async def spawn() -> AsyncIterator[Spawn]:
    """Starts workers in processes of their own; none outlives the test."""
    processes: list[Process] = []

    async def start(postgres_url: str, redis_url: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.workers.child", postgres_url, redis_url, cwd=ROOT
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def count_marks(bench: Bench) -> int:
    rows = await bench.jobs.db.fetch("select count(*) as marks from marks")
    return int(rows[0]["marks"])


async def until_marks(bench: Bench, count: int) -> None:
    async def reached() -> bool:
        return await count_marks(bench) >= count

    await bench.until(reached)


def mark(n: int, name: str = "mark") -> Job:
    return Job(name, {"n": f"{name}{n}"}, f"{name}:{n}")


async def test_a_killed_workers_job_is_taken_over_and_loses_no_attempt(
    bench: Bench, spawn: Spawn, postgres_url: str, redis_url: str
) -> None:
    await bench.jobs.db.execute("create table marks (n text primary key)")
    first = await spawn(postgres_url, redis_url)
    await enqueue_jobs([mark(1, "hang_once")], bench)
    await until_marks(bench, 1)
    first.kill()
    await first.wait()
    await spawn(postgres_url, redis_url)
    row = await bench.finished("hang_once:1")
    assert (row.state, row.attempts) == ("done", 1)


async def test_a_terminated_worker_stops_by_itself_and_in_order(
    bench: Bench, spawn: Spawn, postgres_url: str, redis_url: str
) -> None:
    await bench.jobs.db.execute("create table marks (n text primary key)")
    process = await spawn(postgres_url, redis_url)
    await enqueue_jobs([mark(1, "hang_once")], bench)
    await until_marks(bench, 1)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), DEADLINE_SECONDS) == 0
    row = await bench.row("hang_once:1")
    assert (row.state, row.attempts) == ("queued", 0)
    assert (await bench.queue.depths())["default"].due == 1


async def test_dropped_database_connections_lose_nothing(bench: Bench) -> None:
    async def quick(ports: Bench, n: str) -> None:
        ports.call(n)

    bench.job(quick)
    await bench.work()
    for round_ in range(ROUNDS):
        jobs = [Job("quick", {"n": f"{round_}-{n}"}, f"quick:{round_}-{n}") for n in range(200)]
        await bench.until(lambda jobs=jobs: enqueued(jobs, bench))  # type: ignore[misc]
        with suppress(*DROPPED):
            await bench.jobs.db.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
            )
    await bench.until(lambda: all_done(bench, 200 * ROUNDS))
    await bench.until_settled()
    assert len(bench.calls) == 200 * ROUNDS


async def enqueued(jobs: list[Job], bench: Bench) -> bool:
    """As a producer that tries again: the keys keep it from asking twice."""
    try:
        await bench.queue.push(await bench.jobs.add(jobs) or jobs)
    except DROPPED:
        return False
    return True


async def all_done(bench: Bench, count: int) -> bool:
    try:
        return await bench.jobs.counts() == {("default", "done"): count}
    except DROPPED:
        return False


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[OwnValkey]:
    """A Valkey of this test's own that keeps nothing over a restart."""
    async with own_valkeys(tmp_path, 1, appendonly="no") as (one,):
        yield one


async def test_workers_live_through_restarts_of_an_empty_redis(valkey: OwnValkey, postgres_url: str) -> None:
    async def quick(ports: Bench, n: str) -> None:
        ports.call(n)

    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=5) as pool:
        redis = open_arq(valkey.url, timeout_seconds=1.0)
        bench = Bench(pool, JobRows(pool), ArqQueue(redis), redis)
        bench.job(quick)
        leader = asyncio.create_task(keep_alive("recovery", recovering(bench)))
        await bench.work()
        for round_ in range(ROUNDS):
            added = await bench.jobs.add(
                [Job("quick", {"n": f"{round_}-{n}"}, f"quick:{round_}-{n}") for n in range(200)]
            )
            await bench.queue.push(added[:100])
            valkey.kill()
            await valkey.start()
        await bench.until(lambda: all_done(bench, 200 * ROUNDS))
        assert set(bench.calls) == {f"{round_}-{n}" for round_ in range(ROUNDS) for n in range(200)}
        await cancel_all([leader])
        await bench.close()
        await redis.aclose(close_connection_pool=True)


def recovering(bench: Bench) -> Callable[[], Awaitable[None]]:
    recovery = Recovery(bench.jobs, bench.queue)

    async def step() -> None:
        await recovery.tick()
        await asyncio.sleep(0.05)

    return step


async def test_help_counts_once_whatever_breaks(
    tmp_path: Path, postgres_url: str, mongodb_uri: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Rounds of every fault in turns of chance, on workers of the product and all three stores."""
    random.seed(CHAOS_SEED)
    async with chaos(tmp_path, postgres_url, mongodb_uri) as running:
        kinds = list(running.faults) * -(-CHAOS_ROUNDS // len(running.faults))
        report = await befallen(running, random.sample(kinds[:CHAOS_ROUNDS], CHAOS_ROUNDS), capfd)
        assert (report.lost, report.doubled) == (0, 0), report
        assert report.dead == 0, await running.dead()


async def befallen(running: Chaos, kinds: list[str], capfd: pytest.CaptureFixture[str]) -> Report:
    """Says how far it is, and at the end what came of it."""
    began = monotonic()
    for number, kind in enumerate(kinds, 1):
        await running.round(kind)
        if number % TOLD_EVERY == 0:
            tell(f"{number} of {len(kinds)} rounds, {monotonic() - began:.0f} s", capfd)
    report = await running.end(monotonic() - began)
    tell(f"{report} (seed {CHAOS_SEED})", capfd)
    return report


def tell(line: str, capfd: pytest.CaptureFixture[str]) -> None:
    with capfd.disabled():
        sys.stdout.write(f"\nchaos: {line}\n")
        sys.stdout.flush()
