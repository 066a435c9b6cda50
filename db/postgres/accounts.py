"""Accounts in PostgreSQL."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import asyncpg

from db.postgres.statements import Db, assignments, changed
from domain.accounts import Account, Role
from domain.errors import Conflict, DomainError, NotFound

COLUMNS = """id, handle::text, avatar, role, status, country, timezone, strength_points, password_hash,
    recovery_hash, recovered_from, recovered_at, email_login, email_encrypted, created_at"""

TAKEN = {"accounts_handle_key": "handle", "accounts_email_login_key": "email"}


class AccountRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, account: Account) -> None:
        try:
            await self.db.execute(
                """
                insert into accounts (id, handle, avatar, role, status, country, timezone, password_hash,
                    recovery_hash, email_login, email_encrypted, created_at)
                values ($1, $2::text, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                """,
                account.id,
                account.handle,
                account.avatar,
                account.role,
                account.status,
                account.country,
                account.timezone,
                account.password_hash,
                account.recovery_hash,
                account.email_login,
                account.email_encrypted,
                account.created_at,
            )
        except asyncpg.UniqueViolationError as error:
            raise taken(error) from None

    async def get(self, id: str) -> Account | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from accounts where id = $1", id)
        return Account(**row) if row else None

    async def lock(self, id: str) -> Account | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from accounts where id = $1 for no key update", id)
        return Account(**row) if row else None

    async def get_many(self, ids: Iterable[str]) -> dict[str, Account]:
        wanted = list(ids)
        if not wanted:
            return {}
        rows = await self.db.fetch(
            f"select {COLUMNS} from accounts where id = any($1::uuid[]) and status <> 'erased'", wanted
        )
        return {row["id"]: Account(**row) for row in rows}

    async def by_handle(self, handle: str) -> Account | None:
        row = await self.db.fetchrow(
            f"select {COLUMNS} from accounts where handle = $1::text::citext", handle
        )
        return Account(**row) if row else None

    async def by_email_login(self, key: bytes) -> Account | None:
        row = await self.db.fetchrow(f"select {COLUMNS} from accounts where email_login = $1", key)
        return Account(**row) if row else None

    async def by_recovery(self, recovery_hash: str) -> Account | None:
        row = await self.db.fetchrow(
            f"select {COLUMNS} from accounts where recovery_hash = $1", recovery_hash
        )
        return Account(**row) if row else None

    async def by_recovered(self, recovery_hash: str, since: datetime) -> Account | None:
        row = await self.db.fetchrow(
            f"select {COLUMNS} from accounts where recovered_from = $1 and recovered_at > $2",
            recovery_hash,
            since,
        )
        return Account(**row) if row else None

    async def update(self, id: str, changes: dict[str, object]) -> Account:
        try:
            row = await self.db.fetchrow(
                f"update accounts set {assignments(changes, 2)} where id = $1 returning {COLUMNS}",
                id,
                *changes.values(),
            )
        except asyncpg.UniqueViolationError as error:
            raise taken(error) from None
        if row is None:
            raise NotFound
        return Account(**row)

    async def replace_password(self, id: str, old: str | None, changes: dict[str, object]) -> bool:
        return await self._replace("password_hash", id, old, changes)

    async def replace_recovery(self, id: str, old: str, changes: dict[str, object]) -> bool:
        return await self._replace("recovery_hash", id, old, changes)

    async def with_roles(self, roles: Sequence[Role]) -> list[str]:
        rows = await self.db.fetch(
            "select id from accounts where role = any($1) and status = 'active' order by id", list(roles)
        )
        return [row["id"] for row in rows]

    async def delete_erased(self, id: str) -> bool:
        status = await self.db.execute(
            "delete from accounts where id = $1 and exists (select from erasures where account_id = $1)", id
        )
        return changed(status)

    async def _replace(self, guard: str, id: str, old: str | None, changes: dict[str, object]) -> bool:
        try:
            row = await self.db.fetchrow(
                f"""
                update accounts set {assignments(changes, 3)}
                where id = $1 and {guard} is not distinct from $2 returning id
                """,
                id,
                old,
                *changes.values(),
            )
        except asyncpg.UniqueViolationError as error:
            raise taken(error) from None
        return row is not None


def taken(error: asyncpg.UniqueViolationError) -> DomainError:
    field = TAKEN.get(str(error.constraint_name))
    return Conflict("This is already taken.", field=field)
