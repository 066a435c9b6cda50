"""The pulse of a worker: keeps its leases, tells that it lives and what it is doing, hears cancellations."""

import os
import resource
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from domain.clock import rfc3339
from domain.jobs import JobSettings, JobStore
from workers.history import History, Queue
from workers.lane import LaneWorker
from workers.metrics import show_depths
from workers.run import Run

MISSED_PULSES = 3
"""A heartbeat outlives this many pulses that did not come."""


class Heartbeat:
    def __init__(
        self,
        worker_id: str,
        lanes: Sequence[LaneWorker],
        *,
        store: JobStore,
        queue: Queue,
        history: History,
        settings: JobSettings,
    ) -> None:
        self.worker_id = worker_id
        self.lanes = lanes
        self.store = store
        self.queue = queue
        self.history = history
        self.settings = settings
        self.started_at = rfc3339(datetime.now(UTC))

    async def beat(self) -> None:
        await self.renew_leases()
        await self.queue.beat(self.worker_id, self.state(), self.settings.pulse_seconds * MISSED_PULSES)
        show_depths(await self.queue.depths())

    async def renew_leases(self) -> None:
        for lane in self.lanes:
            for cancelled in await self._renew(lane):
                lane.cancel(cancelled)

    async def _renew(self, lane: LaneWorker) -> list[str]:
        held = self.history.unsettled(lane.lane) | {
            run.claim.id: run.claim.held for run in lane.runs.values()
        }
        return await self.queue.renew(lane.lane, held, self.settings.lease_seconds) if held else []

    async def tell_progress(self) -> None:
        """Apart from the beat: leases must be renewed while PostgreSQL is away."""
        running = [run for lane in self.lanes for run in lane.runs.values() if run.progress.changed]
        if not running:
            return
        for run in running:
            run.progress.changed = False
        await self.store.progressed(
            {run.claim.job.key: (run.progress.done, run.progress.total) for run in running}
        )

    def state(self) -> dict[str, object]:
        """What the operators' dashboard shows of this worker."""
        return {
            "id": self.worker_id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": product_version(),
            "started_at": self.started_at,
            "seen_at": rfc3339(datetime.now(UTC)),
            "rss_bytes": rss_bytes(),
            "lanes": {lane.lane: {"running": len(lane.runs), "slots": lane.max_jobs} for lane in self.lanes},
            "unsettled": sum(len(self.history.unsettled(lane.lane)) for lane in self.lanes),
            "busy": [busy(run) for lane in self.lanes for run in lane.runs.values()],
        }


def busy(run: Run) -> dict[str, object]:
    return {
        "id": run.claim.id,
        "name": run.claim.job.name,
        "lane": run.claim.job.lane,
        "attempt": run.claim.attempt,
        "started_at": rfc3339(run.started_at),
        "done": run.progress.done,
        "total": run.progress.total,
    }


def product_version() -> str:
    try:
        return version("anonymous-support")
    except PackageNotFoundError:
        return "development"


def rss_bytes() -> int:
    """Resident memory; where /proc is missing, the highest it has been."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()
