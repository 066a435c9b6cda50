"""Who waits for a human answer, for alerts: the time that answers took says nothing of an SOS without one.

Every worker looks and shows the same; take the highest.
"""

import asyncio

from domain import ladder
from domain.ports import Ports
from workers.loop import keep_alive
from workers.metrics import SOS_OLDEST_SECONDS, SOS_WAITING

LOOK_SECONDS = 15.0


async def watch_waiting(ports: Ports) -> None:
    """Until cancelled."""

    async def look() -> None:
        await show_waiting(ports)
        await asyncio.sleep(LOOK_SECONDS)

    await keep_alive("sos-waiting", look)


async def show_waiting(ports: Ports) -> None:
    waiting = await ladder.unanswered(ports)
    SOS_WAITING.set(waiting.open)
    SOS_OLDEST_SECONDS.set(waiting.oldest_seconds)
