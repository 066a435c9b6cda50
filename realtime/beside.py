"""Loops side by side."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any


async def run_beside(loops: Mapping[str, Coroutine[Any, Any, None]]) -> None:
    """Runs loops that never end, by the names of their tasks, until cancelled; each cancellation reaches all.

    A TaskGroup passes only the first one on, and `asyncio.wait_for` of Python 3.11, which redis-py uses, may
    swallow that: whoever insists would insist in vain.
    """
    await asyncio.gather(*(asyncio.create_task(loop, name=name) for name, loop in loops.items()))
