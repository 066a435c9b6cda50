"""Pushing: whether, when and where a notification leaves for somebody's phone.

What leaves says nothing: one text for everything, an id that only a session of its owner can resolve, and a
name under which a newer push takes the place of an older one. Neither push services nor a lock screen learn
what the app is about, who wrote, or why.
"""

from __future__ import annotations

import asyncio
import base64
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from domain import devices, quiet
from domain.errors import DomainError, Unavailable
from domain.jobs import Job, Lane
from domain.kinds import POLICIES
from domain.preferences import Preferences, preferences_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.accounts import Account
    from domain.devices import Device
    from domain.notifications import Notification
    from domain.ports import Pace, Ports, Records

NEWS = "news"
COLLAPSE_BYTES = 24
"""32 characters of base64url, the most that a Web Push topic holds (RFC 8030 §5.4)."""
ANSWER_TTL_SECONDS = 3600


class PushMessage(NamedTuple):
    """All that leaves: `id` of the notification, `collapse` the name that a newer one replaces."""

    id: str
    collapse: str
    ttl_seconds: int
    urgent: bool


class Purpose(NamedTuple):
    """How a push is treated. `group`: of these, one is sent and stands for those before it.

    `pressing` passes quiet hours and budget: it answers somebody's own SOS. `fleeting` is not worth waking
    up to later.
    """

    group: str
    ttl_seconds: int
    urgent: bool = False
    pressing: bool = False
    fleeting: bool = False


async def push_jobs(
    notifications: Sequence[Notification], lane: Lane, tx: Records, ports: Ports
) -> list[Job]:
    """Jobs for those who can be reached; none while no push service is configured."""
    if not notifications or not ports.push.platforms:
        return []
    people = [notification.account_id for notification in notifications]
    reachable = await tx.devices.reachable(people, sorted(ports.push.platforms))
    return [push_job(one, lane) for one in notifications if one.account_id in reachable]


def push_job(notification: Notification, lane: Lane) -> Job:
    id = notification.id
    return Job(name="push", args={"notification_id": id}, key=f"push:{id}", lane=lane)


async def push(notification_id: str, ports: Ports) -> datetime | None:
    """Pushes a notification to every device of its person that has not had it; when to look again, if later.

    Raises `Unavailable` when a push service could not be reached; what was delivered is not sent again.
    """
    notification = await ports.records.notifications.get(notification_id)
    if notification is None or notification.read_at is not None:
        return None
    account = await ports.records.accounts.get(notification.account_id)
    if account is None or account.status != "active":
        return None
    purpose = await purpose_of(notification, ports)
    if purpose is None or ports.now() >= notification.created_at + timedelta(seconds=purpose.ttl_seconds):
        return None
    return await _push(notification, purpose, account, ports)


async def _push(
    notification: Notification, purpose: Purpose, account: Account, ports: Ports
) -> datetime | None:
    preferences = await preferences_of(account.id, ports)
    if not preferences.channels(notification.kind).push:
        return None
    until = resting_until(purpose, preferences, account.timezone, ports.now())
    if until is not None:
        return None if purpose.fleeting else until
    targets = await _targets(account, ports)
    if not targets:
        return None
    turn = await _take(notification, purpose, preferences, account, ports)
    if turn.again:
        had = await ports.records.pushes.delivered(notification.id)
        targets = [device for device in targets if device.id not in had]
    if turn.now:
        await _send(notification, purpose, targets, ports)
    return turn.later


async def purpose_of(notification: Notification, ports: Ports) -> Purpose | None:
    """None for what is not to be pushed any more: things are looked at as they are now."""
    if notification.actor_id in await ports.records.blocks.around(notification.account_id):
        return None
    news = Purpose(NEWS, POLICIES[notification.kind].ttl_seconds)
    if notification.kind not in {"sos", "response"} or notification.post_id is None:
        return news
    post = await ports.content.posts.get(notification.post_id)
    if post is None or post.status not in {"live", "closed"}:
        return None
    if notification.kind == "response":
        answer = Purpose(f"answer:{post.id}", ANSWER_TTL_SECONDS, urgent=True, pressing=True)
        return answer if post.type == "sos" and post.author_id == notification.account_id else news
    ladder = await ports.records.ladders.get(post.id)
    if ladder is None or ladder.state != "open" or post.status == "closed":
        return None
    return Purpose(f"sos:{post.id}", POLICIES["sos"].ttl_seconds, urgent=True, fleeting=True)


def resting_until(
    purpose: Purpose, preferences: Preferences, timezone: str, now: datetime
) -> datetime | None:
    if purpose.pressing or preferences.quiet_hours is None:
        return None
    return quiet.quiet_until(now, preferences.quiet_hours, timezone)


async def _targets(account: Account, ports: Ports) -> list[Device]:
    found = await ports.records.devices.of_account(account.id)
    return [device for device in found if device.platform in ports.push.platforms]


class Turn(NamedTuple):
    """Whether it is a notification's turn: `now`, `later`, or neither and never.

    `again`: it had its turn before, and some devices may have it.
    """

    now: bool = False
    again: bool = False
    later: datetime | None = None


async def _take(
    notification: Notification, purpose: Purpose, preferences: Preferences, account: Account, ports: Ports
) -> Turn:
    """One at a time for each person: two at once cannot both be first of a group or last of a day."""
    now = ports.now()
    async with ports.transaction() as tx:
        await tx.pushes.lock(account.id)
        since = quiet.day_began(now, account.timezone)
        pace = await tx.pushes.pace(notification.id, account.id, purpose.group, since)
        turn = turn_of(notification, purpose, pace, preferences, now, ports.settings.push_group_seconds)
        if turn.now and not turn.again:
            await tx.pushes.take(notification.id, account.id, purpose.group, now)
    return turn


def turn_of(
    notification: Notification,
    purpose: Purpose,
    pace: Pace,
    preferences: Preferences,
    now: datetime,
    group_seconds: int,
) -> Turn:
    """What was pushed for the group since stands for this one; what was pushed just before makes it wait."""
    last = pace.last_of_group
    if pace.taken:
        return Turn(now=True, again=True)
    if last is not None and last > notification.created_at:
        return Turn()
    if last is not None and last + timedelta(seconds=group_seconds) > now:
        return Turn(later=last + timedelta(seconds=group_seconds))
    return Turn(now=purpose.pressing or pace.spent < preferences.push_per_day)


async def _send(
    notification: Notification, purpose: Purpose, targets: Sequence[Device], ports: Ports
) -> None:
    message = message_of(notification, purpose, ports)
    ends = await asyncio.gather(
        *(_send_to(device, notification.id, message, ports) for device in targets), return_exceptions=True
    )
    failures = [end for end in ends if isinstance(end, BaseException)]
    unexpected = [error for error in failures if not isinstance(error, DomainError)]
    if unexpected:
        raise unexpected[0]
    waits = [error.retry_after or 0.0 for error in failures if isinstance(error, DomainError)]
    if waits:
        raise Unavailable(retry_after=max(waits) or None)


async def _send_to(device: Device, notification_id: str, message: PushMessage, ports: Ports) -> None:
    """A device whose address is dead is forgotten."""
    alive = await ports.push.send(devices.address_of(device, ports), message)
    if alive:
        await ports.records.pushes.mark_delivered(notification_id, device.id, ports.now())
    else:
        await ports.records.devices.remove(device.account_id, device.id)


def message_of(notification: Notification, purpose: Purpose, ports: Ports) -> PushMessage:
    left = notification.created_at + timedelta(seconds=purpose.ttl_seconds) - ports.now()
    name = ports.cipher.lookup(f"collapse:{notification.account_id}:{purpose.group}".encode())
    return PushMessage(
        id=notification.id,
        collapse=base64.urlsafe_b64encode(name[:COLLAPSE_BYTES]).decode(),
        ttl_seconds=max(int(left.total_seconds()), 1),
        urgent=purpose.urgent,
    )
