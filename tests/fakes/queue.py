"""Both sides of the queue in memory."""

import asyncio
import itertools
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

from domain.clock import Clock
from domain.jobs import LANES, Claim, Depth, Job, Lane, Sentinel, Settled


@dataclass
class Held:
    job: Job
    due_at: datetime
    due_since: float
    confirm: bool
    since: int | None = None
    """As in Redis: the claim that holds it, 0 when none does any more, None when none did yet."""
    lost: int = 0
    retries: int = 0

    def is_held_by(self, claim: int) -> bool:
        return self.since in (None, claim)


class FakeQueue:
    def __init__(self, now: Clock) -> None:
        self._now = now
        self.held: dict[str, Held] = {}
        """What was pushed and is not over, by the id of its run, in order."""
        self._cancelled: set[str] = set()
        self._paused: set[Lane] = set()
        self._pushed = asyncio.Condition()
        self._beats: dict[str, tuple[datetime, Mapping[str, object]]] = {}
        self._sentinel = Sentinel("", secrets.token_hex(8))
        self._claims = itertools.count(1)

    async def push(self, jobs: Sequence[Job], *, confirm: bool = False) -> int:
        new = {job.id: self._hold(job, confirm) for job in jobs if job.id not in self.held}
        self.held |= new
        async with self._pushed:
            self._pushed.notify_all()
        return len(new)

    def _hold(self, job: Job, confirm: bool) -> Held:
        due_at = job.run_at or self._now()
        return Held(job, due_at, due_at.timestamp(), confirm)

    async def cancel(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            held = self.held.pop(job.id, None)
            if held is not None and held.since:
                self._cancelled.add(job.id)

    async def set_paused(self, lane: Lane, paused: bool) -> None:
        self._paused = self._paused | {lane} if paused else self._paused - {lane}

    async def depths(self) -> dict[Lane, Depth]:
        return {lane: self._depth(lane) for lane in LANES}

    def _depth(self, lane: Lane) -> Depth:
        mine = self._of(lane)
        due = len(self._due(lane))
        return Depth(due, len(mine) - due, lane in self._paused)

    def _of(self, lane: Lane) -> list[Held]:
        return [held for held in self.held.values() if held.job.lane == lane]

    def _due(self, lane: Lane) -> list[Held]:
        due = [held for held in self._of(lane) if held.due_at <= self._now()]
        return sorted(due, key=lambda held: held.due_at)

    async def workers(self) -> list[dict[str, object]]:
        return [dict(state) for until, state in self._beats.values() if until > self._now()]

    async def read_sentinel(self) -> Sentinel:
        return self._sentinel

    async def write_sentinel(self, value: str) -> None:
        self._sentinel = Sentinel(value, self._sentinel.run_id)

    async def claim(self, lane: Lane, limit: int, lease_seconds: float) -> tuple[list[Claim], float]:
        if lane in self._paused:
            return [], inf
        claims = [self._claim(held, lease_seconds) for held in self._due(lane)[:limit]]
        waits = [(held.due_at - self._now()).total_seconds() for held in self._of(lane)]
        return claims, max(min(waits, default=inf), 0.0)

    def _claim(self, held: Held, lease_seconds: float) -> Claim:
        due_at, held.due_at = held.due_at, self._now() + timedelta(seconds=lease_seconds)
        before, held.lost = held.since, held.lost + bool(held.since)
        held.since = next(self._claims)
        return Claim(
            id=held.job.id,
            job=held.job,
            attempt=held.job.attempts + held.retries + 1,
            held=held.since,
            due_at=due_at.timestamp(),
            due_since=held.due_since,
            lost=held.lost,
            confirm=held.confirm or before is not None,
        )

    async def wait(self, lane: Lane, seconds: float) -> None:
        async with self._pushed:
            try:
                await asyncio.wait_for(self._pushed.wait(), seconds)
            except TimeoutError:
                return

    async def renew(self, lane: Lane, held: Mapping[str, int], lease_seconds: float) -> list[str]:
        until = self._now() + timedelta(seconds=lease_seconds)
        for id, claim in held.items():
            here = self.held.get(id)
            if here is not None and here.is_held_by(claim):
                here.due_at = max(here.due_at, until)
        return [id for id in held if id in self._cancelled]

    async def settle(self, settled: Sequence[Settled]) -> None:
        for end in settled:
            self._settle(end)

    def _settle(self, end: Settled) -> None:
        held = self.held.get(end.id)
        if end.delay_seconds is None or held is None:
            self.held.pop(end.id, None)
            self._cancelled.discard(end.id)
        elif held.is_held_by(end.held):
            held.due_at = self._now() + timedelta(seconds=end.delay_seconds)
            held.since = 0
            held.retries += not end.refund

    async def beat(self, worker: str, state: Mapping[str, object], seconds: float) -> None:
        self._beats[worker] = (self._now() + timedelta(seconds=seconds), state)

    async def leave(self, worker: str) -> None:
        self._beats.pop(worker, None)
