"""The points ledger in memory."""

from datetime import UTC, date

from msgspec.structs import replace

from domain.points import Entry, HelpCounts, Line
from tests.fakes.tables import Tables


class FakeLedger:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, entry: Entry) -> bool:
        if entry.key in self._tables.ledger:
            return False
        self._tables.ledger[entry.key] = entry
        account = self._tables.accounts.get(entry.account_id)
        if account is None:
            return False
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

    async def of_post(self, post_id: str, ref: str | None) -> list[Entry]:
        entries = self._tables.ledger.values()
        return [entry for entry in entries if entry.post_id == post_id and ref in (None, entry.ref)]

    async def award(self, key: str) -> Entry | None:
        return self._tables.ledger.get(key)

    async def balance(self, account_id: str) -> int:
        return sum(entry.change for entry in self._tables.ledger.values() if entry.account_id == account_id)

    async def page(self, account_id: str, before: int | None, limit: int) -> list[Line]:
        lines = [Line(number, entry) for number, entry in enumerate(self._tables.ledger.values(), 1)]
        mine = [line for line in lines if line.entry.account_id == account_id and line.entry.change]
        return [line for line in reversed(mine) if before is None or line.number < before][:limit]

    async def help_counts(self, account_id: str) -> HelpCounts:
        awards = [entry for entry in self._tables.ledger.values() if entry.reason == "support"]
        awards = [entry for entry in awards if self._corrections(entry) % 2 == 0]
        given = [entry for entry in awards if entry.account_id == account_id]
        received = [entry for entry in awards if entry.receiver_id == account_id]
        return HelpCounts(len(given), len(received), len({entry.receiver_id for entry in given}))

    def _corrections(self, award: Entry) -> int:
        what = (award.post_id, award.account_id, award.kind)
        entries = self._tables.ledger.values()
        return sum((one.post_id, one.account_id, one.kind) == what for one in entries) - 1

    async def drifted(self, limit: int) -> list[str]:
        accounts = [one for one in self._tables.accounts.values() if one.status != "erased"]
        return [one.id for one in accounts if one.strength_points != await self.balance(one.id)][:limit]

    async def repair(self, account_id: str) -> int:
        account = self._tables.accounts.get(account_id)
        if account is None:
            return 0
        balance = await self.balance(account_id)
        self._tables.accounts[account_id] = replace(account, strength_points=balance)
        return account.strength_points - balance
