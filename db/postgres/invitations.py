"""Invitations into circles in PostgreSQL: to one person, or by a code."""

from collections.abc import Sequence
from datetime import datetime

from db.postgres.statements import Db, changed
from domain.invitations import Invitation
from domain.pages import Place

COLUMNS = "id, circle_id, inviter_id, account_id, code_hash, uses_max, uses, created_at, expires_at"
OPEN = "uses < uses_max and expires_at > $2"


class InvitationRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def put(self, invitation: Invitation) -> None:
        await self.db.execute(
            f"""
            insert into circle_invitations ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            on conflict (circle_id, account_id) do update set id = excluded.id,
                inviter_id = excluded.inviter_id, uses = excluded.uses, created_at = excluded.created_at,
                expires_at = excluded.expires_at
            """,
            *(getattr(invitation, name) for name in Invitation.__struct_fields__),
        )

    async def get(self, id: str) -> Invitation | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from circle_invitations where id = $1", id)
        return Invitation(**row) if row else None

    async def by_code(self, code_hash: bytes) -> Invitation | None:
        row = await self.db.fetchrow(
            f"select {COLUMNS} from circle_invitations where code_hash = $1", code_hash
        )
        return Invitation(**row) if row else None

    async def to_account(self, circle_id: str, account_id: str) -> Invitation | None:
        row = await self.db.fetchrow(
            f"select {COLUMNS} from circle_invitations where circle_id = $1 and account_id = $2",
            circle_id,
            account_id,
        )
        return Invitation(**row) if row else None

    async def use(self, id: str) -> None:
        await self.db.execute("update circle_invitations set uses = uses + 1 where id = $1", id)

    async def revoke(self, id: str) -> bool:
        return changed(await self.db.execute("delete from circle_invitations where id = $1", id))

    async def revoke_around(self, circle_id: str, account_id: str) -> None:
        await self.db.execute(
            """
            delete from circle_invitations where circle_id = $1 and (inviter_id = $2 or account_id = $2)
            """,
            circle_id,
            account_id,
        )

    async def codes(self, circle_id: str, now: datetime) -> int:
        count: int = await self.db.fetchval(
            f"""
            select count(*) from circle_invitations
            where circle_id = $1 and code_hash is not null and {OPEN}
            """,
            circle_id,
            now,
        )
        return count

    async def of_circle(
        self, circle_id: str, now: datetime, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Invitation]:
        return await self._page("circle_id", circle_id, now, after, limit, without)

    async def of_account(
        self, account_id: str, now: datetime, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Invitation]:
        return await self._page("account_id", account_id, now, after, limit, without)

    async def of_person(self, account_id: str, after: str, limit: int) -> list[Invitation]:
        rows = await self.db.fetch(
            f"""
            select {COLUMNS} from circle_invitations
            where (inviter_id = $1 or account_id = $1) and ($2::uuid is null or id > $2)
            order by id limit $3
            """,
            account_id,
            after or None,
            limit,
        )
        return [Invitation(**row) for row in rows]

    async def _page(
        self, column: str, id: str, now: datetime, after: Place | None, limit: int, without: Sequence[str]
    ) -> list[Invitation]:
        rows = await self.db.fetch(
            f"""
            select {COLUMNS} from circle_invitations
            where {column} = $1 and {OPEN} and inviter_id <> all($3::uuid[])
              and (account_id is null or account_id <> all($3::uuid[]))
              and ($4::timestamptz is null or (created_at, id) < ($4, $5::uuid))
            order by created_at desc, id desc limit $6
            """,
            id,
            now,
            list(without),
            after and after.at,
            after and after.id,
            limit,
        )
        return [Invitation(**row) for row in rows]

    async def prune(self, expired_before: datetime, limit: int) -> int:
        status = await self.db.execute(
            """
            delete from circle_invitations where id in (
                select id from circle_invitations where expires_at < $1 order by expires_at limit $2)
            """,
            expired_before,
            limit,
        )
        return int(status.rpartition(" ")[2])
