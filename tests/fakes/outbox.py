"""The outbox in memory."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from domain.clock import Clock
from domain.events import Event
from domain.ports import Backlog
from domain.trace import TRACEPARENT
from tests.fakes.tables import Tables, Told


class FakeOutbox:
    def __init__(self, tables: Tables, now: Clock) -> None:
        self._tables = tables
        self._now = now

    async def add(self, event: Event) -> None:
        traced = replace(event, traceparent=TRACEPARENT.get())
        self._tables.outbox.setdefault(event.id, Told(traced, self._now()))

    async def add_many(self, events: Sequence[Event]) -> None:
        for event in events:
            await self.add(event)

    async def mark_done(self, event_id: str, at: datetime) -> None:
        row = self._tables.outbox.get(event_id)
        if row is not None and row.done_at is None:
            self._tables.outbox[event_id] = row._replace(done_at=at)

    async def due(self, older_than: datetime, limit: int) -> list[Event]:
        due = [row.event for row in self._tables.outbox.values() if is_due(row, older_than)]
        return sorted(due, key=lambda event: (event.at, event.id))[:limit]

    async def mark_failed(self, event_id: str) -> None:
        row = self._tables.outbox[event_id]
        self._tables.outbox[event_id] = row._replace(failures=row.failures + 1)

    async def reopen_since(self, moment: datetime) -> int:
        again = [id for id, row in self._tables.outbox.items() if row.done_at and row.done_at >= moment]
        for id in again:
            self._tables.outbox[id] = self._tables.outbox[id]._replace(done_at=None)
        return len(again)

    async def prune(self, done_before: datetime, limit: int) -> int:
        done = [(row.done_at, id) for id, row in self._tables.outbox.items() if row.done_at]
        old = sorted((at, id) for at, id in done if at < done_before)[:limit]
        for _, id in old:
            del self._tables.outbox[id]
        return len(old)

    async def missing(self, event_ids: Sequence[str]) -> set[str]:
        return set(event_ids) - set(self._tables.outbox)

    async def backlog(self, now: datetime) -> Backlog:
        rows = self._tables.outbox.values()
        open_since = [row.event.at for row in rows if row.done_at is None and row.event.at <= now]
        oldest = (now - min(open_since)).total_seconds() if open_since else 0.0
        return Backlog(len(open_since), oldest)


def is_due(row: Told, older_than: datetime) -> bool:
    waits_until = row.recorded_at + timedelta(seconds=10) * min(row.failures, 60)
    return row.done_at is None and row.event.at <= older_than and waits_until <= older_than
