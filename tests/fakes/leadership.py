"""Leadership within one process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class FakeLeadership:
    def __init__(self) -> None:
        self._held: set[str] = set()

    @asynccontextmanager
    async def lead(self, name: str) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
        leading = name not in self._held
        self._held.add(name)

        async def leads() -> bool:
            return leading

        try:
            yield leads
        finally:
            if leading:
                self._held.discard(name)
