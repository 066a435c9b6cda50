"""The audit log in PostgreSQL: appended by one transaction at a time, so that the chain has no forks."""

from datetime import datetime

from asyncpg import Record

from db.postgres.statements import Db
from domain.audit import ROOT, Act, AuditLine, LineFilter, sealed

COLUMNS = "seq, at, actor_id, action, target, target_id, details, previous, hash"


class AuditRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def append(self, act: Act, at: datetime) -> AuditLine:
        await self.db.execute("select pg_advisory_xact_lock(hashtextextended('audit', 0))")
        last = await self.db.fetchrow("select seq, hash from audit order by seq desc limit 1")
        line = sealed(act, seq=last["seq"] + 1 if last else 1, at=at, previous=last["hash"] if last else ROOT)
        await self.db.execute(
            f"insert into audit ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            line.seq,
            line.at,
            line.actor_id,
            line.action,
            line.target,
            line.target_id,
            line.details,
            line.previous,
            line.hash,
        )
        return line

    async def page(self, wanted: LineFilter, before: int | None, limit: int) -> list[AuditLine]:
        rows = await self.db.fetch(
            f"""
            select {COLUMNS} from audit
            where ($1 = '' or action = $1) and starts_with(action, $2) and ($3 = '' or actor_id = $3)
                and ($4 = '' or target_id = $4) and ($5::bigint is null or seq < $5)
            order by seq desc limit $6
            """,
            wanted.action,
            wanted.prefix,
            wanted.actor_id,
            wanted.target_id,
            before,
            limit,
        )
        return [line_of(row) for row in rows]

    async def after(self, seq: int, limit: int) -> list[AuditLine]:
        rows = await self.db.fetch(
            f"select {COLUMNS} from audit where seq > $1 order by seq limit $2", seq, limit
        )
        return [line_of(row) for row in rows]


def line_of(row: Record) -> AuditLine:
    return AuditLine(**row)
