"""Moments: what somebody tells about a check-in, a craving or a slip, and when it was."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from domain import crisis, limits, moderation
from domain.accounts import User
from domain.errors import Invalid
from domain.ids import derived_id, new_id
from domain.ports import Ports
from domain.streaks import local_day
from domain.text import storable_text
from domain.trackers import Tracker
from domain.wire import ClientId, Command, Id, Slug

BACK_MAX = timedelta(days=7)
"""How long ago a moment may be that is told only now."""
AHEAD_MAX = timedelta(minutes=1)
"""Clocks of phones run ahead; what is not further ahead than this was now."""
NOTE_CHARACTERS_MAX = 1000

Intensity = Annotated[int, msgspec.Meta(ge=1, le=10)]


class Moment(Command, frozen=True):
    """The fields of `checkin:record`, `craving:record` and `slip:record`.

    `mood` goes from 1 (very bad) to 5 (very good). Without `client_id` every sending is a moment of its own.
    """

    tracker_id: Id
    client_id: ClientId | None = None
    mood: Annotated[int, msgspec.Meta(ge=1, le=5)] | None = None
    intensity: Intensity | None = None
    triggers: Annotated[list[Slug], msgspec.Meta(max_length=10)] = []
    resisted: bool | None = None
    note: Annotated[str, msgspec.Meta(max_length=NOTE_CHARACTERS_MAX)] | None = None
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


def moment_id(kind: str, command: Moment) -> str:
    """The same for a retry: a client id names one moment of one kind on one tracker."""
    if command.client_id is None:
        return new_id()
    return derived_id(kind, command.tracker_id, command.client_id)


async def check_rate(user: User, ports: Ports) -> None:
    await limits.check("moments", user.id, ports.settings.moments_per_day, limits.DAY, ports)


def moment_at(command: Moment, tracker: Tracker, now: datetime) -> datetime:
    """When it was, in UTC; refuses the future, what is long ago, and days before the tracker."""
    at = command.occurred_at
    if at is None:
        return now
    if at > now + AHEAD_MAX:
        raise Invalid("This has not happened yet.", field="occurred_at")
    if at < now - BACK_MAX:
        raise Invalid(f"Please tell us within {BACK_MAX.days} days.", field="occurred_at")
    at = min(at, now).astimezone(UTC)
    if local_day(at, tracker.timezone) < local_day(tracker.created_at, tracker.timezone):
        raise Invalid("This was before the tracker.", field="occurred_at")
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def note_of(command: Moment) -> str | None:
    """None also for a note that says nothing."""
    return storable_text(command.note or "", "note") or None


def offered_help(command: Moment, user: User) -> crisis.CrisisResources | None:
    """Needs no store, as for posts: a private note can be a cry for help too."""
    if command.note is None or not moderation.quick_check(command.note):
        return None
    return crisis.resources_for(user.country)
