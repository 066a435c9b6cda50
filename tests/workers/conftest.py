"""A worker on real stores, with jobs that each test brings itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import pytest
from arq.connections import ArqRedis

from db.postgres.jobs import JobRows
from db.redis.queue import ArqQueue, open_arq
from domain.jobs import FINISHED, LANES, Job, JobFilter, JobRecords, JobRow, JobSettings, Lane, enqueue_jobs
from workers.job import Kind, job
from workers.schedule import Entry
from workers.worker import Workers

if TYPE_CHECKING:
    from tests.workers.stage import Stage

DEADLINE_SECONDS = 60.0

FAST = JobSettings(lease_seconds=60.0, pulse_seconds=0.15, idle_wait_seconds=0.2, stop_seconds=2.0)
"""Nobody waits for long; a lease outlives whatever holds up a busy machine."""


class Owed(NamedTuple):
    jobs: JobRows


@dataclass
class Bench:
    """The ports of a worker, the registry of a test, and what its jobs did."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    jobs: JobRows
    queue: ArqQueue
    redis: ArqRedis
    kinds: dict[str, Kind] = field(default_factory=dict)
    schedule: dict[str, Entry] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    open_gate: asyncio.Event = field(default_factory=asyncio.Event)
    _workers: list[Workers] = field(default_factory=list)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[JobRecords]:
        async with self.pool.acquire() as connection, connection.transaction():
            yield Owed(JobRows(connection))

    def job(self, function: Callable[..., Awaitable[Any]], **policy: Any) -> None:
        job(kinds=self.kinds, **policy)(function)

    def call(self, name: str) -> int:
        """Note a call; returns which it is."""
        self.calls.append(name)
        self.called.set()
        return self.calls.count(name)

    async def work(self, *, settings: JobSettings = FAST, lanes: Sequence[Lane] = LANES) -> Workers:
        workers = Workers(
            self,
            redis=self.redis,
            settings=settings,
            lanes=lanes,
            kinds=self.kinds,
            schedule=self.schedule,
        )
        self._workers.append(workers)
        await workers.start()
        return workers

    async def enqueue(self, name: str, key: str | None = None, **fields: Any) -> Job:
        one = Job(name=name, args=fields.pop("args", {}), key=key or f"{name}:1", **fields)
        await enqueue_jobs([one], self)
        return one

    async def row(self, key: str) -> JobRow:
        (row,) = await self.jobs.find(JobFilter(keys=(key,)))
        return row

    async def finished(self, key: str) -> JobRow:
        """The row once it has ended."""
        await self.until(lambda: self._has_ended(key))
        return await self.row(key)

    async def _has_ended(self, key: str) -> bool:
        return bool(await self.jobs.find(JobFilter(keys=(key,), states=FINISHED)))

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Look until it is so; fails at the deadline."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await condition():  # noqa: ASYNC110  (the stores tell nobody)
                await asyncio.sleep(0.01)

    async def until_called(self, times: int = 1) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(self.calls) < times:
                self.called.clear()
                await self.called.wait()

    async def until_settled(self) -> None:
        """Until Redis holds no job any more."""
        await self.until(self._is_empty)

    async def _is_empty(self) -> bool:
        return not await self.redis.keys("arq:job:*")

    async def close(self) -> None:
        self.open_gate.set()
        for workers in self._workers:
            await workers.stop()


@pytest.fixture
async def bench(postgres_url: str, redis_url: str) -> AsyncIterator[Bench]:
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=5) as pool:
        redis = open_arq(redis_url)
        bench = Bench(pool, JobRows(pool), ArqQueue(redis), redis)
        yield bench
        await bench.close()
        await redis.aclose(close_connection_pool=True)


@pytest.fixture
async def stage(postgres_url: str, mongodb_uri: str, redis_url: str) -> AsyncIterator["Stage"]:
    """Imported here, because it registers the product's jobs: workers of other tests know only their own."""
    from tests.workers.stage import open_stage

    async with open_stage(postgres_url, mongodb_uri, redis_url) as stage:
        yield stage
