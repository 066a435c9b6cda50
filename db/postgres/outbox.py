"""The outbox in PostgreSQL: what still has to be told."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from db.postgres.statements import Db
from domain.events import Event
from domain.ports import Backlog
from domain.trace import TRACEPARENT


class OutboxRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, event: Event) -> None:
        await self.db.execute(
            """
            insert into outbox (id, name, at, refs, actor, traceparent) values ($1, $2, $3, $4, $5, $6)
            on conflict (id) do nothing
            """,
            event.id,
            event.name,
            event.at,
            event.refs,
            event.actor,
            TRACEPARENT.get(),
        )

    async def add_many(self, events: Sequence[Event]) -> None:
        await self.db.execute(
            """
            insert into outbox (id, name, at, refs, actor, traceparent)
            select id, name, at, refs::jsonb, actor, $6::text
            from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[])
              as new (id, name, at, refs, actor)
            on conflict (id) do nothing
            """,
            [event.id for event in events],
            [event.name for event in events],
            [event.at for event in events],
            [msgspec.json.encode(event.refs).decode() for event in events],
            [event.actor for event in events],
            TRACEPARENT.get(),
        )

    async def mark_done(self, event_id: str, at: datetime) -> None:
        await self.db.execute(
            "update outbox set done_at = $2 where id = $1 and done_at is null", event_id, at
        )

    async def due(self, older_than: datetime, limit: int) -> list[Event]:
        rows = await self.db.fetch(
            """
            select id, name, at, refs, actor, traceparent from outbox
            where done_at is null and at <= $1
                and recorded_at + least(failures, 60) * interval '10 seconds' <= $1
            order by at, id limit $2
            """,
            older_than,
            limit,
        )
        return [Event(**row) for row in rows]

    async def mark_failed(self, event_id: str) -> None:
        await self.db.execute("update outbox set failures = failures + 1 where id = $1", event_id)

    async def reopen_since(self, moment: datetime) -> int:
        status = await self.db.execute("update outbox set done_at = null where done_at >= $1", moment)
        return int(status.rpartition(" ")[2])

    async def prune(self, done_before: datetime, limit: int) -> int:
        status = await self.db.execute(
            """
            delete from outbox where id in
                (select id from outbox where done_at < $1 order by done_at limit $2)
            """,
            done_before,
            limit,
        )
        return int(status.rpartition(" ")[2])

    async def missing(self, event_ids: Sequence[str]) -> set[str]:
        rows = await self.db.fetch("select id from outbox where id = any($1::uuid[])", list(event_ids))
        return set(event_ids) - {row["id"] for row in rows}

    async def backlog(self, now: datetime) -> Backlog:
        row = await self.db.fetchrow(
            """
            select count(*) as rows, coalesce(extract(epoch from $1 - min(at)), 0)::float8 as oldest_seconds
            from outbox where done_at is null and at <= $1
            """,
            now,
        )
        return Backlog(row["rows"], row["oldest_seconds"]) if row else Backlog(0, 0.0)
