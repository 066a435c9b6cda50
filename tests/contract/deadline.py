"""Looking until something is so."""

import asyncio
from collections.abc import Awaitable, Callable

DEADLINE_SECONDS = 60.0
LOOK_SECONDS = 0.01


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Returns as soon as `condition` holds; fails at the deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await condition():  # noqa: ASYNC110  (what is looked at has no event of ours)
            await asyncio.sleep(LOOK_SECONDS)
