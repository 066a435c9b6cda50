"""Notifications: telling people, once per person and event, that something happened for them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from domain import events, pages, pushing, rooms
from domain.accounts import User
from domain.clock import rfc3339
from domain.errors import Invalid
from domain.events import Event
from domain.ids import derived_id
from domain.jobs import Job, Lane
from domain.kinds import NotificationKind as NotificationKind
from domain.pages import Place
from domain.ports import Ports
from domain.preferences import USUAL, Channels
from domain.wire import Command, Id, View

FAN_OUT_CHUNK = 100
"""People per job of a fan-out: one short transaction."""
FAN_OUT_FIRST = 2
"""Chunks of an SOS that do not wait behind bulk work; few enough to leave the urgent lane free."""
IDS_MAX = 100


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a notification tells of. `event_id` names what happened, `actor_id` who did it."""

    kind: NotificationKind
    event_id: str
    post_id: str | None = None
    actor_id: str | None = None


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `notifications`; (account, event) is unique. Not `in_app`: it is pushed and nothing else."""

    id: str
    account_id: str
    kind: NotificationKind
    event_id: str
    post_id: str | None
    created_at: datetime
    actor_id: str | None = None
    in_app: bool = True
    read_at: datetime | None = None


class NotificationView(View, frozen=True):
    """`post_id` is the post to open, None for what is not about one."""

    id: str
    kind: NotificationKind
    post_id: str | None
    created_at: str
    read_at: str | None


class NotificationNew(View, frozen=True):
    """Data of `notification:new`."""

    notification: NotificationView


class NotificationPage(View, frozen=True):
    items: list[NotificationView]
    next_cursor: str | None
    unread: int


class ReadNotifications(Command, frozen=True):
    """Some by their `ids`, or all up to and with one (`until_id`)."""

    ids: Annotated[list[Id], msgspec.Meta(max_length=IDS_MAX)] = []
    until_id: Id | None = None


class Unread(View, frozen=True):
    unread: int


def notification_view(notification: Notification) -> NotificationView:
    return NotificationView(
        id=notification.id,
        kind=notification.kind,
        post_id=notification.post_id,
        created_at=rfc3339(notification.created_at),
        read_at=rfc3339(notification.read_at) if notification.read_at else None,
    )


async def notify(
    account_id: str,
    kind: NotificationKind,
    event_id: str,
    post_id: str | None,
    ports: Ports,
    *,
    actor_id: str | None = None,
) -> None:
    """Stores and tells one notification; running again for the same event changes nothing."""
    about = About(kind=kind, event_id=event_id, post_id=post_id, actor_id=actor_id)
    await notify_many(about, [account_id], ports, push_lane="default")


def fan_out_jobs(
    kind: NotificationKind,
    ref: str,
    account_ids: Iterable[str],
    *,
    post_id: str | None = None,
    actor_id: str | None = None,
) -> list[Job]:
    """The jobs that notify many people of `ref`, for the transaction of what they are told about.

    Each person is notified once of (kind, ref), in whatever fan-outs they are named. Those named first are
    told first; of an SOS the first few hundred do not wait behind bulk work.
    """
    about = About(kind=kind, event_id=derived_id("fan_out", kind, ref), post_id=post_id, actor_id=actor_id)
    people = list(dict.fromkeys(account_ids))
    chunks = [people[at : at + FAN_OUT_CHUNK] for at in range(0, len(people), FAN_OUT_CHUNK)]
    return [
        chunk_job(about, chunk, first=kind == "sos" and index < FAN_OUT_FIRST)
        for index, chunk in enumerate(chunks)
    ]


def chunk_job(about: About, account_ids: Sequence[str], *, first: bool) -> Job:
    return Job(
        name="notify_many",
        args={
            "kind": about.kind,
            "event_id": about.event_id,
            "post_id": about.post_id or "",
            "actor_id": about.actor_id or "",
            "account_ids": ",".join(account_ids),
            "push_lane": "default" if first else "bulk",
        },
        key=f"notify_many:{derived_id(about.event_id, *account_ids)}",
        lane="urgent" if first else "bulk",
    )


async def fan_out(
    kind: NotificationKind,
    ref: str,
    account_ids: Iterable[str],
    ports: Ports,
    *,
    post_id: str | None = None,
    actor_id: str | None = None,
) -> None:
    """As `fan_out_jobs`, in a transaction of its own; returns when it is owed."""
    jobs = fan_out_jobs(kind, ref, account_ids, post_id=post_id, actor_id=actor_id)
    if not jobs:
        return
    async with ports.transaction() as tx:
        owed = await tx.jobs.add(jobs)
    ports.announcer.announce(jobs=owed)


async def notify_many(about: About, account_ids: Sequence[str], ports: Ports, *, push_lane: Lane) -> None:
    """Stores and tells one notification for each of a chunk of people, and owes their pushes.

    Nobody hears of what somebody did whom they blocked or who blocked them.
    """
    wanted = await _wanted(about, account_ids, ports)
    async with ports.transaction() as tx:
        added = await tx.notifications.add([notification for notification, _ in wanted])
        told = [new_event(one) for one, _ in wanted if one.id in added and one.in_app]
        await tx.outbox.add_many(told)
        asked = [one for one, channels in wanted if one.id in added and channels.push]
        owed = await tx.jobs.add(await pushing.push_jobs(asked, push_lane, tx, ports))
    if told or owed:
        ports.announcer.announce(*told, jobs=owed)


async def _wanted(
    about: About, account_ids: Sequence[str], ports: Ports
) -> list[tuple[Notification, Channels]]:
    """Notifications for those who want them, with the channels they want them on."""
    apart = await ports.records.blocks.around(about.actor_id) if about.actor_id else frozenset[str]()
    preferences = await ports.records.preferences.get_many(account_ids)
    pairs = [(id, preferences.get(id, USUAL).channels(about.kind)) for id in account_ids if id not in apart]
    return [
        (new_notification(about, id, channels, ports.now()), channels)
        for id, channels in pairs
        if channels.in_app or channels.push
    ]


def new_notification(about: About, account_id: str, channels: Channels, now: datetime) -> Notification:
    return Notification(
        id=derived_id("notification", account_id, about.event_id),
        account_id=account_id,
        kind=about.kind,
        event_id=about.event_id,
        post_id=about.post_id,
        created_at=now,
        actor_id=about.actor_id,
        in_app=channels.in_app,
    )


def new_event(notification: Notification) -> Event:
    return Event(
        id=derived_id("notification:new", notification.id),
        name="notification:new",
        at=notification.created_at,
        refs={"account_id": notification.account_id, "notification_id": notification.id},
        actor=notification.actor_id or "",
    )


@events.composes("notification:new")
async def compose_new(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    notification = await ports.records.notifications.get(event.refs["notification_id"])
    if notification is None:
        return None
    told = NotificationNew(notification=notification_view(notification))
    return [rooms.user_room(notification.account_id)], told


async def my_notifications(user: User, ports: Ports, *, cursor: str | None, limit: int) -> NotificationPage:
    """Newest first, without those of blocked people."""
    apart = sorted(await ports.records.blocks.around(user.id))
    after = pages.place_of(pages.decode_cursor(cursor))
    found = await ports.records.notifications.page(user.id, after, limit + 1, without=apart)
    shown = found[:limit]
    return NotificationPage(
        items=[notification_view(notification) for notification in shown],
        next_cursor=pages.next_cursor([Place(one.created_at, one.id) for one in found], limit),
        unread=await ports.records.notifications.unread(user.id, without=apart),
    )


async def read_notifications(command: ReadNotifications, user: User, ports: Ports) -> Unread:
    """Reading again changes nothing; ids of others are nobody's business and do nothing."""
    if bool(command.ids) == (command.until_id is not None):
        raise Invalid("Please name some, or say until which one.", field="ids")
    notifications = ports.records.notifications
    await notifications.mark_read(user.id, command.ids, command.until_id, ports.now())
    apart = sorted(await ports.records.blocks.around(user.id))
    return Unread(unread=await notifications.unread(user.id, without=apart))
