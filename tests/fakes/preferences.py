"""Preferences of notifications in memory."""

from collections.abc import Sequence

from domain.preferences import Preferences
from tests.fakes.tables import Tables


class FakePreferences:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def get_many(self, account_ids: Sequence[str]) -> dict[str, Preferences]:
        held = self._tables.preferences
        return {id: held[id] for id in account_ids if id in held}

    async def put(self, account_id: str, preferences: Preferences) -> None:
        self._tables.preferences[account_id] = preferences
