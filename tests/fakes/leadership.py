"""Leadership within one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FakeLeadership:
    def __init__(self) -> None:
        self._held: set[str] = set()

    @asynccontextmanager
    async def lead(self, name: str) -> AsyncIterator[bool]:
        if name in self._held:
            yield False
            return
        self._held.add(name)
        try:
            yield True
        finally:
            self._held.discard(name)
