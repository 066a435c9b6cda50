"""Erasures and their receipts in PostgreSQL."""

from datetime import datetime

from db.postgres.statements import Db, changed
from domain.erasure import Erasure

COLUMNS = "receipt_id, account_id, stand_in, requested_at, completed_at, erased"


class ErasureRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, erasure: Erasure) -> bool:
        status = await self.db.execute(
            """
            insert into erasures (receipt_id, account_id, stand_in, requested_at) values ($1, $2, $3, $4)
            on conflict (account_id) where account_id is not null do nothing
            """,
            erasure.receipt_id,
            erasure.account_id,
            erasure.stand_in,
            erasure.requested_at,
        )
        return changed(status)

    async def get(self, receipt_id: str) -> Erasure | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from erasures where receipt_id = $1", receipt_id)
        return Erasure(**row) if row else None

    async def of_account(self, account_id: str) -> Erasure | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from erasures where account_id = $1", account_id)
        return Erasure(**row) if row else None

    async def add_count(self, receipt_id: str, what: str, count: int) -> None:
        await self.db.execute(
            """
            update erasures set erased = erased
                || jsonb_build_object($2::text, coalesce((erased ->> $2::text)::bigint, 0) + $3::bigint)
            where receipt_id = $1
            """,
            receipt_id,
            what,
            count,
        )

    async def complete(self, receipt_id: str, at: datetime) -> bool:
        status = await self.db.execute(
            """
            update erasures set completed_at = $2, account_id = null, stand_in = null
            where receipt_id = $1 and completed_at is null
            """,
            receipt_id,
            at,
        )
        return changed(status)

    async def unfinished(self, limit: int) -> list[Erasure]:
        rows = await self.db.fetch(
            f"select {COLUMNS} from erasures where completed_at is null order by requested_at limit $1", limit
        )
        return [Erasure(**row) for row in rows]

    async def prune(self, completed_before: datetime, limit: int) -> int:
        status = await self.db.execute(
            """
            delete from erasures where receipt_id in
                (select receipt_id from erasures where completed_at < $1 limit $2)
            """,
            completed_before,
            limit,
        )
        return int(status.rpartition(" ")[2])
