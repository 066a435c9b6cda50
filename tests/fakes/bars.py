"""Bars in memory."""

from collections.abc import Sequence
from datetime import datetime

from domain.members import Bar
from domain.pages import Place
from tests.fakes.tables import Tables


class FakeBars:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, circle_id: str, account_id: str, at: datetime) -> bool:
        known = (circle_id, account_id) in self._tables.bars
        self._tables.bars.setdefault((circle_id, account_id), at)
        return not known

    async def lift(self, circle_id: str, account_id: str) -> bool:
        return self._tables.bars.pop((circle_id, account_id), None) is not None

    async def holds(self, circle_id: str, account_id: str) -> bool:
        return (circle_id, account_id) in self._tables.bars

    async def page(
        self, circle_id: str, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Bar]:
        found = [
            Place(at, account) for (circle, account), at in self._tables.bars.items() if circle == circle_id
        ]
        found = [one for one in found if one.id not in without and (after is None or one < after)]
        return [Bar(account_id=one.id, created_at=one.at) for one in sorted(found, reverse=True)[:limit]]
