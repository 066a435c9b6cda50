"""Points, days and trackers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from domain.activity import Activity
    from domain.points import Entry, HelpCounts, Line
    from domain.progress import CircleTotals
    from domain.streaks import Streak
    from domain.trackers import Tracker


class Ledger(Protocol):
    async def add(self, entry: Entry) -> bool:
        """Writes the entry and its change to the balance; False when its key is known, or nobody's balance
        moves because the account was erased."""

    async def lock_pair(self, giver_id: str, receiver_id: str) -> None:
        """Holds awards from one giver to one receiver apart until the transaction ends."""

    async def earned(self, giver_id: str, receiver_id: str, day: date) -> int:
        """Points awarded on this UTC day."""

    async def award(self, key: str) -> Entry | None: ...

    async def awards(self, post_id: str, ref: str | None) -> list[Entry]:
        """The awards for help with a post, or only those of one response or support to it."""

    async def of_post(self, post_id: str, ref: str | None) -> list[Entry]:
        """As `awards`, with what was taken back and given again; in order."""

    async def balance(self, account_id: str) -> int:
        """The sum of the account's entries."""

    async def page(self, account_id: str, before: int | None, limit: int) -> list[Line]:
        """The account's entries that moved its balance, newest first."""

    async def help_counts(self, account_id: str) -> HelpCounts:
        """How often the account helped and was helped; what was taken back does not count."""

    async def drifted(self, limit: int) -> list[str]:
        """Accounts whose kept balance is not the sum of their entries."""

    async def repair(self, account_id: str) -> int:
        """Makes the kept balance the sum; returns by how much it was off. Only inside a transaction."""


class Activities(Protocol):
    async def add(self, activity: Activity) -> bool:
        """False when its `ref` is known."""

    async def days(self, account_id: str) -> list[date]:
        """The local days on which something happened, in order."""


class Trackers(Protocol):
    async def add(self, tracker: Tracker, timezone: str | None) -> Tracker:
        """The account's tracker of this category: the one there was, or this one.

        Without a `timezone` of its own it follows the account's.
        """

    async def get(self, id: str) -> Tracker | None: ...

    async def lock(self, id: str) -> Tracker | None:
        """The tracker, held against a parallel count until the transaction ends."""

    async def of_account(self, account_id: str) -> list[Tracker]:
        """Oldest first."""

    async def page(self, after: str, limit: int) -> list[Tracker]:
        """In the order of ids, those above `after` (all for an empty one)."""

    async def move(self, id: str, timezone: str) -> Tracker | None: ...

    async def keep(self, id: str, streak: Streak) -> None: ...

    async def timezones(self) -> list[str]:
        """Those of the active accounts that track something."""

    async def accounts_in(self, timezones: Sequence[str], after: str, limit: int) -> list[tuple[str, str]]:
        """(account id, time zone) of active accounts that track something, by id, above `after`."""

    async def of_circle(self, circle_id: str, category: str | None, active_since: datetime) -> CircleTotals:
        """Over its members who track `category` (or anything); medians are the lower ones, 0 of nobody."""
