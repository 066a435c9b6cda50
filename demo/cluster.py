"""Real server and worker processes on free loopback ports, over embedded stores in one folder."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from db.embedded.port import free_port

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60.0
STOP_SECONDS = 30.0


class NotReadyError(Exception):
    """A process ended, or did not get ready in time; the message holds the end of its log."""


class Process:
    """One `run_server.py` or `run_worker.py`."""

    def __init__(self, name: str, port: int, log: Path, child: asyncio.subprocess.Process) -> None:
        self.name = name
        self.port = port
        self.log = log
        self.child = child

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        return self.child.returncode is None

    def tail(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    async def ready(self, path: str = "/health/ready") -> None:
        """Returns when the process answers 200 on `path`."""
        try:
            async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as http:
                while not await _answers(http, self.url + path):
                    if not self.alive:
                        break
                    await asyncio.sleep(0.05)
                else:
                    return
        except TimeoutError:
            raise NotReadyError(f"{self.name} is not ready after {READY_SECONDS} s:\n{self.tail()}") from None
        raise NotReadyError(f"{self.name} ended with {self.child.returncode}:\n{self.tail()}")

    async def kill(self) -> None:
        """kill -9."""
        self.child.kill()
        await self.child.wait()

    async def stop(self) -> int:
        """SIGTERM, and -9 after `STOP_SECONDS`; returns the exit code."""
        if self.alive:
            self.child.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.child.wait(), STOP_SECONDS)
        except TimeoutError:
            await self.kill()
            return -signal.SIGKILL


class Cluster:
    """Starts processes that share one data folder, or the stores that `settings` name."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.settings = {"DATA_DIR": str(folder / "data"), "LOG_FORMAT": "json", **settings}
        self.processes: list[Process] = []

    async def server(self, *arguments: str, port: int = 0, **settings: str) -> Process:
        port = port or free_port()
        process = await self._start("run_server.py", port, [*arguments, "--port", str(port)], settings)
        await process.ready()
        return process

    async def worker(self, **settings: str) -> Process:
        port = free_port()
        process = await self._start("run_worker.py", port, [], {"WORKER_PORT": str(port), **settings})
        await process.ready()
        return process

    async def _start(self, script: str, port: int, arguments: list[str], settings: dict[str, str]) -> Process:
        log = self.folder / f"{script}.{port}.log"
        kept = {name: value for name, value in os.environ.items() if name in PASSED_ON}
        with log.open("ab") as output:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                str(ROOT / script),
                *arguments,
                cwd=self.folder,
                env={**kept, **self.settings, **settings},
                stdout=output,
                stderr=output,
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        process = Process(f"{script}:{port}", port, log, child)
        self.processes.append(process)
        return process

    async def stop(self) -> None:
        """Stops the workers and servers that still run, all at once."""
        await asyncio.gather(*(process.stop() for process in self.processes))


PASSED_ON = frozenset({"HOME", "LANG", "PATH", "TMPDIR", "PYTHONDONTWRITEBYTECODE"})


@contextlib.asynccontextmanager
async def cluster(folder: Path, **settings: str) -> AsyncIterator[Cluster]:
    started = Cluster(folder, **settings)
    try:
        yield started
    finally:
        await started.stop()


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False
