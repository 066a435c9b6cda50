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
INSTALL_SECONDS = 100


async def installed_client() -> Path:
    """`client.js` beside its installed package: once per lock file, outside of the repository.

    Skips, loudly, on a machine without Node.js: nothing else can stand in for the reference.
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
    npm = await asyncio.create_subprocess_exec("npm", "ci", "--no-audit", "--no-fund", cwd=folder)
    assert await asyncio.wait_for(npm.wait(), INSTALL_SECONDS) == 0
    (folder / "installed").touch()
