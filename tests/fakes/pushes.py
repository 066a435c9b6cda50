"""What was pushed, in memory."""

from datetime import datetime

from domain.ports import Pace
from tests.fakes.tables import Pushed, Tables


class FakePushes:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def lock(self, account_id: str) -> None:
        """Transactions come one at a time here."""

    async def pace(self, notification_id: str, account_id: str, group: str, since: datetime) -> Pace:
        mine = [one for one in self._tables.pushes.values() if one.account_id == account_id]
        return Pace(
            taken=notification_id in self._tables.pushes,
            last_of_group=max((one.at for one in mine if one.group == group), default=None),
            spent=sum(one.at >= since for one in mine),
        )

    async def take(self, notification_id: str, account_id: str, group: str, at: datetime) -> None:
        self._tables.pushes.setdefault(notification_id, Pushed(account_id, group, at))

    async def delivered(self, notification_id: str) -> set[str]:
        return {
            device for notification, device in self._tables.push_deliveries if notification == notification_id
        }

    async def mark_delivered(self, notification_id: str, device_id: str, at: datetime) -> None:
        if device_id in self._tables.devices:
            self._tables.push_deliveries.setdefault((notification_id, device_id), at)
