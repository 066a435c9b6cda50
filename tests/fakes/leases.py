"""Leases of sockets in memory."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.clock import Clock
from domain.ports import Socket


class FakeSocketLeases:
    def __init__(self, now: Clock, *, lease_seconds: float) -> None:
        self._now = now
        self._lease = timedelta(seconds=lease_seconds)
        self._ends: dict[Socket, datetime] = {}

    async def take(self, socket: Socket, most: int, *, gone: Sequence[str] = ()) -> bool:
        await self.release([Socket(socket.account_id, id) for id in gone])
        now = self._now()
        held = [one for one, ends in self._ends.items() if one.account_id == socket.account_id and ends > now]
        if len(held) >= most:
            return False
        await self.renew([socket])
        return True

    async def renew(self, sockets: Sequence[Socket]) -> None:
        self._ends |= dict.fromkeys(sockets, self._now() + self._lease)

    async def release(self, sockets: Sequence[Socket]) -> None:
        for socket in sockets:
            self._ends.pop(socket, None)
