"""Socket.IO clients as people use them, against three processes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import socketio
from front_harness import DEADLINE_SECONDS, ROOT, Service, owner, within

from tests.official_client import installed_client

CLIENTS = 30
OFFICIAL = ROOT / "tests" / "engine" / "js"


@contextlib.asynccontextmanager
async def connected(service: Service, **options: Any) -> AsyncIterator[list[socketio.AsyncClient]]:
    """Thirty clients that connected all at once."""
    clients = [socketio.AsyncClient() for _ in range(CLIENTS)]
    patient = {"wait_timeout": DEADLINE_SECONDS, **options}
    try:
        await within(asyncio.gather(*(client.connect(service.url, **patient) for client in clients)))
        yield clients
    finally:
        await within(asyncio.gather(*(client.disconnect() for client in clients)))


async def answers(clients: Sequence[socketio.AsyncClient]) -> list[Any]:
    """What each is acknowledged for its own number."""
    asked = (client.call("message-with-ack", number) for number, client in enumerate(clients))
    return list(await within(asyncio.gather(*asked)))


async def test_default_clients_are_upgraded_on_every_worker(service: Service) -> None:
    async with connected(service) as clients:
        assert {client.transport() for client in clients} == {"websocket"}
        assert {owner(client.eio.sid) for client in clients} == {0, 1, 2}
        assert await answers(clients) == list(range(CLIENTS))


async def test_polling_clients_stay_with_their_worker(service: Service) -> None:
    async with connected(service, transports=["polling"]) as clients:
        assert {client.transport() for client in clients} == {"polling"}
        assert {owner(client.eio.sid) for client in clients} == {0, 1, 2}
        for _ in range(3):
            assert await answers(clients) == list(range(CLIENTS))


async def test_websocket_clients_need_no_other_worker(service: Service) -> None:
    async with connected(service, transports=["websocket"]) as clients:
        assert await answers(clients) == list(range(CLIENTS))


@pytest.fixture(scope="session")
async def official_client() -> Path:
    """The official client and the engine's script, installed once per lock file outside of the repository."""
    return await installed_client()


@pytest.mark.parametrize(
    ("options", "transport"),
    [
        ({}, "websocket"),
        ({"transports": ["websocket"]}, "websocket"),
        ({"transports": ["polling"]}, "polling"),
    ],
    ids=["default options", "websocket only", "polling only"],
)
async def test_the_official_client_is_at_home(
    service: Service, official_client: Path, options: dict[str, Any], transport: str
) -> None:
    node = await asyncio.create_subprocess_exec(
        "node", str(official_client), service.url, json.dumps(options), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await within(node.communicate())
    assert node.returncode == 0
    findings = {name: value for line in output.splitlines() for name, value in json.loads(line).items()}
    assert findings["transport"] == transport
    assert findings["binary"] == [[1, 2, 3], "four"]
    assert [findings[name] for name in ("ordered", "reconnected", "alive")] == [True] * 3
    assert findings["ack_after"] == "again"
