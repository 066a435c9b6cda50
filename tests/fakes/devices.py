"""Devices in memory."""

from collections.abc import Sequence

from msgspec.structs import replace

from domain.devices import Device, Platform
from tests.fakes.tables import Tables


class FakeDevices:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def put(self, device: Device, *, most: int) -> str:
        known = [one.id for one in self._tables.devices.values() if one.token_key == device.token_key]
        id = known[0] if known else device.id
        self._tables.devices[id] = replace(device, id=id)
        for old in self._of(device.account_id)[most:]:
            self._forget(old.id)
        return id

    def _of(self, account_id: str) -> list[Device]:
        mine = [one for one in self._tables.devices.values() if one.account_id == account_id]
        return sorted(mine, key=lambda one: (one.seen_at, one.id), reverse=True)

    def _forget(self, id: str) -> None:
        del self._tables.devices[id]
        for key in [key for key in self._tables.push_deliveries if key[1] == id]:
            del self._tables.push_deliveries[key]

    def _is_open(self, device: Device) -> bool:
        return self._tables.sessions[device.session_id].ended_at is None

    async def of_account(self, account_id: str) -> list[Device]:
        return [one for one in self._of(account_id) if self._is_open(one)]

    async def reachable(self, account_ids: Sequence[str], platforms: Sequence[Platform]) -> set[str]:
        return {
            one.account_id
            for one in self._tables.devices.values()
            if one.account_id in account_ids and one.platform in platforms and self._is_open(one)
        }

    async def remove(self, account_id: str, id: str) -> bool:
        device = self._tables.devices.get(id)
        if device is None or device.account_id != account_id:
            return False
        self._forget(id)
        return True

    async def prune(self, limit: int) -> int:
        ended = [one.id for one in self._tables.devices.values() if not self._is_open(one)][:limit]
        for id in ended:
            self._forget(id)
        return len(ended)
