"""What the overview shows. A store that is away leaves its part unknown and the others as they are."""

import asyncio
import time
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from api.health import Probe
from api.ops.process import Process, this_server
from api.ops.workers import Worker, slots_of, workers_of
from domain import ladder
from domain.clock import rfc3339
from domain.errors import DomainError
from domain.jobs import LANES, Depth, Lane, Slot, State
from domain.ports import Backlog, Ports
from domain.wire import View
from telemetry.exposition import Exposition

T = TypeVar("T")
KEEP_SECONDS = 1.0
KEEP_COUNTS_SECONDS = 10.0
"""Counting reads the whole history, so it is done less often than the rest."""

Counts = Mapping[tuple[Lane, State], int]


class StoreState(View, frozen=True):
    name: str
    ok: bool
    milliseconds: float


class LaneState(View, frozen=True):
    """`due`, `later` (None while Redis is away) as in `Depth`; `running` of `slots` in all live workers;
    `dead`: dead letters that are kept."""

    lane: Lane
    paused: bool
    due: int | None
    later: int | None
    running: int | None
    slots: int | None
    dead: int | None


class BacklogState(View, frozen=True):
    rows: int
    oldest_seconds: float


class SosWaiting(View, frozen=True):
    """SOS that nobody has answered yet, and how long the oldest has waited."""

    open: int
    oldest_seconds: float


class Overview(View, frozen=True):
    """None stands for what cannot be known while a store is away."""

    at: str
    stores: list[StoreState]
    process: Process
    lanes: list[LaneState]
    outbox: BacklogState | None
    sos: SosWaiting | None
    workers: list[Worker] | None
    schedule: list[Slot] | None


class Watch:
    """Asks at most once in `KEEP_SECONDS`, however many operators look."""

    def __init__(self, ports: Ports, probe: Probe, exposition: Exposition) -> None:
        self._ports = ports
        self._probe = probe
        self._exposition = exposition
        self._asking = asyncio.Lock()
        self._overview: Overview | None = None
        self._counts: Counts | None = None
        self._fresh_until = 0.0
        self._counts_fresh_until = 0.0

    async def overview(self) -> Overview:
        async with self._asking:
            if self._overview is None or time.monotonic() >= self._fresh_until:
                self._overview = await self._ask()
                self._fresh_until = time.monotonic() + KEEP_SECONDS
            return self._overview

    def forget(self) -> None:
        """An operator changed something and wants to see it."""
        self._fresh_until = self._counts_fresh_until = 0.0

    async def _ask(self) -> Overview:
        ports = self._ports
        found, process, (lanes, workers), schedule, backlog, waiting = await asyncio.gather(
            self._probe.ask(),
            this_server(self._exposition),
            self._work(),
            known(ports.jobs.slots()),
            known(ports.records.outbox.backlog(ports.now())),
            known(ladder.unanswered(ports)),
        )
        return Overview(
            at=rfc3339(ports.now()),
            stores=[StoreState(name=s.name, ok=s.ok, milliseconds=s.milliseconds) for s in found],
            process=process,
            lanes=lanes,
            outbox=backlog_state(backlog),
            sos=waiting and SosWaiting(open=waiting.open, oldest_seconds=round(waiting.oldest_seconds, 1)),
            workers=workers,
            schedule=schedule,
        )

    async def _work(self) -> tuple[list[LaneState], list[Worker] | None]:
        depths, paused, heartbeats, counts = await asyncio.gather(
            known(self._ports.queue.depths()),
            known(self._ports.jobs.paused()),
            known(self._ports.queue.workers()),
            known(self._count()),
        )
        workers = None if heartbeats is None else workers_of(heartbeats)
        return [lane_state(lane, depths, paused, workers, counts) for lane in LANES], workers

    async def _count(self) -> Counts:
        if self._counts is None or time.monotonic() >= self._counts_fresh_until:
            self._counts = await self._ports.jobs.counts()
            self._counts_fresh_until = time.monotonic() + KEEP_COUNTS_SECONDS
        return self._counts


async def known(asked: Awaitable[T]) -> T | None:
    """The answer, or None while the store that has it is away."""
    try:
        return await asked
    except DomainError as error:
        if not error.temporary:
            raise
        return None


def lane_state(
    lane: Lane,
    depths: Mapping[Lane, Depth] | None,
    paused: set[Lane] | None,
    workers: list[Worker] | None,
    counts: Counts | None,
) -> LaneState:
    depth = depths[lane] if depths else None
    slots = slots_of(lane, workers) if workers is not None else None
    return LaneState(
        lane=lane,
        paused=lane in (paused or ()) or bool(depth and depth.paused),
        due=depth.due if depth else None,
        later=depth.later if depth else None,
        running=slots.running if slots else None,
        slots=slots.slots if slots else None,
        dead=counts.get((lane, "dead"), 0) if counts is not None else None,
    )


def backlog_state(backlog: Backlog | None) -> BacklogState | None:
    return backlog and BacklogState(rows=backlog.rows, oldest_seconds=round(backlog.oldest_seconds, 1))
