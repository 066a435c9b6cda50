"""A worker in a process of its own, to be killed: `python -m tests.workers.child POSTGRES_URL REDIS_URL`.

Its jobs leave marks in the table `marks`, which the test makes.
"""

import asyncio
import signal
import sys
from dataclasses import dataclass

import asyncpg
import msgspec

from db.postgres.jobs import JobRows
from db.redis.queue import ArqQueue, open_arq
from tests.workers.conftest import FAST
from workers.job import job
from workers.worker import Workers

LAPSING = msgspec.structs.replace(FAST, lease_seconds=2.0)
"""A test waits for the lease of a killed worker to lapse."""


@dataclass
class Ports:
    pool: asyncpg.Pool
    jobs: JobRows
    queue: ArqQueue


@job(attempts=1)
async def mark(ports: Ports, n: str) -> None:
    """Done at once, by adding a row that may be added again."""
    await ports.pool.execute("insert into marks values ($1) on conflict do nothing", n)


@job(attempts=1)
async def hang_once(ports: Ports, n: str) -> None:
    """Hangs when it is the first to come, and is done when it is the second."""
    added = await ports.pool.execute("insert into marks values ($1) on conflict do nothing", n)
    if added == "INSERT 0 1":
        await asyncio.Event().wait()


async def main(postgres_url: str, redis_url: str) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=4) as pool:
        redis = open_arq(redis_url)
        ports = Ports(pool, JobRows(pool), ArqQueue(redis))
        workers = Workers(ports, redis=redis, settings=LAPSING, schedule={})
        await workers.start()
        await stopped.wait()
        await workers.stop()
        await redis.aclose(close_connection_pool=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
