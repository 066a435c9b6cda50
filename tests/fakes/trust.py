"""Standings and thanks in memory."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from domain.standings import Standing
from domain.trust import Thank
from tests.fakes.tables import Tables


class FakeStandings:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def get(self, account_id: str) -> Standing:
        return self._tables.standings.get(account_id, Standing(account_id=account_id))

    async def update(self, account_id: str, changes: dict[str, Any]) -> None:
        if account_id in self._tables.accounts:
            self._tables.standings[account_id] = replace(await self.get(account_id), **changes)

    async def end_ban(self, account_id: str, now: datetime) -> bool:
        until = (await self.get(account_id)).banned_until
        if until is None or until > now:
            return False
        await self.update(account_id, {"banned_until": None})
        return True

    async def banned_before(self, moment: datetime, *, limit: int) -> list[str]:
        banned = [
            (one.banned_until, one.account_id) for one in self._tables.standings.values() if one.banned_until
        ]
        return [account_id for until, account_id in sorted(banned) if until <= moment][:limit]


class FakeThanks:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, thank: Thank) -> bool:
        known = thank.response_id in self._tables.thanks
        self._tables.thanks.setdefault(thank.response_id, thank)
        return not known

    async def of_helper(self, helper_id: str, since: datetime, limit: int) -> list[Thank]:
        rows = self._tables.thanks.values()
        found = [one for one in rows if one.helper_id == helper_id and one.at >= since]
        return sorted(found, key=lambda one: (-one.at.timestamp(), one.response_id))[:limit]
