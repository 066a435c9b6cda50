"""Presence in memory."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.clock import Clock
from domain.presence import Status


class FakePresence:
    def __init__(self, now: Clock, *, grace_seconds: float) -> None:
        self._now = now
        self._grace = timedelta(seconds=grace_seconds)
        self._ends: dict[str, datetime] = {}
        self._said: dict[str, Status] = {}

    async def touch(self, account_ids: Sequence[str]) -> list[str]:
        came = [account_id for account_id in account_ids if account_id not in self._ends]
        self._ends |= dict.fromkeys(account_ids, self._now() + self._grace)
        return came

    async def set_status(self, account_id: str, status: Status) -> None:
        self._said[account_id] = status

    async def statuses(self, account_ids: Sequence[str]) -> dict[str, Status]:
        now = self._now()
        here = [id for id in account_ids if id in self._ends and self._ends[id] > now]
        return {id: self._said.get(id, "available") for id in here}

    async def pop_expired(self) -> list[str]:
        now = self._now()
        gone = [id for id, ends in self._ends.items() if ends <= now]
        for id in gone:
            del self._ends[id]
            self._said.pop(id, None)
        return gone

    async def helping(self) -> list[str]:
        asked = [id for id, status in self._said.items() if status == "helping"]
        return list(await self.statuses(asked))
