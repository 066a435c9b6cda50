"""Trackers in memory."""

from collections.abc import Sequence
from datetime import datetime
from statistics import median_low

from msgspec.structs import replace

from domain.progress import CircleTotals
from domain.streaks import Streak
from domain.trackers import Tracker
from tests.fakes.tables import Tables


class FakeTrackers:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, tracker: Tracker, timezone: str | None) -> Tracker:
        key = (tracker.account_id, tracker.category)
        for other in self._tables.trackers.values():
            if (other.account_id, other.category) == key:
                return self._shown(other)
        self._tables.trackers[tracker.id] = replace(tracker, timezone=timezone or "")
        return self._shown(self._tables.trackers[tracker.id])

    def _shown(self, row: Tracker) -> Tracker:
        """A row without a time zone is in that of its account."""
        return replace(row, timezone=row.timezone or self._tables.accounts[row.account_id].timezone)

    async def get(self, id: str) -> Tracker | None:
        row = self._tables.trackers.get(id)
        return self._shown(row) if row else None

    async def lock(self, id: str) -> Tracker | None:
        return await self.get(id)

    async def of_account(self, account_id: str) -> list[Tracker]:
        mine = [row for row in self._tables.trackers.values() if row.account_id == account_id]
        return [self._shown(row) for row in sorted(mine, key=lambda row: row.id)]

    async def page(self, after: str, limit: int) -> list[Tracker]:
        ids = sorted(id for id in self._tables.trackers if id > after)
        return [self._shown(self._tables.trackers[id]) for id in ids[:limit]]

    async def move(self, id: str, timezone: str) -> Tracker | None:
        if id in self._tables.trackers:
            self._tables.trackers[id] = replace(self._tables.trackers[id], timezone=timezone)
        return await self.get(id)

    async def keep(self, id: str, streak: Streak) -> None:
        if id in self._tables.trackers:
            self._tables.trackers[id] = replace(self._tables.trackers[id], streak=streak)

    def _tracking(self) -> list[tuple[str, str]]:
        ids = {row.account_id for row in self._tables.trackers.values()}
        people = [self._tables.accounts[id] for id in sorted(ids)]
        return [(person.id, person.timezone) for person in people if person.status == "active"]

    async def timezones(self) -> list[str]:
        return sorted({timezone for _, timezone in self._tracking()})

    async def accounts_in(self, timezones: Sequence[str], after: str, limit: int) -> list[tuple[str, str]]:
        found = [one for one in self._tracking() if one[1] in timezones and one[0] > after]
        return found[:limit]

    async def of_circle(self, circle_id: str, category: str | None, active_since: datetime) -> CircleTotals:
        members = {account for circle, account in self._tables.memberships if circle == circle_id}
        people: dict[str, list[Streak]] = {}
        for row in self._tables.trackers.values():
            if row.account_id in members and category in (None, row.category):
                people.setdefault(row.account_id, []).append(row.streak)
        longest = [max(one.longest_run_days for one in streaks) for streaks in people.values()]
        total = [max(one.total_days for one in streaks) for streaks in people.values()]
        active = sum(
            any(one.last_check_in and one.last_check_in >= active_since for one in streaks)
            for streaks in people.values()
        )
        return CircleTotals(
            len(people), *(median_low(numbers or [0]) for numbers in (longest, total)), active
        )
