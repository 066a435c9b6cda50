"""Blocks in memory."""

from collections.abc import Iterable
from datetime import datetime

from tests.fakes.tables import Tables


class FakeBlocks:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, blocker_id: str, blocked_id: str, at: datetime) -> bool:
        if (blocker_id, blocked_id) in self._tables.blocks:
            return False
        self._tables.blocks[blocker_id, blocked_id] = at
        return True

    async def remove(self, blocker_id: str, blocked_id: str) -> bool:
        return self._tables.blocks.pop((blocker_id, blocked_id), None) is not None

    async def around(self, account_id: str) -> frozenset[str]:
        pairs = [pair for pair in self._tables.blocks if account_id in pair]
        return frozenset(id for pair in pairs for id in pair if id != account_id)

    async def among(self, account_ids: Iterable[str]) -> frozenset[str]:
        return frozenset(id for pair in self._tables.blocks for id in pair) & frozenset(account_ids)

    async def within(self, circle_id: str) -> frozenset[str]:
        members = {account for circle, account in self._tables.memberships if circle == circle_id}
        return frozenset(id for pair in self._tables.blocks if members.issuperset(pair) for id in pair)

    async def made_by(self, account_id: str) -> list[str]:
        made = [(at, other) for (one, other), at in self._tables.blocks.items() if one == account_id]
        return [other for _, other in sorted(made, key=lambda pair: (-pair[0].timestamp(), pair[1]))]
