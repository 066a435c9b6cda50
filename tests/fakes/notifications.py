"""Notifications in memory."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from domain.notifications import Notification
from domain.pages import Place
from tests.fakes.tables import Tables


class FakeNotifications:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, notifications: Sequence[Notification]) -> set[str]:
        return {notification.id for notification in notifications if self._add(notification)}

    def _add(self, notification: Notification) -> bool:
        if notification.account_id not in self._tables.accounts or self._is_known(notification):
            return False
        if notification.actor_id not in self._tables.accounts:
            notification = replace(notification, actor_id=None)
        self._tables.notifications[notification.id] = notification
        return True

    def _is_known(self, notification: Notification) -> bool:
        known = {(other.account_id, other.event_id) for other in self._tables.notifications.values()}
        return (notification.account_id, notification.event_id) in known

    async def get(self, id: str) -> Notification | None:
        return self._tables.notifications.get(id)

    async def page(
        self, account_id: str, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Notification]:
        mine = [one for one in self._shown(account_id, without) if after is None or place(one) < after]
        return sorted(mine, key=place, reverse=True)[:limit]

    def _shown(self, account_id: str, without: Sequence[str]) -> list[Notification]:
        return [
            one
            for one in self._tables.notifications.values()
            if one.account_id == account_id and one.in_app and one.actor_id not in without
        ]

    async def unread(self, account_id: str, *, without: Sequence[str]) -> int:
        return sum(one.read_at is None for one in self._shown(account_id, without))

    async def mark_read(
        self, account_id: str, ids: Sequence[str], until_id: str | None, at: datetime
    ) -> None:
        last = self._tables.notifications.get(until_id or "")
        until = place(last) if last is not None and last.account_id == account_id else None
        for one in list(self._tables.notifications.values()):
            named = one.id in ids or (until is not None and place(one) <= until)
            if one.account_id == account_id and one.read_at is None and named:
                self._tables.notifications[one.id] = replace(one, read_at=at)

    async def prune(self, created_before: datetime, limit: int) -> int:
        rows = self._tables.notifications.values()
        old = sorted(one.created_at for one in rows if one.created_at < created_before)[:limit]
        gone = [one.id for one in rows if old and one.created_at <= old[-1]][:limit]
        for id in gone:
            del self._tables.notifications[id]
        return len(gone)


def place(notification: Notification) -> Place:
    return Place(notification.created_at, notification.id)
