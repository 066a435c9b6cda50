"""Held handles in memory."""

from datetime import datetime

from msgspec.structs import replace

from domain.held_handles import HeldHandle
from tests.fakes.tables import Tables


class FakeHeldHandles:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def hold(self, held: HeldHandle) -> None:
        self._tables.held_handles[held.handle_hash] = held

    async def get(self, handle_hash: bytes) -> HeldHandle | None:
        return self._tables.held_handles.get(handle_hash)

    async def release(self, handle_hash: bytes) -> None:
        self._tables.held_handles.pop(handle_hash, None)

    async def disown(self, account_id: str) -> None:
        for held in list(self._tables.held_handles.values()):
            if held.account_id == account_id:
                self._tables.held_handles[held.handle_hash] = replace(held, account_id=None)

    async def prune(self, until_before: datetime, limit: int) -> int:
        over = [one for one in self._tables.held_handles.values() if one.until < until_before][:limit]
        for one in over:
            del self._tables.held_handles[one.handle_hash]
        return len(over)
