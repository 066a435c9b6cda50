"""Fixtures of the engine's tests: nothing may reach the loop's exception handler."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from engine_harness import serving, until

from db.embedded.port import free_port
from realtime.engine.echo import make_server

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
async def unhandled() -> AsyncIterator[list[dict[str, Any]]]:
    """What the loop's exception handler was told; the test fails if that was anything."""
    loop = asyncio.get_running_loop()
    seen: list[dict[str, Any]] = []
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: seen.append(context))
    yield seen
    loop.set_exception_handler(before)
    assert seen == []


PATIENCE_SECONDS = 60.0
"""For an answer to a heartbeat: a busy machine may take its time."""
HASTE_SECONDS = 1.0
"""The same, where a test waits for it to pass."""


@pytest.fixture(scope="session")
async def echo_process() -> AsyncIterator[str]:
    """The echo server as its own process, which runs on uvloop."""
    async with _process(PATIENCE_SECONDS) as url:
        yield url


@pytest.fixture(scope="session")
async def hasty_process() -> AsyncIterator[str]:
    """Another that soon gives up those who do not answer its pings."""
    async with _process(HASTE_SECONDS) as url:
        yield url


@asynccontextmanager
async def _process(ping_timeout_seconds: float) -> AsyncIterator[str]:
    port = free_port()
    options = ["--port", str(port), "--ping-timeout", str(ping_timeout_seconds)]
    command = [sys.executable, "-m", "realtime.engine.echo", *options]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        await _answering(url)
        yield url
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture(params=["asyncio", "uvloop"])
async def echo_url(request: pytest.FixtureRequest, echo_process: str) -> AsyncIterator[str]:
    """The echo server: in this process on asyncio, and as a process on uvloop."""
    if request.param == "uvloop":
        yield echo_process
        return
    async with serving(make_server(PATIENCE_SECONDS)) as url:
        yield url


@pytest.fixture(params=["asyncio", "uvloop"])
async def hasty_url(request: pytest.FixtureRequest, hasty_process: str) -> AsyncIterator[str]:
    """As `echo_url`, of the server that soon gives up."""
    if request.param == "uvloop":
        yield hasty_process
        return
    async with serving(make_server(HASTE_SECONDS)) as url:
        yield url


async def _answering(url: str) -> None:
    answered: list[int] = []

    async def ask() -> None:
        async with aiohttp.ClientSession() as session:
            while not answered:
                try:
                    async with session.get(f"{url}/socket.io/") as response:
                        answered.append(response.status)
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.02)

    task = asyncio.create_task(ask())
    await until(lambda: answered)
    await task
