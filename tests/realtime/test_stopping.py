"""A server may be told to stop at any moment, also in the middle of what it asks Redis."""

import asyncio

from realtime.beside import run_beside
from tests.realtime.conftest import running_server, settings_for

ROUNDS = 12
TURN_SECONDS = 0.003


async def test_a_server_stops_whenever_it_is_told_to(
    postgres_url: str, mongodb_uri: str, redis_url: str
) -> None:
    """A redis-py call may swallow the first cancellation: each round hits another moment."""
    settings = settings_for(postgres_url, mongodb_uri, redis_url)
    for number in range(ROUNDS):
        async with running_server(settings):
            await asyncio.sleep(number * TURN_SECONDS)


async def test_every_cancellation_reaches_every_loop() -> None:
    begun, swallowed = asyncio.Semaphore(0), list[str]()

    async def stubborn(name: str) -> None:
        begun.release()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.append(name)
        await asyncio.Event().wait()

    running = asyncio.create_task(run_beside({name: stubborn(name) for name in ("one", "other")}))
    for _ in range(2):
        await begun.acquire()
    while not running.done():
        running.cancel()
        await asyncio.wait([running], timeout=TURN_SECONDS)
    assert sorted(swallowed) == ["one", "other"]
    assert running.cancelled()
