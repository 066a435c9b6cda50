"""Check-ins and slips in memory."""

from datetime import datetime

import msgspec

from domain.checkins import CheckIn
from domain.streaks import Mark


class FakeCheckIns:
    def __init__(self) -> None:
        self._checkins: dict[str, CheckIn] = {}

    async def add(self, check_in: CheckIn) -> CheckIn:
        return self._checkins.setdefault(check_in.id, check_in)

    async def get(self, id: str) -> CheckIn | None:
        return self._checkins.get(id)

    def _of(self, tracker_id: str) -> list[CheckIn]:
        return [one for one in self._checkins.values() if one.tracker_id == tracker_id]

    async def count(self, tracker_id: str) -> int:
        return len(self._of(tracker_id))

    async def marks(self, tracker_id: str) -> list[Mark]:
        return [msgspec.convert(one, Mark, from_attributes=True) for one in self._of(tracker_id)]

    async def recorded(self, after: datetime, before: datetime, limit: int) -> list[CheckIn]:
        found = [one for one in self._checkins.values() if after < one.recorded_at < before]
        return sorted(found, key=lambda one: one.recorded_at)[:limit]

    async def page(self, account_id: str, after: str, limit: int) -> list[CheckIn]:
        mine = [one for one in self._checkins.values() if one.account_id == account_id and one.id > after]
        return sorted(mine, key=lambda one: one.id)[:limit]

    async def forget(self, account_id: str, limit: int) -> int:
        found = await self.page(account_id, "", limit)
        for one in found:
            del self._checkins[one.id]
        return len(found)
