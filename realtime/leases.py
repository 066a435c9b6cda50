"""Leases: how many sockets of an account are open on all servers together.

Each server counts its own and holds a lease for each; a killed server's leases lapse, and before that they
give way to who needs their place. What Redis holds is a count and nothing else: without it every server
counts alone, and what it lost it hears with the next renewal.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

import structlog

from domain.errors import Unavailable
from domain.ports import Ports, Socket
from realtime.beside import run_beside
from realtime.client import Client
from realtime.sessions import Sessions

log = structlog.get_logger(__name__)

RENEWALS_PER_LEASE = 3
"""Two may be lost."""
BEATS_PER_LEASE = 15
"""A server that misses three is taken for dead where somebody waits for the place of one of its sockets."""
RELEASE_SECONDS = 0.5
"""Sockets close in crowds; their leases are let go together."""
TAKE_SECONDS = 1.0
"""A Redis that hangs keeps nobody from coming in."""


class LeaseKeeper:
    def __init__(self, sessions: Sessions, ports: Ports) -> None:
        self._sessions = sessions
        self._ports = ports
        self._gone: defaultdict[str, list[str]] = defaultdict(list)

    async def take(self, client: Client) -> bool:
        """False for one socket too many. What closed here a moment ago does not count."""
        socket, most = socket_of(client), self._ports.settings.sockets_per_account
        gone = self._gone.pop(socket.account_id, [])
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                taken = await self._ports.leases.take(socket, most, gone=gone)
        except (Unavailable, TimeoutError) as error:
            log.warning("leases.local", error=type(error).__name__)
            self._gone[socket.account_id] += gone
        else:
            if not taken:
                return False
        client.leased = True
        return True

    def let_go(self, client: Client) -> None:
        if client.leased:
            client.leased = False
            self._gone[client.user.id].append(client.id)

    async def run(self) -> None:
        """Renews and lets go until cancelled."""
        loops = {
            "lease-renewal": self._renew_leases(),
            "lease-release": self._release_leases(),
            "lease-beat": self._beat(),
        }
        await run_beside(loops)

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(self._ports.settings.socket_lease_seconds / RENEWALS_PER_LEASE)
            held = [client for client in self._sessions.clients if client.leased]
            try:
                await self._ports.leases.renew([socket_of(client) for client in held])
            except Exception as error:  # noqa: BLE001  (whatever it is, the next renewal comes)
                log.warning("leases.not_renewed", error=type(error).__name__)
            self._let_go_again(held)

    def _let_go_again(self, renewed: Iterable[Client]) -> None:
        """Who closed meanwhile may have been renewed after they were let go."""
        for client in renewed:
            if not client.leased:
                self._gone[client.user.id].append(client.id)

    async def _beat(self) -> None:
        while True:
            try:
                await self._ports.leases.beat()
            except Exception as error:  # noqa: BLE001  (whatever it is, the next beat comes)
                log.warning("leases.no_beat", error=type(error).__name__)
            await asyncio.sleep(self._ports.settings.socket_lease_seconds / BEATS_PER_LEASE)

    async def _release_leases(self) -> None:
        while True:
            await asyncio.sleep(RELEASE_SECONDS)
            await self.release()

    async def release(self) -> None:
        """Lets go of what has closed; what cannot be told lapses by itself."""
        gone, self._gone = self._gone, defaultdict(list)
        sockets = [Socket(account_id, id) for account_id, ids in gone.items() for id in ids]
        try:
            await self._ports.leases.release(sockets)
        except Exception as error:  # noqa: BLE001  (whatever it is, they lapse)
            log.warning("leases.not_released", error=type(error).__name__)


def socket_of(client: Client) -> Socket:
    return Socket(client.user.id, client.id)
