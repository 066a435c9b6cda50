"""Activity in memory."""

from datetime import date

from domain.activity import Activity
from tests.fakes.tables import Tables


class FakeActivities:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, activity: Activity) -> bool:
        if activity.ref in self._tables.activities:
            return False
        self._tables.activities[activity.ref] = activity
        return True

    async def days(self, account_id: str) -> list[date]:
        mine = [one for one in self._tables.activities.values() if one.account_id == account_id]
        return sorted({activity.day for activity in mine})
