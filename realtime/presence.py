"""Keeps the accounts of this server's sockets present, and tells who came and whose grace is over."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from domain import presence
from domain.errors import DomainError
from domain.ports import Ports
from realtime.beside import run_beside
from realtime.sessions import Sessions

log = structlog.get_logger(__name__)

SIGNS_PER_GRACE = 6
"""An account gives this many signs of life in one grace: some may be lost, and a tunnel may be long."""


class PresenceKeeper:
    def __init__(self, sessions: Sessions, ports: Ports) -> None:
        self._sessions = sessions
        self._ports = ports
        self._came: deque[str] = deque()

    async def run(self) -> None:
        """Until cancelled; without Redis nobody is seen to come or go.

        Signs of life do not wait for what is told: when all came at once, that takes longer than a grace.
        """
        grace_seconds = self._ports.settings.presence_grace_seconds
        sign_seconds, look_seconds = grace_seconds / SIGNS_PER_GRACE, grace_seconds / presence.LOOKS_PER_GRACE
        loops = {
            "presence-signs": self._again_and_again(self._stay, sign_seconds),
            "presence-arrivals": self._again_and_again(self._tell_arrivals, look_seconds),
            "presence-departures": self._again_and_again(self._tell_departures, look_seconds),
        }
        await run_beside(loops)

    async def _again_and_again(self, work: Callable[[], Awaitable[None]], pause_seconds: float) -> None:
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001  (whatever it is, people come and go)
                log.warning("presence.lost", error=type(error).__name__)
            await asyncio.sleep(pause_seconds)

    async def _stay(self) -> None:
        self._came += await self._ports.presence.touch(self._sessions.account_ids)

    async def _tell_arrivals(self) -> None:
        while self._came:
            await presence.tell_arrivals([self._came[0]], self._ports)
            self._came.popleft()

    async def _tell_departures(self) -> None:
        await presence.depart_expired(self._ports)

    async def arrive(self, account_id: str) -> None:
        """A first sign right after the connect."""
        try:
            await presence.tell_arrivals(await self._ports.presence.touch([account_id]), self._ports)
        except DomainError as error:
            log.warning("presence.lost", code=error.code)
