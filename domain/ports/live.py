"""Rooms, queues, presence and limits: the Redis side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from domain.jobs import JobFeed, JobQueue

if TYPE_CHECKING:
    from domain.events import Publication
    from domain.presence import Status
    from domain.rooms import Logged, Position, Slice


class RoomLogs(Protocol):
    async def publish(self, publication: Publication) -> int:
        """The event's seq in its room; publishing an event id again answers the same seq."""

    async def tell(self, room: str, event: str, actor: str, body: bytes) -> None:
        """Tells the room's listeners now, and nobody later: no seq, no log."""

    async def read(self, room: str, after: int, limit: int) -> Slice:
        """Events above `after` (the newest `limit` of them) and the log's position."""

    async def redact(self, room: str, actor: str) -> int:
        """Empties what the log holds of an account's doings, all but removals: nobody needs to hear of those
        again, and positions stay what they were. Returns how many events."""

    async def forget(self, room: str) -> int:
        """Deletes a log; returns how many events were in it."""

    async def server_run(self) -> str:
        """Changes when the server behind the logs was restarted and may have lost its newest second."""

    async def positions(self, rooms: Sequence[str]) -> dict[str, Position]: ...


class Queue(JobQueue, JobFeed, Protocol):
    """Both sides of the job queue: those who push and those who run."""


class Presence(Protocol):
    async def touch(self, account_ids: Sequence[str]) -> list[str]:
        """Keeps accounts here for another grace; returns those who were not here."""

    async def set_status(self, account_id: str, status: Status) -> None: ...

    async def statuses(self, account_ids: Sequence[str]) -> dict[str, Status]:
        """Of those who are here."""

    async def pop_expired(self) -> list[str]:
        """Some of the accounts whose grace is over, each given to one caller only; none if none is."""

    async def helping(self) -> list[str]:
        """Accounts that are here and ask to be told of an SOS."""


class Socket(NamedTuple):
    """One open socket of an account, on whatever server."""

    account_id: str
    id: str


class SocketLeases(Protocol):
    """Which sockets are open; one whose lease is not renewed is not counted any more.

    Nor is one whose server gave no sign of life for a while, once its account has no room for another.
    """

    async def take(self, socket: Socket, most: int, *, gone: Sequence[str] = ()) -> bool:
        """False when `most` others of the account are open, without those that are `gone`. A sign of life."""

    async def beat(self) -> None:
        """This server's sign of life."""

    async def renew(self, sockets: Sequence[Socket]) -> None: ...

    async def release(self, sockets: Sequence[Socket]) -> None: ...


class RateLimits(Protocol):
    async def wait_seconds(self, scope: str, key: str, limit: int, window_seconds: int) -> float:
        """Counts one and answers 0, or answers the seconds to wait without counting it."""


class RoomFeed(Protocol):
    """What a server hears live: events of the rooms it subscribed to, at most once each."""

    async def subscribe(self, room: str) -> None:
        """Returns when it hears the room; raises `Unavailable`, and hears it as soon as that is possible."""

    def unsubscribe(self, room: str) -> None:
        """At once."""

    def silent_seconds(self) -> float:
        """Since anything was heard; a feed that lives is never silent for long."""

    async def run(self, hear: Callable[[str, Logged], None], again: Callable[[str], None]) -> None:
        """Listens until cancelled; calls `again(room)` when a room was not heard for a while and is now."""
