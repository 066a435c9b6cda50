"""Valkey servers of a test's own, to be killed, frozen, and put together to a cluster."""

import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from db.embedded import wheels
from db.embedded.port import LOOPBACK, free_port
from tests.contract.deadline import until


@dataclass
class OwnValkey:
    """One server; `options` are those of its command line."""

    data: Path
    port: int = field(default_factory=free_port)
    options: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        return f"redis://{self.address}/0"

    async def start(self) -> None:
        self.data.mkdir(exist_ok=True)
        options = {"port": self.port, "bind": LOOPBACK, "dir": self.data, "appendonly": "yes"}
        options |= {"appendfsync": "always", "save": "", "logfile": self.data / "log", **self.options}
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen([str(wheels.valkey_server()), *words])
        await until(self._answers)

    async def _answers(self) -> bool:
        async with Redis.from_url(self.url) as redis:
            try:
                return bool(await redis.ping())
            except RedisError:
                return False

    async def ask(self, *words: str | int) -> Any:
        async with Redis.from_url(self.url) as redis:
            return await redis.execute_command(*words)  # type: ignore[no-untyped-call]

    def freeze(self) -> None:
        """It holds its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@asynccontextmanager
async def own_valkeys(folder: Path, count: int, **options: str) -> AsyncIterator[list[OwnValkey]]:
    servers = [OwnValkey(folder / f"valkey-{number}", options=options) for number in range(count)]
    try:
        for server in servers:
            await server.start()
        yield servers
    finally:
        for server in servers:
            server.kill()
