"""The echo service from three processes, on both event loops."""

from collections.abc import AsyncIterator

import pytest
from front_harness import Service, StartService


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
async def service(request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    """Shared by tests that leave it as it was."""
    started = await Service.start("--loop", request.param)
    await started.ready(3)
    yield started
    await started.stop()


@pytest.fixture
async def start() -> AsyncIterator[StartService]:
    """Starts services that are stopped after the test, if they still run."""
    started: list[Service] = []

    async def start_service(*options: str) -> Service:
        started.append(await Service.start(*options))
        return started[-1]

    yield start_service
    for each in started:
        await each.stop()
