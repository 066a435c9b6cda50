"""Cravings in memory."""

from datetime import datetime

from domain.cravings import Craving


class FakeCravings:
    def __init__(self) -> None:
        self._cravings: dict[str, Craving] = {}

    async def add(self, craving: Craving) -> Craving:
        return self._cravings.setdefault(craving.id, craving)

    async def get(self, id: str) -> Craving | None:
        return self._cravings.get(id)

    async def since(self, account_id: str, moment: datetime, limit: int) -> list[Craving]:
        mine = [one for one in self._cravings.values() if one.account_id == account_id and one.at >= moment]
        return sorted(mine, key=lambda one: one.at, reverse=True)[:limit]

    async def page(self, account_id: str, after: str, limit: int) -> list[Craving]:
        mine = [one for one in self._cravings.values() if one.account_id == account_id and one.id > after]
        return sorted(mine, key=lambda one: one.id)[:limit]

    async def forget(self, account_id: str, limit: int) -> int:
        found = await self.page(account_id, "", limit)
        for one in found:
            del self._cravings[one.id]
        return len(found)
