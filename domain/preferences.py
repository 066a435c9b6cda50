"""Preferences: what somebody wants to be told, where, and when not."""

from typing import Annotated

import msgspec

from domain.accounts import User
from domain.errors import Invalid
from domain.kinds import KINDS, POLICIES, NotificationKind
from domain.ports import Ports
from domain.quiet import QuietHours
from domain.wire import Command, View

PUSHES_PER_DAY = 20
PushesPerDay = Annotated[int, msgspec.Meta(ge=0, le=100)]


class Channels(Command, frozen=True):
    """Where a kind of notification is shown."""

    in_app: bool = True
    push: bool = True


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `notification_preferences`. Kinds that are not named follow their policy."""

    kinds: dict[str, Channels] = {}
    quiet_hours: QuietHours | None = None
    push_per_day: int = PUSHES_PER_DAY

    def channels(self, kind: NotificationKind) -> Channels:
        return self.kinds.get(kind) or Channels(in_app=True, push=POLICIES[kind].pushed)


USUAL = Preferences()
"""Of somebody who never said anything."""


class PreferencesView(View, frozen=True):
    kinds: dict[NotificationKind, Channels]
    quiet_hours: QuietHours | None
    push_per_day: int


class SetPreferences(Command, frozen=True):
    """All of them: what is left out is as usual again."""

    kinds: dict[NotificationKind, Channels] = {}
    quiet_hours: QuietHours | None = None
    push_per_day: PushesPerDay = PUSHES_PER_DAY


async def get_preferences(user: User, ports: Ports) -> PreferencesView:
    return preferences_view(await preferences_of(user.id, ports))


async def preferences_of(account_id: str, ports: Ports) -> Preferences:
    found = await ports.records.preferences.get_many([account_id])
    return found.get(account_id, USUAL)


async def set_preferences(command: SetPreferences, user: User, ports: Ports) -> PreferencesView:
    check_preferences(command)
    wanted = Preferences(
        kinds={str(kind): channels for kind, channels in command.kinds.items()},
        quiet_hours=command.quiet_hours,
        push_per_day=command.push_per_day,
    )
    await ports.records.preferences.put(user.id, wanted)
    return preferences_view(wanted)


def check_preferences(command: SetPreferences) -> None:
    for kind, channels in command.kinds.items():
        if POLICIES[kind].required and not channels.in_app:
            raise Invalid("Notices about your own account stay on in the app.", field="kinds")
    quiet = command.quiet_hours
    if quiet is not None and quiet.start == quiet.end:
        raise Invalid("Quiet hours begin and end at different times.", field="quiet_hours")


def preferences_view(preferences: Preferences) -> PreferencesView:
    return PreferencesView(
        kinds={kind: preferences.channels(kind) for kind in KINDS},
        quiet_hours=preferences.quiet_hours,
        push_per_day=preferences.push_per_day,
    )
