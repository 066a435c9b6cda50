"""The relay: tells every committed event that nobody told.

One leader among all workers, by advisory lock. Telling is idempotent, so a second leader for a moment does no
harm. It also sweeps content that never reached the outbox, and lets the recovery of the queue take its turn.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter

from domain import sweeping
from domain.errors import Unavailable
from domain.events import Event
from domain.ports import Ports
from workers.loop import keep_alive
from workers.metrics import LOOP_FAILURES
from workers.tracing import tell_traced

log = structlog.get_logger(__name__)

RELAYED = Counter("outbox_relayed_total", "Events told by the relay instead of their own process", ["name"])
BATCH = 200
RETOLD = timedelta(seconds=10)
"""A restarted Redis may have lost its newest second, a replica that took over a little more.

Told again is what was told since this long before the old one was last seen, however long it was away.
"""
RETOLD_AT_START = timedelta(seconds=60)
"""The same for a relay that saw nothing yet."""
SWEEP_SECONDS = 10.0
BEHIND_AFTER = timedelta(minutes=2)
KEPT = timedelta(days=1)
PRUNE_BATCH = 1_000
STANDBY_SECONDS = 1.0


class Relay:
    def __init__(self, ports: Ports, *, recover: Callable[[], Awaitable[object]]) -> None:
        """`recover` gives the job queue its turn, about twice a second."""
        self._ports = ports
        self._recover = recover
        self._server_run = ""
        self._seen_at: datetime | None = None
        self._sweep_at = float("-inf")
        self._swept_until: datetime | None = None

    async def run(self) -> None:
        """Leads, or stands by, until cancelled."""
        await keep_alive("relay", self._lead_or_wait)

    async def _lead_or_wait(self) -> None:
        async with self._ports.leadership.lead("relay") as leads:
            if not await leads():
                await asyncio.sleep(STANDBY_SECONDS)
                return
            log.info("relay.leading")
            while await leads():
                await self.turn()
                await asyncio.sleep(self._ports.settings.relay_poll_seconds)

    async def turn(self) -> int:
        """One round; returns how many events it told."""
        await self._recover_jobs()
        await self._retell_after_restart()
        told = await self._tell_due()
        await self._sweep()
        return told

    async def _recover_jobs(self) -> None:
        """Events are told also while the Redis of the jobs is away: rooms may have others."""
        try:
            await self._recover()
        except Exception as error:  # noqa: BLE001  (whatever it is, people have to be told)
            LOOP_FAILURES.labels("recovery").inc()
            log.warning("loop.failed", loop="recovery", error=type(error).__name__)

    async def _retell_after_restart(self) -> None:
        now = self._ports.now()
        run = await self._ports.rooms.server_run()
        if run != self._server_run:
            since = self._seen_at - RETOLD if self._seen_at else now - RETOLD_AT_START
            reopened = await self._ports.records.outbox.reopen_since(since)
            log.info("relay.reopened", events=reopened)
        self._server_run, self._seen_at = run, now

    async def _tell_due(self) -> int:
        older_than = self._ports.now() - timedelta(seconds=self._ports.settings.relay_after_seconds)
        due = await self._ports.records.outbox.due(older_than, BATCH)
        told = [await self._told(event) for event in due]
        return sum(told)

    async def _told(self, event: Event) -> bool:
        """An event that cannot be told lets those behind it pass; a lost store ends the round."""
        try:
            await tell_traced(event, self._ports)
        except Unavailable:
            raise
        except Exception:
            log.exception("relay.untellable", event_name=event.name, event_id=event.id)
            await self._ports.records.outbox.mark_failed(event.id)
            return False
        RELAYED.labels(event.name).inc()
        return True

    async def _sweep(self) -> None:
        """Once in a while; without a break while it is behind."""
        if asyncio.get_running_loop().time() < self._sweep_at:
            return
        now = self._ports.now()
        swept = await sweeping.sweep_unrecorded(self._swept_until or now - sweeping.LOOK_BACK, self._ports)
        if swept.told:
            log.warning("relay.swept", content=swept.told)
        self._swept_until = swept.until
        if now - swept.until < BEHIND_AFTER:
            self._sweep_at = asyncio.get_running_loop().time() + SWEEP_SECONDS
        await self._ports.records.outbox.prune(now - KEPT, PRUNE_BATCH)
