"""A peer under measurement: one process on the server core, driven over its control surface."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.peers.workload import TEXT

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / "bench" / "peers" / "node"
COMMANDS = {
    "ours": [sys.executable, "-m", "bench.peers.ours"],
    "stock": [sys.executable, "-m", "bench.peers.stock"],
    "node": ["node", "--expose-gc", str(NODE / "server.js")],
    "bound": [sys.executable, "-m", "bench.peers.bound"],
}
# Read once: pinning this process narrows what a later reading would say. Equal where there is only one core.
SERVER_CORE, *_, CLIENT_CORE = sorted(os.sched_getaffinity(0)) * 2
CONTROL_SECONDS = 120.0
QUIET_PAUSE_SECONDS = 0.03
QUIET_CPU_SECONDS = 0.003


@dataclass(frozen=True, slots=True)
class Stats:
    """One reading: CPU seconds since the start (all, and those outside the kernel), resident KB, work."""

    cpu_s: float
    user_s: float
    rss_kb: float
    connections: int
    emitting: int


class Peer:
    """One running peer. Use `started_peer`, which also ends it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._control = http.client.HTTPConnection("127.0.0.1", port, timeout=CONTROL_SECONDS)

    def emit(self, room: str, count: int, *, rate: float = 0, batch: int = 1, text: int = len(TEXT)) -> None:
        """Start `count` emits of `text` characters: `rate` a second, or at rate 0 `batch` a loop turn."""
        self._ask("POST", "/control/emit", room=room, count=count, rate=rate, batch=batch, text=text)

    def stats(self, *, settle: bool = False) -> Stats:
        """A reading now; `settle` collects garbage before it."""
        return Stats(**self._ask("GET", "/control/stats", **({"settle": 1} if settle else {})))

    def quiet_stats(self) -> Stats:
        """A reading once the peer has nothing left to do. Raises TimeoutError when it never rests."""
        deadline = time.monotonic() + CONTROL_SECONDS
        before = self.stats()
        while time.monotonic() < deadline:
            time.sleep(QUIET_PAUSE_SECONDS)
            now = self.stats()
            if now.cpu_s - before.cpu_s < QUIET_CPU_SECONDS and not now.emitting:
                return now
            before = now
        raise TimeoutError("the peer does not come to rest")

    def _ask(self, method: str, path: str, **query: object) -> dict[str, Any]:
        self._control.request(method, f"{path}?{urlencode(query)}")
        answer: dict[str, Any] = json.loads(self._control.getresponse().read())
        return answer

    def close(self) -> None:
        self._control.close()


def install_node_peer() -> None:
    """Install the Node peer exactly as locked, once. Raises CalledProcessError when npm fails."""
    if not (NODE / "node_modules" / "socket.io").exists():
        subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund"], cwd=NODE, check=True, stdout=subprocess.DEVNULL
        )


@contextmanager
def started_peer(kind: str) -> Iterator[Peer]:
    """Start a peer of this kind pinned to the server core; it ends with the block, or with this process."""
    process = _spawn(kind)
    try:
        assert process.stdout is not None
        greeting = process.stdout.readline()
        if not greeting:
            raise RuntimeError(f"peer {kind} did not start")
        peer = Peer(json.loads(greeting)["port"])
        yield peer
        peer.close()
    finally:
        process.kill()
        process.communicate()


def _spawn(kind: str) -> subprocess.Popen[bytes]:
    """The peer reads stdin: when this process dies, however it dies, the pipe closes and the peer ends."""
    with on_server_core():
        return subprocess.Popen(COMMANDS[kind], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@contextmanager
def on_server_core() -> Iterator[None]:
    """Start children here: they inherit the affinity, with every thread that they will have."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
