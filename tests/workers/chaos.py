"""Real workers over stores that break, and people whose help must be counted once all the same."""

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

import asyncpg

from db.stores import open_stores
from domain import posts, support
from domain.accounts import User
from domain.errors import DomainError
from domain.ids import new_id
from domain.jobs import JobFilter, State
from domain.ports import Ports
from domain.posts import CreatePost
from domain.settings import Settings, load_settings
from domain.support import GiveSupport
from tests.cluster.valkey_server import OwnValkey, own_valkeys
from tests.contract.makers import Makers
from tests.fakes.ports import SECRET
from tests.store_lines import StoreLine, store_lines

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
WORKERS = 2
GIVERS = 10
POSTS_OF_AN_AUTHOR = 10
"""What one giver may earn with one receiver in a day, in points of one each."""
OPEN_MAX = 200
"""The next round begins when fewer jobs than this are owed: rounds overlap, and do not pile up."""
AGAIN_SECONDS = 0.05
STORE_TIMEOUT_SECONDS = 1
DRAIN_SECONDS = 240.0

BOUNDS = {
    "JOB_LEASE_SECONDS": "1",
    "JOB_PULSE_SECONDS": "0.25",
    "JOB_RECHECK_SECONDS": "3",
    "STORE_TIMEOUT_SECONDS": str(STORE_TIMEOUT_SECONDS),
    "LOG_LEVEL": "error",
}


class Report(NamedTuple):
    """What came of it. `lost`: help that earned nothing, told nobody or is still owed; `doubled`: that did so
    twice."""

    rounds: Counter[str]
    jobs: int
    lost: int
    doubled: int
    dead: int
    again: int
    seconds: float

    def __str__(self) -> str:
        by_kind = ", ".join(f"{count} {kind}" for kind, count in sorted(self.rounds.items()))
        return (
            f"{self.rounds.total()} rounds ({by_kind}) in {self.seconds:.0f} s: {self.jobs} jobs, "
            f"{self.lost} lost, {self.doubled} doubled, {self.dead} dead, {self.again} tried again"
        )


@dataclass
class Chaos:
    """Workers, what they work on, and the faults that befall them."""

    ports: Ports
    valkey: OwnValkey
    mongodb: StoreLine
    rows: "asyncpg.Pool[asyncpg.Record]"
    nursery: Process
    givers: list[User] = field(default_factory=list)
    authors: list[User] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)
    rounds: Counter[str] = field(default_factory=Counter)
    given: int = 0

    @property
    def faults(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "killed workers": self.kill_worker,
            "restarts of Valkey": self.restart_valkey,
            "drops of PostgreSQL": self.drop_postgres,
            "slow MongoDB": self.slow_mongodb,
        }

    async def begin(self) -> None:
        make = Makers(self.ports)
        for _ in range(GIVERS):
            self.givers.append(User(id=(await make.account()).id, session_id=""))
        for _ in range(WORKERS):
            await self.start_worker()

    async def round(self, kind: str) -> None:
        """Help is given while a store or a worker breaks."""
        giving = asyncio.create_task(self.give())
        await asyncio.sleep(random.uniform(0, 0.1))
        await self.faults[kind]()
        await giving
        self.rounds[kind] += 1
        await until(self._has_room, DRAIN_SECONDS)

    async def give(self) -> None:
        """One post, and a tap by everybody; whoever is refused for the moment tries again."""
        if self.given % (GIVERS * POSTS_OF_AN_AUTHOR) == 0:
            account = await insisting(lambda: Makers(self.ports).account(handle=f"author-{self.given}"))
            self.authors.append(User(id=account.id, session_id=""))
        command = CreatePost(client_id=new_id(), type="check_in", content="Day 30.")
        answer = await insisting(lambda: posts.create_post(command, self.authors[-1], self.ports))
        tap = GiveSupport(post_id=answer.post.id, kind="been_there")
        for giver in self.givers:
            await insisting(lambda giver=giver: support.give_support(tap, giver, self.ports))
            self.given += 1

    async def kill_worker(self) -> None:
        os.kill(self.pids.pop(random.randrange(len(self.pids))), signal.SIGKILL)
        await self.start_worker()

    async def start_worker(self) -> None:
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(b"\n")
        self.pids.append(int(await self.nursery.stdout.readline()))

    async def restart_valkey(self) -> None:
        """With nothing in it."""
        self.valkey.kill()
        await self.valkey.start()

    async def drop_postgres(self) -> None:
        """Every connection, of workers and of producers."""
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self.rows.execute(
                """
                select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()
                """
            )

    async def slow_mongodb(self) -> None:
        """Late, or silent for longer than a driver waits, or gone."""
        await random.choice([self._delay_mongodb, self._stop_mongodb, self._cut_mongodb])()

    async def _delay_mongodb(self) -> None:
        self.mongodb.delay_seconds = random.uniform(0.02, 0.1)
        await asyncio.sleep(0.5)
        self.mongodb.go_on()

    async def _stop_mongodb(self) -> None:
        self.mongodb.stop()
        await asyncio.sleep(STORE_TIMEOUT_SECONDS * 1.2)
        self.mongodb.go_on()

    async def _cut_mongodb(self) -> None:
        self.mongodb.cut()
        await asyncio.sleep(0.2)
        await self.mongodb.open()

    async def _has_room(self) -> bool:
        return await self.owed() < OPEN_MAX

    async def owed(self) -> int:
        return int(await self._ask("select count(*) from jobs where state in ('queued', 'started')"))

    async def _untold(self) -> int:
        return int(await self._ask("select count(*) from outbox where done_at is null"))

    async def _ask(self, query: str) -> int:
        return int(await insisting(lambda: self.rows.fetchval(query)))

    async def end(self, seconds: float) -> Report:
        """Waits until everything is done and told, and counts."""
        await until(self._is_done, DRAIN_SECONDS)
        points = [await self.ports.records.ledger.balance(giver.id) for giver in self.givers]
        news = await self._ask("select count(*) from notifications where kind = 'support'")
        wanted = self.given // len(self.givers)
        off = [*(got - wanted for got in points), news - self.given]
        counts = Counter[State]()
        for (_, state), count in (await self.ports.jobs.counts()).items():
            counts[state] += count
        return Report(
            rounds=self.rounds,
            jobs=counts.total(),
            lost=sum(-one for one in off if one < 0) + counts["queued"] + counts["started"],
            doubled=sum(one for one in off if one > 0),
            dead=counts["dead"],
            again=await self._ask("select count(*) from jobs where attempts > 1"),
            seconds=seconds,
        )

    async def _is_done(self) -> bool:
        await self.ports.announcer.drain()
        return await self.owed() == await self._untold() == 0

    async def dead(self) -> list[str]:
        """Which and why, for whoever reads the failure."""
        rows = await self.ports.jobs.find(JobFilter(states=("dead",)), limit=10)
        return [f"{row.key} {row.error}\n{row.trace}" for row in rows]

    def stop(self) -> None:
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def chaos(folder: Path, postgres_url: str, mongodb_uri: str) -> AsyncIterator[Chaos]:
    """Producers speak to MongoDB directly, workers over a line that can be slow."""
    async with AsyncExitStack() as stack:
        (valkey,) = await stack.enter_async_context(own_valkeys(folder, 1, appendonly="no"))
        (line,) = await stack.enter_async_context(store_lines(mongodb_uri))
        stores_at = {"POSTGRES_URL": postgres_url, "MONGODB_URI": line.url, "REDIS_URL": valkey.url}
        stores = await stack.enter_async_context(open_stores(producer(stores_at, mongodb_uri)))
        rows = await stack.enter_async_context(asyncpg.create_pool(postgres_url, min_size=1, max_size=2))
        nursery = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.workers.nursery"),
            cwd=ROOT,
            env={**environment(mongodb_uri), **stores_at, **BOUNDS},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        stack.push_async_callback(nursery.wait)
        stack.callback(nursery.kill)
        running = Chaos(stores.ports, valkey, line, rows, nursery)
        stack.callback(running.stop)
        await running.begin()
        yield running


def environment(mongodb_uri: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    ours = {"SERVER_ENV": "test", "JWT_SECRET": SECRET, "ENCRYPTION_KEY": SECRET}
    return {**kept, **ours, "MONGODB_DATABASE": urlsplit(mongodb_uri).path.strip("/")}


def producer(stores_at: dict[str, str], mongodb_uri: str) -> Settings:
    """Help comes faster here than from people."""
    named = {**environment(mongodb_uri), **stores_at, "MONGODB_URI": mongodb_uri}
    fields = {name.lower(): value for name, value in named.items() if name.lower() in Settings.model_fields}
    return load_settings(
        None,
        **fields,
        posts_per_hour=1_000_000,
        quick_supports_per_minute=1_000_000,
        store_timeout_seconds=STORE_TIMEOUT_SECONDS,
    )


BROKEN = (DomainError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What somebody meets whose store breaks; a `DomainError` has to be a temporary one."""


async def insisting(ask: Callable[[], Awaitable[T]]) -> T:
    async with asyncio.timeout(DRAIN_SECONDS):
        while True:
            try:
                return await ask()
            except BROKEN as error:
                if isinstance(error, DomainError) and not error.temporary:
                    raise
            await asyncio.sleep(AGAIN_SECONDS)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  (the stores tell nobody)
            await asyncio.sleep(0.02)
