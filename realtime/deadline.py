"""A time-out that costs nothing for what does not wait."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

from realtime.engine.carrier import resumed

T = TypeVar("T")


@types.coroutine
def within(seconds: float, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Awaits `work`; raises `TimeoutError` when it takes longer. The clock is set when it first waits."""
    try:
        waiting = work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    return (yield from _timed(seconds, work, waiting).__await__())


async def _timed(seconds: float, work: Coroutine[Any, Any, T], waiting: Any) -> T:
    async with asyncio.timeout(seconds):
        result: T = await resumed(work, waiting, None)
        return result
