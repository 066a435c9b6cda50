"""What Redis lost comes back from PostgreSQL.

One process at a time calls `tick` about once a second (the leader of the outbox relay). A round costs one
read of the sentinel and one query for rows that were committed but perhaps never pushed. Two of these at
once do no harm: pushing is idempotent.
"""

import secrets
from datetime import UTC, datetime, timedelta
from time import monotonic

import msgspec
import structlog

from domain.jobs import LANES, Job, JobQueue, JobSettings, JobStore, Lane, Sentinel, Unfinished
from workers.metrics import REPUSHED

log = structlog.get_logger(__name__)


class Recovery:
    def __init__(self, store: JobStore, queue: JobQueue, settings: JobSettings | None = None) -> None:
        self.store = store
        self.queue = queue
        self.settings = settings or JobSettings()
        self._expected: Sentinel | None = None
        self._recheck_at = 0.0
        self._young_after = dict.fromkeys(LANES, 0)
        self._old_after = dict.fromkeys(LANES, 0)

    async def tick(self) -> int:
        """Push what Redis lost or never got; returns how many jobs were missing there."""
        if await self._lost():
            return await self.push_everything()
        return await self._push_young() + await self._recheck()

    async def push_everything(self) -> int:
        """Every owed job and every pause, then a new sentinel: a crash in between starts over, and so does
        another restart, because what is expected is the run that all of it was given to.
        """
        run_id = (await self.queue.read_sentinel()).run_id
        await self._put_pauses_right()
        pushed = 0
        for lane in LANES:
            pushed += await self._push_lane(lane)
        await self._set_sentinel(Sentinel(secrets.token_hex(8), run_id))
        log.warning("queue.restored", pushed=pushed)
        return pushed

    async def _push_lane(self, lane: Lane) -> int:
        pushed = after = 0
        while rows := await self.store.unfinished(lane, after=after, limit=self.settings.recheck_rows):
            pushed += await self._push(rows, why="lost")
            after = rows[-1].row
        return pushed

    async def _lost(self) -> bool:
        """Another value: emptied. Another run id: restarted or failed over, the last second may be gone."""
        if self._expected is None:
            self._expected = await self.store.sentinel()
        return await self.queue.read_sentinel() != self._expected

    async def _set_sentinel(self, sentinel: Sentinel) -> None:
        await self.queue.write_sentinel(sentinel.value)
        await self.store.set_sentinel(sentinel)
        self._expected = sentinel

    async def _put_pauses_right(self) -> None:
        """An operator's command may have reached one store only."""
        paused = await self.store.paused()
        for lane, depth in (await self.queue.depths()).items():
            if depth.paused != (lane in paused):
                await self.queue.set_paused(lane, lane in paused)

    async def _push_young(self) -> int:
        """Rows old enough to have been pushed by whoever committed them, each looked at once."""
        pushed = 0
        for lane in LANES:
            rows = await self._owed(lane, self._young_after[lane], self.settings.recheck_after_seconds)
            if rows:
                self._young_after[lane] = rows[-1].row
            pushed += await self._push(rows, why="unpushed")
        return pushed

    async def _recheck(self) -> int:
        """All owed rows in slow turns, in case anything slipped through (late commits, evictions)."""
        if monotonic() < self._recheck_at:
            return 0
        await self._put_pauses_right()
        pushed = 0
        for lane in LANES:
            rows = await self._owed(lane, self._old_after[lane], self.settings.recheck_seconds)
            self._old_after[lane] = rows[-1].row if rows else 0
            pushed += await self._push(rows, why="recheck")
        if not any(self._old_after.values()):
            self._recheck_at = monotonic() + self.settings.recheck_seconds
        return pushed

    async def _owed(self, lane: Lane, after: int, older_than_seconds: float) -> list[Unfinished]:
        limit = self.settings.recheck_rows
        return await self.store.unfinished(
            lane, after=after, limit=limit, older_than_seconds=older_than_seconds
        )

    async def _push(self, rows: list[Unfinished], *, why: str) -> int:
        if not rows:
            return 0
        missing = await self.queue.push([self._job(row) for row in rows], confirm=True)
        REPUSHED.labels(why).inc(missing)
        return missing

    def _job(self, row: Unfinished) -> Job:
        """A started job may be running right now: it is due one lease later, which its worker renews."""
        if not row.started:
            return row.job
        due = datetime.now(UTC) + timedelta(seconds=self.settings.lease_seconds)
        return msgspec.structs.replace(row.job, run_at=due, attempts=max(row.job.attempts - 1, 0))
