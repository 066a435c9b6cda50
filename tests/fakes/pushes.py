"""What was pushed, in memory."""

from datetime import datetime

from tests.fakes.tables import Pushed, Tables


class FakePushes:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def lock(self, account_id: str) -> None:
        """Transactions come one at a time here."""

    async def taken(self, notification_id: str) -> bool:
        return notification_id in self._tables.pushes

    async def take(self, notification_id: str, account_id: str, group: str, at: datetime) -> None:
        self._tables.pushes.setdefault(notification_id, Pushed(account_id, group, at))

    async def last_of_group(self, account_id: str, group: str) -> datetime | None:
        mine = [one for one in self._tables.pushes.values() if one[:2] == (account_id, group)]
        return max((one.at for one in mine), default=None)

    async def count_since(self, account_id: str, moment: datetime) -> int:
        return sum(one.account_id == account_id and one.at >= moment for one in self._tables.pushes.values())

    async def delivered(self, notification_id: str) -> set[str]:
        return {
            device for notification, device in self._tables.push_deliveries if notification == notification_id
        }

    async def mark_delivered(self, notification_id: str, device_id: str, at: datetime) -> None:
        if device_id in self._tables.devices:
            self._tables.push_deliveries.setdefault((notification_id, device_id), at)
