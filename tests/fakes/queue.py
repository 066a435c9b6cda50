"""The producer's side of the queue in memory."""

import secrets
from collections.abc import Sequence

from domain.jobs import LANES, Depth, Job, Lane, Sentinel


class FakeQueue:
    def __init__(self) -> None:
        self.waiting: dict[str, Job] = {}
        """What was pushed and not taken out, by id, in order."""
        self._paused: set[Lane] = set()
        self._sentinel = Sentinel("", secrets.token_hex(8))

    async def push(self, jobs: Sequence[Job]) -> int:
        new = [job for job in jobs if job.id not in self.waiting]
        self.waiting |= {job.id: job for job in new}
        return len(new)

    async def cancel(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self.waiting.pop(job.id, None)

    async def set_paused(self, lane: Lane, paused: bool) -> None:
        self._paused = self._paused | {lane} if paused else self._paused - {lane}

    async def depths(self) -> dict[Lane, Depth]:
        return {lane: self._depth(lane) for lane in LANES}

    def _depth(self, lane: Lane) -> Depth:
        mine = [job for job in self.waiting.values() if job.lane == lane]
        later = sum(job.run_at is not None for job in mine)
        return Depth(len(mine) - later, later, lane in self._paused)

    async def workers(self) -> list[dict[str, object]]:
        return []

    async def read_sentinel(self) -> Sentinel:
        return self._sentinel

    async def write_sentinel(self, value: str) -> None:
        self._sentinel = Sentinel(value, self._sentinel.run_id)
