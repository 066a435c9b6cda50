"""Keeps the accounts of this server's sockets present, and tells when somebody's grace is over."""

import asyncio

import structlog

from domain import presence
from domain.errors import DomainError
from domain.ports import Ports
from realtime.sessions import Sessions

log = structlog.get_logger(__name__)

SIGNS_PER_GRACE = 3
"""An account gives this many signs of life in one grace: one may be lost."""


class PresenceKeeper:
    def __init__(self, sessions: Sessions, ports: Ports) -> None:
        self._sessions = sessions
        self._ports = ports

    async def run(self) -> None:
        """Until cancelled; without Redis nobody is seen to come or go."""
        pause = self._ports.settings.presence_grace_seconds / SIGNS_PER_GRACE
        while True:
            try:
                await presence.arrive(self._sessions.account_ids, self._ports)
                await presence.depart_expired(self._ports)
            except Exception as error:  # noqa: BLE001  (whatever it is, people come and go)
                log.warning("presence.lost", error=type(error).__name__)
            await asyncio.sleep(pause)

    async def arrive(self, account_id: str) -> None:
        """A first sign right after the connect."""
        try:
            await presence.arrive([account_id], self._ports)
        except DomainError as error:
            log.warning("presence.lost", code=error.code)
