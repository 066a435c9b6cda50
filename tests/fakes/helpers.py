"""Helpers' settings in memory."""

from domain.helping import HelperSettings
from tests.fakes.tables import Tables


class FakeHelpers:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def get(self, account_id: str) -> HelperSettings | None:
        return self._tables.helper_settings.get(account_id)

    async def put(self, settings: HelperSettings) -> None:
        self._tables.helper_settings[settings.account_id] = settings
