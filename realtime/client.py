"""One connected client: who it is, and what this server remembers of it while it is connected."""

from datetime import datetime

from domain.accounts import User
from realtime.budget import Budget
from realtime.engine import Connection


class Client:
    """`blocked`: accounts this one never sees. `expires_at`: of the access token. `ended`: said goodbye.

    `budget` is shared with the other sockets of the account.
    """

    __slots__ = (
        "blocked",
        "budget",
        "connection",
        "ended",
        "expires_at",
        "platform",
        "typed_at",
        "user",
    )

    def __init__(
        self, connection: Connection, user: User, expires_at: datetime, platform: str, budget: Budget
    ) -> None:
        self.connection = connection
        self.user = user
        self.expires_at = expires_at
        self.platform = platform
        self.budget = budget
        self.blocked: frozenset[str] = frozenset()
        self.ended = False
        self.typed_at = 0.0

    @property
    def sid(self) -> str:
        if self.connection.sid is None:
            raise LookupError("the client is not connected")
        return self.connection.sid
