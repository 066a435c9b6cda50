"""Notifications: telling one person, once per event, that something happened for them."""

from datetime import datetime
from typing import Literal

import msgspec

from domain import events, rooms
from domain.clock import rfc3339
from domain.events import Event
from domain.ids import derived_id
from domain.ports import Ports
from domain.wire import View

NotificationKind = Literal["response", "support"]


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `notifications`; (account, event) is unique."""

    id: str
    account_id: str
    kind: NotificationKind
    event_id: str
    post_id: str
    created_at: datetime
    read_at: datetime | None = None


class NotificationView(View, frozen=True):
    id: str
    kind: NotificationKind
    post_id: str
    created_at: str
    read_at: str | None


class NotificationNew(View, frozen=True):
    """Data of `notification:new`."""

    notification: NotificationView


def notification_view(notification: Notification) -> NotificationView:
    return NotificationView(
        id=notification.id,
        kind=notification.kind,
        post_id=notification.post_id,
        created_at=rfc3339(notification.created_at),
        read_at=rfc3339(notification.read_at) if notification.read_at else None,
    )


async def notify(account_id: str, kind: NotificationKind, event_id: str, post_id: str, ports: Ports) -> None:
    """Stores and tells one notification; running again for the same event changes nothing."""
    notification = Notification(
        id=derived_id("notification", account_id, event_id),
        account_id=account_id,
        kind=kind,
        event_id=event_id,
        post_id=post_id,
        created_at=ports.now(),
    )
    event = Event(
        id=derived_id("notification:new", notification.id),
        name="notification:new",
        at=notification.created_at,
        refs={"account_id": account_id, "notification_id": notification.id},
    )
    async with ports.transaction() as tx:
        added = await tx.notifications.add(notification)
        if added:
            await events.record(event, [], tx)
    if added:
        ports.announcer.announce(event)


@events.composes("notification:new")
async def compose_new(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    notification = await ports.records.notifications.get(event.refs["notification_id"])
    if notification is None:
        return None
    told = NotificationNew(notification=notification_view(notification))
    return [rooms.user_room(notification.account_id)], told
