"""Signs of life: a socket that nobody hears of any more keeps no place from a newcomer of its account.

A phone that changed networks leaves a socket behind that ends with its heartbeat, most of a minute later.
Whoever finds no place is told when to come back, and those who have one are asked whether they are there.
"""

import asyncio
import random

import structlog

from domain import rooms as room_names
from domain.errors import Unavailable
from domain.ports import Ports
from domain.presence import ephemeral_body
from domain.rooms import Logged
from domain.wire import View
from realtime.rooms import Rooms
from realtime.sessions import Sessions

log = structlog.get_logger(__name__)

ASKED = "~sockets:asked"
"""For servers only: the sockets of the account of the room are asked for a sign."""
TOO_MANY = "Too many of your devices are connected."
SIGN_SECONDS = 3.0
"""A slow phone answers within this; one that does not loses its connection, and comes back by itself."""
COME_BACK_SECONDS = (1.5, 3.5)
"""After that. A deadline may be a second late, and a lease half a second."""
TELL_SECONDS = 1.0
"""A Redis that hangs makes nobody wait to be refused."""


class SocketsAsked(View, frozen=True):
    """Data of `~sockets:asked`."""


class Signs:
    def __init__(self, sessions: Sessions, rooms: Rooms, ports: Ports) -> None:
        self._sessions = sessions
        self._ports = ports
        rooms.watch(ASKED, self._heard)

    async def no_place(self, account_id: str) -> Unavailable:
        """Why a newcomer is refused, and until when: then the places of those who are silent are free."""
        self._ask(account_id)
        room = room_names.user_room(account_id)
        try:
            async with asyncio.timeout(TELL_SECONDS):
                body = ephemeral_body(room, self._ports.now(), SocketsAsked())
                await self._ports.rooms.tell(room, ASKED, "", body)
        except (Unavailable, TimeoutError) as error:
            log.warning("signs.local", error=type(error).__name__)
        wait_seconds = SIGN_SECONDS + random.uniform(*COME_BACK_SECONDS)
        return Unavailable(TOO_MANY, retry_after=round(wait_seconds, 2))

    def _heard(self, room: str, event: Logged) -> None:
        self._ask(room_names.split(room)[1])

    def _ask(self, account_id: str) -> None:
        for client in self._sessions.of_account(account_id):
            if client.leased:
                client.connection.ask_for_sign(SIGN_SECONDS)
