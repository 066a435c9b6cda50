"""Several frames for one client in one system call.

A write to a socket costs more than everything before it. Frames for a client are gathered until the end of
the loop's turn, and in a burst for `gather_seconds`, or for as long as the last round of writing took (up to
`LONGEST_WAIT` times that): the first goes out at once, those right behind it together.
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from realtime.engine.connection import Connection

LONGEST_WAIT: Final = 5
"""In units of `gather_seconds`. A round for a large room takes longer than that; waiting as long again halves
the number of rounds, and nobody waits for more than a few milliseconds."""


class Gathering:
    """Which connections have frames to be written, and when that happens.

    limit_bytes: flushed at once when more was gathered, so no client holds more than that here.
    """

    __slots__ = ("_bytes", "_dirty", "_next_at", "_scheduled", "_seconds", "limit_bytes")

    def __init__(self, seconds: float, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._seconds = seconds
        self._bytes = 0
        self._dirty: list[Connection] = []
        self._next_at = 0.0
        self._scheduled: asyncio.Handle | None = None

    def add(self, members: "Iterable[Connection]", data: bytes) -> "list[Connection]":
        """Gather `data` for those that take it directly; the others."""
        late = []
        dirty = self._dirty
        for member in members:
            if member.direct:
                pending = member.pending
                if not pending:
                    dirty.append(member)
                pending.append(data)
            else:
                late.append(member)
        self._added(data)
        return late

    def add_one(self, member: "Connection", data: bytes) -> None:
        """Gather `data` for one connection that is `direct`."""
        if not member.pending:
            self._dirty.append(member)
        member.pending.append(data)
        self._added(data)

    def flush(self) -> None:
        """Write everything. Clients that wait for the same frames share the joined bytes."""
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled = None
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        self._bytes = 0
        dirty, self._dirty = self._dirty, []
        frames: list[bytes] = []
        data = b""
        for member in dirty:
            pending = member.pending
            if pending:
                if pending != frames:
                    frames, data = pending, joined(pending)
                member.pending = []
                member.write_out(data)
        now = loop.time()
        self._next_at = now + max(self._seconds, min(now - began_at, self._seconds * LONGEST_WAIT))

    def _added(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > self.limit_bytes:
            self.flush()
        elif self._scheduled is None:
            self._schedule(asyncio.get_running_loop())

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        wait = self._next_at - loop.time()
        self._scheduled = loop.call_later(wait, self.flush) if wait > 0 else loop.call_soon(self.flush)


def joined(frames: list[bytes]) -> bytes:
    """All frames in one piece."""
    return frames[0] if len(frames) == 1 else b"".join(frames)
