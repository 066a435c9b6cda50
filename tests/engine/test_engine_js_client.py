"""The official JavaScript client under Node, as it comes from npm."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from engine_harness import within

from tests.official_client import installed_client


@pytest.fixture(scope="session")
async def client() -> Path:
    return await installed_client()


async def findings(script: Path, url: str, options: dict[str, Any]) -> dict[str, Any]:
    """What the client found out, in one dictionary."""
    node = await asyncio.create_subprocess_exec(
        "node", str(script), url, json.dumps(options), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await within(node.communicate())
    assert node.returncode == 0
    return {name: value for line in output.splitlines() for name, value in json.loads(line).items()}


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
    echo_url: str, client: Path, options: dict[str, Any], transport: str
) -> None:
    assert await findings(client, echo_url, options) == {
        "connected": True,
        "auth": {"token": "123"},
        "transport": transport,
        "back": [1, "zwei", {"three": [True, None]}],
        "ack": "ä",
        "binary": [[1, 2, 3], "four"],
        "ordered": True,
        "custom": {"token": "456"},
        "refused": "Invalid namespace",
        "reconnected": True,
        "ack_after": "again",
        "alive": True,
    }
