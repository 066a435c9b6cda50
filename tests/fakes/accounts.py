"""Accounts in memory."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from domain.accounts import Account, Role
from domain.errors import Conflict, NotFound
from tests.fakes.tables import Tables


class FakeAccounts:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, account: Account) -> None:
        self._check_free(account)
        self._tables.accounts[account.id] = replace(account, strength_points=0)

    def _check_free(self, account: Account) -> None:
        for other in self._tables.accounts.values():
            if other.id == account.id:
                continue
            if other.handle.casefold() == account.handle.casefold():
                raise Conflict(field="handle")
            if account.email_login is not None and other.email_login == account.email_login:
                raise Conflict(field="email")

    async def get(self, id: str) -> Account | None:
        return self._tables.accounts.get(id)

    async def lock(self, id: str) -> Account | None:
        """The transactions of the fakes run one after the other."""
        return await self.get(id)

    async def get_many(self, ids: Iterable[str]) -> dict[str, Account]:
        found = {id: self._tables.accounts[id] for id in ids if id in self._tables.accounts}
        return {id: account for id, account in found.items() if account.status != "erased"}

    async def by_handle(self, handle: str) -> Account | None:
        return self._first(lambda account: account.handle.casefold() == handle.casefold())

    async def by_email_login(self, key: bytes) -> Account | None:
        return self._first(lambda account: account.email_login == key)

    async def by_recovery(self, recovery_hash: str) -> Account | None:
        return self._first(lambda account: account.recovery_hash == recovery_hash)

    async def by_recovered(self, recovery_hash: str, since: datetime) -> Account | None:
        return self._first(
            lambda account: (
                account.recovered_from == recovery_hash
                and account.recovered_at
                and account.recovered_at > since
            )
        )

    def _first(self, matches: Any) -> Account | None:
        return next(filter(matches, self._tables.accounts.values()), None)

    async def update(self, id: str, changes: dict[str, Any]) -> Account:
        if id not in self._tables.accounts:
            raise NotFound
        changed = replace(self._tables.accounts[id], **changes)
        self._check_free(changed)
        self._tables.accounts[id] = changed
        return changed

    async def replace_password(self, id: str, old: str | None, changes: dict[str, Any]) -> bool:
        return await self._replace("password_hash", id, old, changes)

    async def replace_recovery(self, id: str, old: str, changes: dict[str, Any]) -> bool:
        return await self._replace("recovery_hash", id, old, changes)

    async def with_roles(self, roles: Sequence[Role]) -> list[str]:
        accounts = self._tables.accounts.values()
        return sorted(one.id for one in accounts if one.role in roles and one.status == "active")

    async def delete_erased(self, id: str) -> bool:
        """Of what hangs on it, what an erasure leaves to this: sessions with their tokens, the standing."""
        running = any(one.account_id == id for one in self._tables.erasures.values())
        if id not in self._tables.accounts or not running:
            return False
        del self._tables.accounts[id]
        for held in list(self._tables.held_handles.values()):
            if held.account_id == id:
                self._tables.held_handles[held.handle_hash] = replace(held, account_id=None)
        for table in ("sessions", "refresh_tokens", "standings"):
            rows = getattr(self._tables, table)
            setattr(self._tables, table, {key: row for key, row in rows.items() if row.account_id != id})
        return True

    async def _replace(self, guard: str, id: str, old: str | None, changes: dict[str, Any]) -> bool:
        account = self._tables.accounts.get(id)
        if account is None or getattr(account, guard) != old:
            return False
        await self.update(id, changes)
        return True
