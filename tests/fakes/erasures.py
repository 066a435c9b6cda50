"""Erasures and their receipts in memory."""

from datetime import datetime

from msgspec.structs import replace

from domain.erasure import Erasure
from tests.fakes.tables import Tables


class FakeErasures:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, erasure: Erasure) -> bool:
        if erasure.account_id is None or await self.of_account(erasure.account_id):
            return False
        self._tables.erasures[erasure.receipt_id] = erasure
        return True

    async def get(self, receipt_id: str) -> Erasure | None:
        return self._tables.erasures.get(receipt_id)

    async def of_account(self, account_id: str) -> Erasure | None:
        rows = self._tables.erasures.values()
        return next((row for row in rows if row.account_id == account_id), None)

    async def add_count(self, receipt_id: str, what: str, count: int) -> None:
        row = self._tables.erasures[receipt_id]
        erased = {**row.erased, what: row.erased.get(what, 0) + count}
        self._tables.erasures[receipt_id] = replace(row, erased=erased)

    async def complete(self, receipt_id: str, at: datetime) -> bool:
        row = self._tables.erasures.get(receipt_id)
        if row is None or row.completed_at is not None:
            return False
        done = replace(row, completed_at=at, account_id=None, stand_in=None)
        self._tables.erasures[receipt_id] = done
        return True

    async def unfinished(self, limit: int) -> list[Erasure]:
        open_ones = [row for row in self._tables.erasures.values() if row.completed_at is None]
        return sorted(open_ones, key=lambda row: row.requested_at)[:limit]

    async def prune(self, completed_before: datetime, limit: int) -> int:
        old = [
            row.receipt_id
            for row in self._tables.erasures.values()
            if row.completed_at is not None and row.completed_at < completed_before
        ][:limit]
        for receipt_id in old:
            del self._tables.erasures[receipt_id]
        return len(old)
