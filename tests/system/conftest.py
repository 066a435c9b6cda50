"""Real processes over the stores of the session, or over stores of their own for tests that kill those."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest

from db.embedded.folder import Folder
from demo.cluster import Cluster, Process, cluster
from demo.phone import Phone

StartPhone = Callable[..., Awaitable[Phone]]


SETTINGS = {
    "SERVER_ENV": "test",
    "POSTS_PER_HOUR": "100000",
    "REGISTRATIONS_PER_HOUR": "100000",
    "EVENTS_PER_MINUTE": "100000",
    "DRAIN_SECONDS": "2",
}


@pytest.fixture
async def servers(
    tmp_path: Path, postgres_url: str, mongodb_uri: str, redis_url: str
) -> AsyncIterator[Cluster]:
    stores = {
        "POSTGRES_URL": postgres_url,
        "MONGODB_URI": mongodb_uri,
        "MONGODB_DATABASE": urlsplit(mongodb_uri).path.strip("/"),
        "REDIS_URL": redis_url,
    }
    async with cluster(tmp_path, **SETTINGS, **stores) as started:
        yield started


@pytest.fixture
async def self_contained(tmp_path: Path) -> AsyncIterator[Cluster]:
    """The first process starts stores in the folder, the others share them."""
    async with cluster(tmp_path, **SETTINGS) as started:
        yield started


@pytest.fixture
async def start_phone() -> AsyncIterator[StartPhone]:
    phones: list[Phone] = []
    async with aiohttp.ClientSession() as http:

        async def start(server: Process, name: str = "somebody", **fields: str) -> Phone:
            phone = Phone(http, server.url, name)
            phones.append(phone)
            await phone.register(**fields)
            await phone.connect()
            return phone

        yield start
        for phone in phones:
            await phone.disconnect()


def store_process(servers: Cluster, name: str) -> psutil.Process:
    """The embedded store of servers with stores of their own: `postgresql`, `mongodb` or `valkey`."""
    return psutil.Process(Folder.create(servers.folder / "data").load().pids[name])


@contextlib.contextmanager
def suspended(processes: list[psutil.Process]) -> Iterator[None]:
    """They and their children hang meanwhile: connections stay open and nobody answers."""
    family = [one for process in processes for one in (process, *process.children(recursive=True))]
    for process in family:
        process.suspend()
    try:
        yield
    finally:
        for process in family:
            process.resume()
