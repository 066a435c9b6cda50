"""Loops that must live: named, backing off with jitter, reporting every failure."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from math import inf
from time import monotonic
from typing import Any

import structlog

from workers.metrics import LOOP_FAILURES

log = structlog.get_logger(__name__)

INSIST_SECONDS = 0.1
BACKOFF_BASE_SECONDS = 0.1
BACKOFF_CAP_SECONDS = 5.0


async def keep_alive(name: str, step: Callable[[], Awaitable[None]]) -> None:
    """Call `step` again and again until cancelled, however it fails.

    Only failures in a row are waited for longer each time; a step that went well for a while begins anew,
    also one that would never return.
    """
    failures = 0
    while True:
        began = monotonic()
        try:
            await step()
            failures = 0
        except Exception as error:  # noqa: BLE001  (whatever it is, the loop has to go on)
            failures = 1 if monotonic() - began > BACKOFF_CAP_SECONDS else failures + 1
            LOOP_FAILURES.labels(name).inc()
            log.warning("loop.failed", loop=name, error=type(error).__name__, failures=failures)
            await asyncio.sleep(backoff_seconds(failures))


def backoff_seconds(failures: int) -> float:
    ceiling = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2.0 ** min(failures - 1, 30))
    return ceiling * random.uniform(0.5, 1.0)


async def cancel_all(tasks: Collection["asyncio.Task[Any]"], *, within_seconds: float = inf) -> None:
    """Cancel until they have ended, or the time is over.

    Once is not enough: on Python 3.11 `asyncio.wait_for` (which redis-py sends every command with) swallows a
    cancellation that arrives while what it waits for is just done.
    """
    deadline = asyncio.get_running_loop().time() + within_seconds
    pending = set(tasks)
    while pending and asyncio.get_running_loop().time() < deadline:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=INSIST_SECONDS)
