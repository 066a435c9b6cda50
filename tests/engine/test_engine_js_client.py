"""The official JavaScript client under Node, as it comes from npm."""

import asyncio
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from engine_harness import within

HERE = Path(__file__).parent / "js"


@pytest.fixture(scope="session")
def client_folder() -> Path:
    """The client, installed once per lock file outside of the repository."""
    node, npm = shutil.which("node"), shutil.which("npm")
    assert node, "these tests need Node.js: the official client is the reference"
    assert npm, "these tests need npm"
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"engine-js-client-{os.getuid()}-{digest}"


@pytest.fixture(scope="session")
async def client(client_folder: Path) -> Path:
    if not (client_folder / "installed").exists():
        client_folder.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, client_folder)
        npm = await asyncio.create_subprocess_exec("npm", "ci", "--no-audit", "--no-fund", cwd=client_folder)
        assert await asyncio.wait_for(npm.wait(), 100) == 0
        (client_folder / "installed").touch()
    shutil.copy(HERE / "client.js", client_folder)
    return client_folder / "client.js"


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
