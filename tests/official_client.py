"""The official JavaScript client, as it comes from npm, for tests that compare us with it."""

import asyncio
import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "engine" / "js"
INSTALL_SECONDS = 200
PATIENT = ("--fetch-retries=3", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=20000")
UNREACHABLE = (
    b"EAI_AGAIN",
    b"ENOTFOUND",
    b"ETIMEDOUT",
    b"ECONNREFUSED",
    b"ECONNRESET",
    b"ERR_SOCKET_TIMEOUT",
)
"""How npm says so."""


async def installed_client() -> Path:
    """`client.js` beside its installed package: once per lock file, outside of the repository.

    Skips, loudly, on a machine without Node.js, or whose npm does not reach its registry: nothing else can
    stand in for the reference.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node.js and npm are missing: the official client was NOT tried")
    digest = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"official-client-{os.getuid()}-{digest}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            await _install(folder)
        shutil.copy(SOURCE / "client.js", folder)
    return folder / "client.js"


async def _install(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCE / name, folder)
    npm = await asyncio.create_subprocess_exec(
        *("npm", "ci", "--no-audit", "--no-fund", *PATIENT),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        told, _ = await asyncio.wait_for(npm.communicate(), INSTALL_SECONDS)
    except TimeoutError:
        npm.kill()
        await npm.wait()
        pytest.skip(f"npm took more than {INSTALL_SECONDS} s: the official client was NOT tried")
    if npm.returncode and any(word in told for word in UNREACHABLE):
        pytest.skip("npm does not reach its registry: the official client was NOT tried")
    assert npm.returncode == 0, told.decode()
    (folder / "installed").touch()
