"""Leases of sockets in memory."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.clock import Clock
from domain.ports import Socket


class Lease(NamedTuple):
    ends: datetime
    server: "FakeSocketLeases"


class FakeSocketLeases:
    """Those of one server; `beside` makes those of another one."""

    def __init__(self, now: Clock, *, lease_seconds: float, silence_seconds: float | None = None) -> None:
        self._now = now
        self._lease = timedelta(seconds=lease_seconds)
        self._silence = timedelta(seconds=silence_seconds or lease_seconds / 5)
        self._heard_until = now()
        self._leases: dict[Socket, Lease] = {}

    def beside(self) -> "FakeSocketLeases":
        other = FakeSocketLeases(self._now, lease_seconds=1)
        other._lease, other._silence, other._leases = self._lease, self._silence, self._leases
        return other

    async def take(self, socket: Socket, most: int, *, gone: Sequence[str] = ()) -> bool:
        await self.release([Socket(socket.account_id, id) for id in gone])
        await self.beat()
        held = self._held(socket.account_id)
        if len(held) >= most:
            await self.release([one for one in held if self._leases[one].server._heard_until <= self._now()])
        if len(self._held(socket.account_id)) >= most:
            return False
        await self.renew([socket])
        return True

    async def beat(self) -> None:
        self._heard_until = self._now() + self._silence

    async def renew(self, sockets: Sequence[Socket]) -> None:
        self._leases |= dict.fromkeys(sockets, Lease(self._now() + self._lease, self))

    async def release(self, sockets: Sequence[Socket]) -> None:
        for socket in sockets:
            self._leases.pop(socket, None)

    def _held(self, account_id: str) -> list[Socket]:
        now = self._now()
        return [
            one for one, lease in self._leases.items() if one.account_id == account_id and lease.ends > now
        ]
