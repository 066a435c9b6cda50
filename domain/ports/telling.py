"""What still has to be told to whom, and where it reaches them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from domain.devices import Device, Platform
    from domain.events import Event
    from domain.notifications import Notification
    from domain.pages import Place
    from domain.preferences import Preferences


class Backlog(NamedTuple):
    """Open rows of the outbox, and for how many seconds the oldest has been open (0 without rows)."""

    rows: int
    oldest_seconds: float


class Outbox(Protocol):
    async def add(self, event: Event) -> None:
        """Adding an event id again changes nothing."""

    async def add_many(self, events: Sequence[Event]) -> None: ...

    async def mark_done(self, event_id: str, at: datetime) -> None: ...

    async def due(self, older_than: datetime, limit: int) -> list[Event]:
        """Not done, oldest first; one that failed waits ten seconds longer each time."""

    async def mark_failed(self, event_id: str) -> None:
        """Not for a lost store: for an event that cannot be told as it is."""

    async def reopen_since(self, moment: datetime) -> int:
        """Marks what was told since `moment` as not done, for a log that may have lost it."""

    async def prune(self, done_before: datetime, limit: int) -> int:
        """Deletes what was told long ago; returns how many."""

    async def missing(self, event_ids: Sequence[str]) -> set[str]:
        """Those of `event_ids` that were never recorded."""

    async def backlog(self, now: datetime) -> Backlog:
        """What should have been told by `now` and is not yet; events of the future do not count."""


class Notifications(Protocol):
    async def add(self, notifications: Sequence[Notification]) -> set[str]:
        """The ids that are new: who was notified of an event already, or is not there, gets none."""

    async def get(self, id: str) -> Notification | None: ...

    async def page(
        self, account_id: str, after: Place | None, limit: int, *, without: Sequence[str]
    ) -> list[Notification]:
        """Those shown in the app, newest first, but for what the actors `without` did."""

    async def unread(self, account_id: str, *, without: Sequence[str]) -> int: ...

    async def mark_read(
        self, account_id: str, ids: Sequence[str], until_id: str | None, at: datetime
    ) -> None:
        """By id, and everything up to and with `until_id`; keeps the first time."""

    async def prune(self, created_before: datetime, limit: int) -> int:
        """Deletes what is old; returns how many."""


class NotificationPreferences(Protocol):
    async def get_many(self, account_ids: Sequence[str]) -> dict[str, Preferences]:
        """Of those who ever set any."""

    async def put(self, account_id: str, preferences: Preferences) -> None: ...


class Devices(Protocol):
    """Devices of sessions that are open; one whose session has ended is not there any more."""

    async def put(self, device: Device, *, most: int) -> str:
        """Its id: the old one for a known token, whose owner and session change. Above `most` devices of
        an account those not seen for longest are dropped."""

    async def of_account(self, account_id: str) -> list[Device]:
        """Seen last comes first."""

    async def reachable(self, account_ids: Sequence[str], platforms: Sequence[Platform]) -> set[str]:
        """Which of these accounts have a device on one of these platforms."""

    async def remove(self, account_id: str, id: str) -> bool: ...

    async def prune(self, limit: int) -> int:
        """Deletes devices of ended sessions; returns how many."""


class Pace(NamedTuple):
    """What was pushed so far: this very notification, the last of its group, how many since a moment."""

    taken: bool
    last_of_group: datetime | None
    spent: int


class Pushes(Protocol):
    """Which notifications were pushed, for budgets and groups, and which devices had them."""

    async def lock(self, account_id: str) -> None:
        """Holds decisions about one account apart until the transaction ends."""

    async def pace(self, notification_id: str, account_id: str, group: str, since: datetime) -> Pace: ...

    async def take(self, notification_id: str, account_id: str, group: str, at: datetime) -> None: ...

    async def delivered(self, notification_id: str) -> set[str]:
        """Ids of devices."""

    async def mark_delivered(self, notification_id: str, device_id: str, at: datetime) -> None: ...
