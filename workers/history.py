"""What happened, on its way to the two stores: batched, in one order, repeated until it is written.

An end goes to PostgreSQL first and to Redis second. Whatever breaks in between leaves a job that runs once
more (it is idempotent) and never one that is forgotten. Until both know, the worker keeps the lease.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import msgspec

from domain.jobs import (
    Claim,
    Job,
    JobFeed,
    JobFilter,
    JobQueue,
    JobSettings,
    JobStore,
    Lane,
    Outcome,
    Settled,
    Start,
)
from workers.loop import backoff_seconds
from workers.metrics import UNSETTLED

CLOSE_TRIES = 5

T = TypeVar("T")


class Queue(JobQueue, JobFeed, Protocol):
    """Both sides of Redis."""


class End(msgspec.Struct, frozen=True):
    claim: Claim
    outcome: Outcome
    settled: Settled


class History:
    """The beginnings and ends of attempts that are not written yet."""

    def __init__(self, store: JobStore, queue: Queue, settings: JobSettings) -> None:
        self.store = store
        self.queue = queue
        self.settings = settings
        self._starts: dict[str, Start] = {}
        self._ends: dict[str, End] = {}
        self._again: list[Job] = []
        self._pending = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def started(self, id_: str, start: Start) -> None:
        self._starts[id_] = start
        self._pending.set()

    async def confirm_started(self, start: Start) -> bool:
        """Write a beginning before anything is read; false when the job is no longer owed.

        Not in a batch: it waits for transactions that are adding this key right now, others must not.
        """
        return start.job.key in await insist(lambda: self.store.started([start]))

    async def has_begun(self, job: Job) -> bool:
        """Whether somebody is on record as running it. Not where only answers to claims got lost."""
        rows = await insist(lambda: self.store.find(JobFilter(keys=(job.key,)), limit=1))
        return any((row.run, row.state) == (job.run, "started") for row in rows)

    def ended(self, claim: Claim, outcome: Outcome, settled: Settled) -> None:
        self._starts.pop(claim.id, None)
        self._ends[claim.id] = End(claim, outcome, settled)
        UNSETTLED.set(len(self._ends))
        if len(self._ends) >= self.settings.unsettled_max:
            self._room.clear()
        self._pending.set()

    def unsettled(self, lane: Lane) -> dict[str, int]:
        """What ended and Redis still leases to us: ids, and the claims they were held by."""
        return {id_: end.settled.held for id_, end in self._ends.items() if end.settled.lane == lane}

    def takes_back(self, claim: Claim) -> bool:
        """Whether this is once more what ended here, because its lease lapsed before Redis was told: the end
        is told in the name of this claim then.

        Once told, Redis may hand out the next attempt before its answer to us is read: that one has to run.
        """
        end = self._ends.get(claim.id)
        if end is None or claim.lost <= end.claim.lost:
            return False
        settled = msgspec.structs.replace(end.settled, held=claim.held)
        self._ends[claim.id] = End(claim, end.outcome, settled)
        return True

    async def room(self) -> None:
        """Wait while too many ends are unwritten: the stores have to catch up first."""
        await self._room.wait()

    async def write_next(self) -> None:
        """One round: wait for something, write it, let more gather."""
        await self._pending.wait()
        self._pending.clear()
        try:
            await self.flush()
        except Exception:
            self._pending.set()
            raise
        await asyncio.sleep(self.settings.flush_seconds)

    async def flush(self) -> None:
        await self._write_starts()
        while self._ends:
            await self._write_ends(list(self._ends.items())[: self.settings.flush_rows])
        await self._push_again()

    async def close(self) -> None:
        """Write what is left at a stop; what cannot be written runs again elsewhere after its lease."""
        for attempt in range(CLOSE_TRIES):
            try:
                await self.flush()
            except Exception:
                if attempt == CLOSE_TRIES - 1:
                    raise
                await asyncio.sleep(0.1 * 2**attempt)
            else:
                return

    async def _write_starts(self) -> None:
        batch = dict(self._starts)
        if not batch:
            return
        await self.store.started(list(batch.values()))
        for id_, start in batch.items():
            if self._starts.get(id_) is start:
                del self._starts[id_]

    async def _write_ends(self, batch: Sequence[tuple[str, End]]) -> None:
        self._again += await self.store.settle([end.outcome for _, end in batch])
        await self.queue.settle([end.settled for _, end in batch])
        for id_, end in batch:
            if self._ends.get(id_) is end:
                del self._ends[id_]
        UNSETTLED.set(len(self._ends))
        self._room.set()

    async def _push_again(self) -> None:
        if self._again:
            await self.queue.push(self._again)
            self._again.clear()


async def insist(ask: Callable[[], Awaitable[T]]) -> T:
    """Until PostgreSQL answers: without it the job could do nothing either."""
    failures = 0
    while True:
        try:
            return await ask()
        except Exception:  # noqa: BLE001  (whatever it is, the answer is needed)
            failures += 1
            await asyncio.sleep(backoff_seconds(failures))
