"""The whole product under measurement: `run_server.py` on the server core, with stores of its own."""

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.sockets.peer import ROOT, on_server_core
from db.embedded.port import free_port

COMMAND = (sys.executable, "run_server.py")
READY_SECONDS, STOP_SECONDS = 60.0, 30.0
# One machine plays a town: limits against one address or one author would measure themselves.
RELAXED = {
    "REGISTRATIONS_PER_HOUR": "1000000",
    "REQUESTS_PER_MINUTE": "1000000",
    "POSTS_PER_HOUR": "1000000",
    "LOG_LEVEL": "warning",
}


class Product:
    """A running product server. Use `started_product`.

    folder: its data; another server that is started with it shares the stores.
    """

    def __init__(self, port: int, process: "subprocess.Popen[bytes]", folder: str) -> None:
        self.port = port
        self.folder = folder
        self._process = process
        self._threads = Path(f"/proc/{process.pid}/task")
        self._rest = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_SECONDS)

    def cpu_s(self) -> float:
        """CPU seconds of the server's threads; its stores are other processes and do not count."""
        return sum(int(thread.read_text().split()[0]) for thread in self._threads.glob("*/schedstat")) / 1e9

    def register(self) -> str:
        """Make an anonymous account; gives its access token. Raises RuntimeError when refused."""
        status, body = self._ask("POST", "/v1/auth/register", {})
        if status not in (200, 201):
            raise RuntimeError(f"register answered {status}: {body}")
        token: str = body["tokens"]["access_token"]
        return token

    def is_ready(self) -> bool:
        try:
            return self._ask("GET", "/health/ready", None)[0] == 200
        except (OSError, http.client.HTTPException, ValueError):
            self._rest.close()
            return False

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        self._rest.request("GET", "/metrics")
        lines = self._rest.getresponse().read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if re.match(rf"{name}[{{ ]", line))

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()
        self.close()

    def close(self) -> None:
        self._rest.close()

    def _ask(self, method: str, path: str, body: object) -> tuple[int, dict[str, Any]]:
        payload = None if body is None else json.dumps(body)
        self._rest.request(method, path, payload, {"Content-Type": "application/json"})
        answer = self._rest.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")


@contextmanager
def started_product(command: Sequence[str] = COMMAND) -> Iterator[Product]:
    """Start the product on a free loopback port with a folder of its own; both are gone after the block."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-product-") as folder,
        started_server(folder, command) as one,
    ):
        yield one


@contextmanager
def started_server(
    folder: str, command: Sequence[str] = COMMAND, port: int = 0, **settings: str
) -> Iterator[Product]:
    """Start a server whose data is in `folder`, on a free loopback port unless one is given."""
    port = port or free_port()
    process = _spawn(command, port, {"DATA_DIR": folder, **settings})
    try:
        product = Product(port, process, folder)
        _wait_until_ready(product, process)
        yield product
        product.close()
    finally:
        _stop(process)


def _spawn(command: Sequence[str], port: int, settings: dict[str, str]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **RELAXED, "SERVER_PORT": str(port), **settings}
    with on_server_core():
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)


def _wait_until_ready(product: Product, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not product.is_ready():
        if process.poll() is not None:
            raise RuntimeError(f"the product ended with status {process.returncode}")
        if time.monotonic() > deadline:
            raise TimeoutError("the product is not ready")
        time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop, so that it stops its stores too; kill it when it does not."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
