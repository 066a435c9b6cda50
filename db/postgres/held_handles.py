"""Handles that are held back, in PostgreSQL."""

from datetime import datetime

from db.postgres.statements import Db
from domain.held_handles import HeldHandle


class HeldHandleRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def hold(self, held: HeldHandle) -> None:
        await self.db.execute(
            """
            insert into held_handles (handle_hash, account_id, until) values ($1, $2, $3)
            on conflict (handle_hash) do update set account_id = excluded.account_id, until = excluded.until
            """,
            held.handle_hash,
            held.account_id,
            held.until,
        )

    async def get(self, handle_hash: bytes) -> HeldHandle | None:
        row = await self.db.fetchrow(
            "select handle_hash, account_id, until from held_handles where handle_hash = $1", handle_hash
        )
        return HeldHandle(**row) if row else None

    async def release(self, handle_hash: bytes) -> None:
        await self.db.execute("delete from held_handles where handle_hash = $1", handle_hash)

    async def disown(self, account_id: str) -> None:
        await self.db.execute("update held_handles set account_id = null where account_id = $1", account_id)

    async def prune(self, until_before: datetime, limit: int) -> int:
        status = await self.db.execute(
            """
            delete from held_handles where handle_hash in
                (select handle_hash from held_handles where until < $1 limit $2)
            """,
            until_before,
            limit,
        )
        return int(status.rpartition(" ")[2])
