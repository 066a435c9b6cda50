"""`python -m bench.jobs`: this job layer, stock arq and SAQ, in turns on the same stores.

One JSON line per case and peer, medians over the repetitions, then one line of ratios. What each peer does:

- ours: rows and history in durable PostgreSQL, leases and retries as in production; the clock of a start
  delay begins before the row is inserted (`p50_ms`), and again when it is committed (`pushed_p50_ms`);
- ours_10: the same with the concurrency of 10 that the peers have;
- arq: 0.28 with its default settings; SAQ: its default settings. Neither keeps a history.

Cases: `throughput` drains a queue of no-op jobs; `start_delay` starts one job at a time on an idle worker;
`urgent_wait` starts jobs while a worker has long queues of other jobs (4 ms each) before it: ours in its bulk
lane, the peers in their one queue, which they have to work through first, so theirs is short.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple, Protocol

import asyncpg
import structlog
import uvloop
from arq import worker as arq_worker
from arq.connections import RedisSettings, create_pool
from redis.asyncio import Redis
from saq import Queue as SaqQueue
from saq import Worker as SaqWorker

from db.embedded import StoreUrls, embedded_stores
from db.postgres.jobs import JobRows
from db.redis.queue import ArqQueue, open_arq
from domain.jobs import LANES, Job, JobSettings, Lane
from migrations.run import migrate
from workers.job import Kind
from workers.loop import cancel_all
from workers.worker import Workers

BULK_SECONDS = 0.004
ADD_BATCH = 1_000


class Probe:
    """What the jobs of every peer tell: that number `n` has started."""

    def __init__(self) -> None:
        self.started: dict[int, float] = {}
        self.pushed: dict[int, float] = {}
        self.count = 0
        self.expected = 0
        self.all_done = asyncio.Event()
        self.waiting: dict[int, asyncio.Event] = {}

    def tell(self, n: int) -> None:
        self.started[n] = perf_counter()
        if event := self.waiting.pop(n, None):
            event.set()
        self.count += 1
        if self.count == self.expected:
            self.all_done.set()

    def expect(self, count: int) -> None:
        self.count, self.expected = 0, count
        self.all_done.clear()


PROBE = Probe()


class Delay(NamedTuple):
    """Until the job started: from before the enqueue, and from the push to Redis."""

    seconds: float
    pushed_seconds: float


class Peer(Protocol):
    async def enqueue(self, n: int) -> None: ...

    async def enqueue_many(self, numbers: Iterable[int]) -> None: ...

    async def enqueue_bulk(self, count: int) -> None: ...

    async def start(self) -> None: ...

    async def written(self) -> None:
        """Return when every end is where the peer keeps it."""

    async def stop(self) -> None: ...


async def noop(_ports: object, n: str) -> None:
    PROBE.tell(int(n))


async def bulk(_ports: object) -> None:
    await asyncio.sleep(BULK_SECONDS)


FUNCTIONS: list[Any] = [noop, bulk]


class Ours:
    """The ports and the worker of this product."""

    settings = JobSettings()

    def __init__(self, pool: "asyncpg.Pool[Any]", redis_url: str) -> None:
        self.pool = pool
        self.redis = open_arq(redis_url)
        self.jobs = JobRows(pool)
        self.queue = ArqQueue(self.redis)
        kinds = {f.__name__: Kind(f.__name__, f) for f in FUNCTIONS}
        self.workers = Workers(self, redis=self.redis, settings=self.settings, kinds=kinds, schedule={})

    @classmethod
    async def open(cls, urls: StoreUrls, redis_url: str) -> "Ours":
        pool = await asyncpg.create_pool(urls.postgres_url, min_size=2, max_size=10)
        await pool.execute("truncate jobs restart identity")
        return cls(pool, redis_url)

    async def enqueue(self, n: int) -> None:
        added = await self.jobs.add([one(n, "urgent")])
        PROBE.pushed[n] = perf_counter()
        await self.queue.push(added)

    async def enqueue_many(self, numbers: Iterable[int]) -> None:
        await self._add([one(n, "default") for n in numbers])

    async def enqueue_bulk(self, count: int) -> None:
        await self._add([Job("bulk", {}, f"bulk:{n}", "bulk") for n in range(count)])

    async def _add(self, jobs: Sequence[Job]) -> None:
        for start in range(0, len(jobs), ADD_BATCH):
            await self.queue.push(await self.jobs.add(jobs[start : start + ADD_BATCH]))

    async def start(self) -> None:
        await self.pool.execute("vacuum analyze jobs")
        await self.workers.start()

    async def written(self) -> None:
        while any(self.workers.history.unsettled(lane) for lane in LANES):  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        await self.workers.stop()
        await self.redis.aclose(close_connection_pool=True)
        await self.pool.close()


class OursTen(Ours):
    """With the concurrency that the peers have by default."""

    settings = JobSettings(urgent_slots=10, default_slots=10, bulk_slots=10)


def one(n: int, lane: Lane) -> Job:
    return Job("noop", {"n": str(n)}, f"noop:{n}", lane)


class StockArq:
    def __init__(self, settings: RedisSettings, redis: Any) -> None:
        self.redis = redis
        functions: list[Any] = [arq_worker.func(f, name=f.__name__) for f in FUNCTIONS]
        self.worker = arq_worker.Worker(functions, redis_settings=settings, handle_signals=False)
        self.task: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, _urls: StoreUrls, redis_url: str) -> "StockArq":
        settings = RedisSettings.from_dsn(redis_url)
        return cls(settings, await create_pool(settings))

    async def enqueue(self, n: int) -> None:
        await self.redis.enqueue_job("noop", n=str(n), _job_id=f"noop:{n}")

    async def enqueue_many(self, numbers: Iterable[int]) -> None:
        for n in numbers:
            await self.enqueue(n)

    async def enqueue_bulk(self, count: int) -> None:
        for n in range(count):
            await self.redis.enqueue_job("bulk", _job_id=f"bulk:{n}")

    async def start(self) -> None:
        self.task = asyncio.create_task(self.worker.async_run())

    async def written(self) -> None:
        return

    async def stop(self) -> None:
        await stopped(self.task)
        with suppress(asyncio.CancelledError):  # of the jobs it broke off
            await self.worker.close()
        await self.redis.aclose(close_connection_pool=True)


class Saq:
    def __init__(self, redis_url: str) -> None:
        self.queue = SaqQueue.from_url(redis_url)
        functions: Any = [(f.__name__, f) for f in FUNCTIONS]
        self.worker: Any = SaqWorker(self.queue, functions=functions)
        self.task: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, _urls: StoreUrls, redis_url: str) -> "Saq":
        peer = cls(redis_url)
        await peer.queue.connect()
        return peer

    async def enqueue(self, n: int) -> None:
        await self.queue.enqueue("noop", n=str(n), key=f"noop:{n}")

    async def enqueue_many(self, numbers: Iterable[int]) -> None:
        for n in numbers:
            await self.enqueue(n)

    async def enqueue_bulk(self, count: int) -> None:
        for n in range(count):
            await self.queue.enqueue("bulk", key=f"bulk:{n}")

    async def start(self) -> None:
        self.task = asyncio.create_task(self.worker.start())

    async def written(self) -> None:
        return

    async def stop(self) -> None:
        await self.worker.stop()
        await stopped(self.task)
        await self.queue.disconnect()


async def stopped(task: "asyncio.Task[None] | None") -> None:
    if task is None:
        return
    await cancel_all([task], within_seconds=5)


Open = Callable[[StoreUrls, str], Awaitable[Peer]]

PEERS: dict[str, Open] = {"ours": Ours.open, "ours_10": OursTen.open, "arq": StockArq.open, "saq": Saq.open}

DRAINED = {"ours": 20_000, "ours_10": 20_000, "arq": 1_000, "saq": 5_000}
QUEUED = {"ours": 100_000, "ours_10": 100_000, "arq": 1_000, "saq": 1_000}

Figures = dict[str, float]


async def throughput(peer: Peer, name: str, scale: float) -> Figures:
    """Jobs per second from the start of the worker until the last end is written, and the CPU of each."""
    count = int(DRAINED[name] * scale)
    PROBE.expect(count)
    await peer.enqueue_many(range(count))
    began, cpu = perf_counter(), process_time()
    await peer.start()
    await asyncio.wait_for(PROBE.all_done.wait(), 300)
    await peer.written()
    seconds = perf_counter() - began
    return {
        "jobs": count,
        "jobs_per_second": count / seconds,
        "cpu_us_per_job": (process_time() - cpu) / count * 1e6,
    }


async def start_delay(peer: Peer, _name: str, scale: float) -> Figures:
    """One job at a time on an idle worker, at irregular moments."""
    await peer.start()
    await started_after(peer, 0)
    return percentiles([await started_after(peer, n + 1) for n in range(int(200 * scale))])


async def urgent_wait(peer: Peer, name: str, scale: float) -> Figures:
    """Single jobs while a queue of bulk jobs is worked through."""
    count = int(QUEUED[name] * scale)
    await peer.enqueue_bulk(count)
    await peer.start()
    samples = 200 if name.startswith("ours") else 1
    delays = [await started_after(peer, n) for n in range(max(int(samples * scale), 1))]
    return {"bulk_jobs_before": count, **percentiles(delays)}


CASES = {"throughput": throughput, "start_delay": start_delay, "urgent_wait": urgent_wait}
RATIOS = {"throughput": "jobs_per_second", "start_delay": "p50_ms", "urgent_wait": "p50_ms"}


async def started_after(peer: Peer, n: int) -> Delay:
    await asyncio.sleep(random.uniform(0.005, 0.03))
    event = PROBE.waiting[n] = asyncio.Event()
    began = perf_counter()
    await peer.enqueue(n)
    await asyncio.wait_for(event.wait(), 120)
    return Delay(PROBE.started[n] - began, PROBE.started[n] - PROBE.pushed.pop(n, began))


def percentiles(delays: Sequence[Delay]) -> Figures:
    whole = sorted(delay.seconds for delay in delays)
    pushed = sorted(delay.pushed_seconds for delay in delays)
    return {
        "samples": len(delays),
        "p50_ms": at(whole, 0.5) * 1000,
        "p99_ms": at(whole, 0.99) * 1000,
        "pushed_p50_ms": at(pushed, 0.5) * 1000,
        "pushed_p99_ms": at(pushed, 0.99) * 1000,
    }


def at(ordered: Sequence[float], quantile: float) -> float:
    return ordered[min(int(len(ordered) * quantile), len(ordered) - 1)]


async def measure(case: str, name: str, urls: StoreUrls, redis_url: str, scale: float) -> Figures:
    """One repetition on an empty Redis database."""
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()
    peer = await PEERS[name](urls, redis_url)
    try:
        return await CASES[case](peer, name, scale)
    finally:
        await peer.stop()


def report(case: str, results: dict[str, list[Figures]]) -> None:
    medians = {
        name: {key: round(statistics.median(figures[key] for figures in all_), 3) for key in all_[0]}
        for name, all_ in results.items()
    }
    for name, figures in medians.items():
        print(json.dumps({"bench": "jobs", "case": case, "peer": name, **figures}), flush=True)
    ours = medians.get("ours")
    if ours:
        key = RATIOS[case]
        ratios = {name: round(ours[key] / figures[key], 4) for name, figures in medians.items()}
        print(json.dumps({"bench": "jobs", "case": case, "ratio_of": key, "ours_to": ratios}), flush=True)


async def compare(options: argparse.Namespace) -> None:
    """Peers take turns within each repetition, and another one begins each time."""
    with tempfile.TemporaryDirectory(prefix="bench-jobs-") as folder:
        async with embedded_stores(Path(folder)) as urls:
            await migrate(urls.postgres_url)
            redis_url = urls.redis_url.removesuffix("/0").rstrip("/") + "/5"
            for case in options.case:
                results: dict[str, list[Figures]] = {name: [] for name in options.peers}
                for repetition in range(options.repeat):
                    turn = repetition % len(options.peers)
                    for name in options.peers[turn:] + options.peers[:turn]:
                        results[name].append(await measure(case, name, urls, redis_url, options.scale))
                report(case, results)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m bench.jobs", description=sys.modules[__name__].__doc__)
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    uvloop.run(compare(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
