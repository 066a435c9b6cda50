"""One connected client: who it is, and what this server remembers of it while it is connected."""

from datetime import datetime
from typing import Annotated

import msgspec

from domain.accounts import User
from domain.ids import new_id
from domain.rooms import Position
from domain.wire import END, Command
from realtime.budget import Budget
from realtime.engine import Connection

DeviceText = Annotated[str, msgspec.Meta(max_length=32, pattern=r"^[^\x00]*" + END)]


class Device(Command, frozen=True):
    """What a client says of the phone it runs on; empty for what it does not say."""

    platform: DeviceText = ""
    app_version: DeviceText = ""


class Client:
    """`blocked`: accounts this one never sees. `expires_at`: of the access token. `ended`: said goodbye.

    `budget` is shared with the other sockets of the account. `circle_threads`: open threads that only the
    members of a circle see, with the circle's id. `departures`: how often each circle was left; `left`: the
    rooms that were left with it and what was heard in them, until it is known that this was right. `reviews`:
    how often its open threads were looked at anew.
    """

    __slots__ = (
        "blocked",
        "budget",
        "circle_threads",
        "connection",
        "departures",
        "device",
        "ended",
        "expires_at",
        "id",
        "leased",
        "left",
        "reviews",
        "typed_at",
        "user",
    )

    def __init__(
        self, connection: Connection, user: User, expires_at: datetime, device: Device, budget: Budget
    ) -> None:
        self.id = new_id()
        self.connection = connection
        self.user = user
        self.expires_at = expires_at
        self.device = device
        self.budget = budget
        self.blocked: frozenset[str] = frozenset()
        self.circle_threads: dict[str, str] = {}
        self.departures: dict[str, int] = {}
        self.ended = False
        self.leased = False
        self.left: dict[str, dict[str, Position]] = {}
        self.reviews = 0
        self.typed_at = 0.0

    @property
    def here(self) -> bool:
        """Connected, or about to be; a connection outlives a client that was refused, or left."""
        connection = self.connection
        return connection.user is self and connection.sid is not None and not connection.closed

    @property
    def sid(self) -> str:
        if self.connection.sid is None:
            raise LookupError("the client is not connected")
        return self.connection.sid
