"""Presence: who is here now, and who offers to be asked. Ephemeral: never logged, never replayed.

Somebody stays here for a grace after their last sign, so that a tunnel or a deploy does not flicker; a killed
server leaves no ghost for longer than that.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from domain import limits, rooms
from domain.accounts import User
from domain.clock import rfc3339
from domain.ports import Ports
from domain.wire import Command, Id, View

LOOKS_PER_GRACE = 60
"""How often it is looked whose grace is over. A sign lasts for a look less, so that no ghost outlasts it."""

Status = Literal["available", "away", "helping"]
"""`helping`: asks to be told of an SOS."""
ShownStatus = Literal["available", "away", "helping", "offline"]


class SetPresence(Command, frozen=True):
    status: Status


class Typing(Command, frozen=True):
    post_id: Id


class PresenceChanged(View, frozen=True):
    """Data of `presence:changed`, told in each circle of the account."""

    account_id: str
    status: ShownStatus


class TypingChanged(View, frozen=True):
    """Data of `typing`."""

    post_id: str
    account_id: str
    typing: bool


class EphemeralEnvelope(View, frozen=True):
    """An event without a place in any log."""

    room: str
    at: str
    data: object


def ephemeral_body(room: str, at: datetime, data: View) -> bytes:
    return msgspec.json.encode(EphemeralEnvelope(room=room, at=rfc3339(at), data=data))


def lasting_seconds(grace_seconds: float) -> float:
    """How long a sign of life lasts."""
    return grace_seconds * (1 - 1 / LOOKS_PER_GRACE)


async def set_presence(command: SetPresence, user: User, ports: Ports) -> None:
    """Told in each circle of the account, so not as often as anybody likes."""
    most = ports.settings.presence_changes_per_minute
    await limits.check("presence", user.id, most, limits.MINUTE, ports)
    await ports.presence.set_status(user.id, command.status)
    await tell_status(user.id, command.status, ports)


async def tell_arrivals(account_ids: Sequence[str], ports: Ports) -> None:
    """Tells the circles of those who came, and are still here when it is their turn."""
    for account_id in account_ids:
        for status in (await ports.presence.statuses([account_id])).values():
            await tell_status(account_id, status, ports)


async def depart_expired(ports: Ports) -> None:
    """Tells the circles of everybody whose grace is over; each is told of by one server.

    Not of those who are back by then. Who comes back while it is told may have been told of before: they are
    told of again, so that what was told last is so.
    """
    while gone := await ports.presence.pop_expired():
        for account_id in gone:
            if not await ports.presence.statuses([account_id]):
                await tell_status(account_id, "offline", ports)
                await tell_arrivals([account_id], ports)


async def tell_status(account_id: str, status: ShownStatus, ports: Ports) -> None:
    changed = PresenceChanged(account_id=account_id, status=status)
    for member in await ports.records.circles.of_account(account_id):
        await tell(rooms.circle_room(member.circle_id), "presence:changed", account_id, changed, ports)


async def tell_typing(post_id: str, typing: bool, user: User, ports: Ports) -> None:
    """For those who have the thread open; the caller checked that the writer has it open too."""
    changed = TypingChanged(post_id=post_id, account_id=user.id, typing=typing)
    await tell(rooms.post_room(post_id), "typing", user.id, changed, ports)


async def tell(room: str, event: str, actor: str, data: View, ports: Ports) -> None:
    await ports.rooms.tell(room, event, actor, ephemeral_body(room, ports.now(), data))
