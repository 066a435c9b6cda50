"""The sign of life of a worker: its event loop says when it last turned, and its parent reads that."""

import asyncio
import mmap
import struct
import time
from typing import Final

HUNG_SECONDS: Final = 30.0
"""A worker that is silent for so long is taken for hung: a healthy one beats six times meanwhile."""
BEATS: Final = 6

_MOMENT: Final = struct.Struct("d")
_NEVER: Final = 0.0


class Pulse:
    """Made by the parent before it forks: both see the same memory. One process at a time beats in it."""

    def __init__(self, hung_seconds: float = HUNG_SECONDS) -> None:
        self.hung_seconds = hung_seconds
        self._memory = mmap.mmap(-1, _MOMENT.size)
        self._next: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """In the worker: beat until `end`, as long as the event loop turns."""
        _MOMENT.pack_into(self._memory, 0, time.monotonic())
        self._next = asyncio.get_running_loop().call_later(self.hung_seconds / BEATS, self.begin)

    def end(self) -> None:
        """In the worker: from now on silence means nothing."""
        if self._next is not None:
            self._next.cancel()
        self.forget()

    def forget(self) -> None:
        """In the parent: what a predecessor left says nothing about its successor."""
        _MOMENT.pack_into(self._memory, 0, _NEVER)

    def hangs(self, *, heard_since: float) -> bool:
        """In the parent, which could hear since the moment `heard_since` of the monotonic clock."""
        beaten_at: float = _MOMENT.unpack_from(self._memory)[0]
        return beaten_at != _NEVER and time.monotonic() - max(beaten_at, heard_since) > self.hung_seconds
