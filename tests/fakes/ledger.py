"""The points ledger in memory."""

from datetime import UTC, date

from msgspec.structs import replace

from domain.points import Entry
from tests.fakes.tables import Tables


class FakeLedger:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, entry: Entry) -> bool:
        if entry.key in self._tables.ledger:
            return False
        account = self._tables.accounts[entry.account_id]
        self._tables.ledger[entry.key] = entry
        self._tables.accounts[account.id] = replace(
            account, strength_points=account.strength_points + entry.change
        )
        return True

    async def lock_pair(self, giver_id: str, receiver_id: str) -> None:
        """Transactions come one at a time here."""

    async def earned(self, giver_id: str, receiver_id: str, day: date) -> int:
        return sum(
            entry.change
            for entry in self._tables.ledger.values()
            if (entry.account_id, entry.receiver_id, entry.reason) == (giver_id, receiver_id, "support")
            and entry.created_at.astimezone(UTC).date() == day
        )

    async def awards(self, post_id: str, ref: str | None) -> list[Entry]:
        return [
            entry
            for entry in self._tables.ledger.values()
            if (entry.post_id, entry.reason) == (post_id, "support") and ref in (None, entry.ref)
        ]

    async def balance(self, account_id: str) -> int:
        return sum(entry.change for entry in self._tables.ledger.values() if entry.account_id == account_id)
