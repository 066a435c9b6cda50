"""One connected client: who it is, and what this server remembers of it while it is connected."""

import time
from datetime import datetime

from domain.accounts import User
from realtime.engine import Connection


class Client:
    """`blocked`: accounts this one never sees. `expires_at`: of the access token. `ended`: said goodbye."""

    __slots__ = (
        "_tokens",
        "_tokens_at",
        "blocked",
        "connection",
        "ended",
        "expires_at",
        "platform",
        "typed_at",
        "user",
    )

    def __init__(self, connection: Connection, user: User, expires_at: datetime, platform: str) -> None:
        self.connection = connection
        self.user = user
        self.expires_at = expires_at
        self.platform = platform
        self.blocked: frozenset[str] = frozenset()
        self.ended = False
        self.typed_at = 0.0
        self._tokens = float("inf")
        self._tokens_at = 0.0

    @property
    def sid(self) -> str:
        if self.connection.sid is None:
            raise LookupError("the client is not connected")
        return self.connection.sid

    def wait_seconds(self, events_per_minute: int) -> float:
        """Takes one from a token bucket that holds a minute's worth; 0, or the seconds until there is one."""
        now = time.monotonic()
        refilled = self._tokens + (now - self._tokens_at) * events_per_minute / 60
        self._tokens, self._tokens_at = min(float(events_per_minute), refilled), now
        if self._tokens < 1:
            return (1 - self._tokens) * 60 / events_per_minute
        self._tokens -= 1
        return 0.0
