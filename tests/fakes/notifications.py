"""Notifications in memory."""

from domain.notifications import Notification
from tests.fakes.tables import Tables


class FakeNotifications:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, notification: Notification) -> bool:
        if notification.account_id not in self._tables.accounts or self._is_known(notification):
            return False
        self._tables.notifications[notification.id] = notification
        return True

    def _is_known(self, notification: Notification) -> bool:
        known = {(other.account_id, other.event_id) for other in self._tables.notifications.values()}
        return (notification.account_id, notification.event_id) in known

    async def get(self, id: str) -> Notification | None:
        return self._tables.notifications.get(id)
