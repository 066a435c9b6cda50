"""A lane: arq's worker on one queue, with its two hot paths (taking jobs, running one) replaced.

arq's loop, registry, serializer and key layout stay; what is replaced costs arq 0.28 four round trips per
start and loses what the stores do not confirm (docs/decisions/0004-arq-underneath.md).
"""

import asyncio
from collections.abc import Mapping
from typing import cast

import msgspec
from arq.connections import ArqRedis
from arq.typing import WorkerCoroutine
from arq.worker import Worker, func

from domain.jobs import Claim, JobSettings, Lane
from telemetry.tracing import is_on
from workers.history import History, Queue
from workers.job import UNKNOWN, Cancel, Dead, Kind, Verdict
from workers.metrics import RUNNING
from workers.run import (
    Run,
    after_break,
    kind_of,
    log,
    outcome_of,
    perform,
    report_end,
    report_start,
    settled_of,
    verdict_of_cancel,
)
from workers.tracing import traced


class LaneWorker(Worker):
    """Runs the jobs of one lane, at most its concurrency at a time."""

    def __init__(
        self,
        lane: Lane,
        *,
        ports: object,
        queue: Queue,
        history: History,
        redis: ArqRedis,
        kinds: Mapping[str, Kind],
        settings: JobSettings,
        worker_id: str,
    ) -> None:
        super().__init__(
            [
                func(cast(WorkerCoroutine, kind.function), name=kind.name)
                for kind in (UNKNOWN, *kinds.values())
            ],
            queue_name=f"arq:lane:{lane}",
            redis_pool=redis,
            max_jobs=settings.slots(lane),
            poll_delay=0,
            keep_result=0,
            handle_signals=False,
        )
        self.lane = lane
        self.ports = ports
        self.queue = queue
        self.history = history
        self.kinds = kinds
        self.settings = settings
        self.worker_id = worker_id
        self.runs: dict[str, Run] = {}
        self._claiming = asyncio.Lock()
        self._slot = asyncio.Event()
        self._slot.set()

    async def _poll_iteration(self) -> None:
        """What arq's loop calls: take as many due jobs as there are free slots, or wait to be woken."""
        await self._slot.wait()
        await self.history.room()
        async with self._claiming:
            wait = await self._take()
        if wait > 0:
            await self.queue.wait(self.lane, min(wait, self.settings.idle_wait_seconds))

    async def _take(self) -> float:
        """Seconds for which nothing will be due; 0 to look again at once."""
        free = self.max_jobs - len(self.runs)
        if free <= 0:
            return self.settings.idle_wait_seconds
        claims, wait = await self.queue.claim(self.lane, free, self.settings.lease_seconds)
        for claim in claims:
            self._start(claim)
        return 0.0 if claims else wait

    def _start(self, claim: Claim) -> None:
        if known := self.runs.get(claim.id):
            known.claim = msgspec.structs.replace(known.claim, held=claim.held)
            return  # our own lease lapsed (a stalled loop, a lost Redis): it is in hand, and ours again
        if self.history.takes_back(claim):
            return
        run = Run(claim, kind_of(claim.job.name, self.kinds), self.worker_id)
        self.runs[claim.id] = run
        RUNNING.labels(self.lane).set(len(self.runs))
        if len(self.runs) >= self.max_jobs:
            self._slot.clear()
        run.task = self.tasks[claim.id] = self.loop.create_task(self._attempt(run))

    async def _attempt(self, run: Run) -> None:
        try:
            verdict = after_break(run, await self._verdict(run))
        except asyncio.CancelledError as error:
            verdict = verdict_of_cancel(run, error)
        finally:
            self._free(run)
        self.history.ended(run.claim, outcome_of(run, verdict), settled_of(run, verdict))
        report_end(run, verdict)

    def _free(self, run: Run) -> None:
        del self.runs[run.claim.id], self.tasks[run.claim.id]
        RUNNING.labels(self.lane).set(len(self.runs))
        self._slot.set()

    async def _verdict(self, run: Run) -> Verdict:
        claim = run.claim
        report_start(run)
        if claim.lost >= self.settings.lost_max and await self.history.has_begun(claim.job):
            return Dead("WorkerLost")
        if claim.job.repeats or claim.confirm:
            if not await self.history.confirm_started(run.start()):
                log.info("job.no_longer_owed", job_id=claim.id)
                return Cancel("no_longer_owed")
        else:
            self.history.started(claim.id, run.start())
        return await (traced(run, self.ports) if is_on() else perform(run, self.ports))

    def cancel(self, id_: str) -> None:
        """Interrupt a running job in an operator's name."""
        if run := self.runs.get(id_):
            run.break_off("operator")

    async def stop_taking(self) -> None:
        """Take nothing more; a claim that is under way is started, not lost."""
        async with self._claiming:
            self._slot.clear()
            self.max_jobs = 0
