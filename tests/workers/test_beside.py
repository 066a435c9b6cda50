"""A worker beside a server is there for as long as the server is."""

import queue
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from workers import beside
from workers.beside import WorkerBeside

DEADLINE_SECONDS = 60.0
WAITS = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(0)); print(flush=True); signal.pause()"


class Begun:
    """Starts processes that wait to be told to stop, and shows each once it waits."""

    def __init__(self) -> None:
        self.processes: queue.Queue[subprocess.Popen[bytes]] = queue.Queue()

    def __call__(self) -> "subprocess.Popen[bytes]":
        unblock = partial(signal.pthread_sigmask, signal.SIG_SETMASK, ())
        process = subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, preexec_fn=unblock)
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        self.processes.put(process)
        return process


@pytest.fixture
def begun() -> Begun:
    return Begun()


@pytest.fixture
def worker(begun: Begun):  # type: ignore[no-untyped-def]
    worker = WorkerBeside(begun)
    worker.start()
    yield worker
    worker.stop()


def test_one_that_dies_is_followed_by_another(worker: WorkerBeside, begun: Begun) -> None:
    first = begun.processes.get(timeout=DEADLINE_SECONDS)
    first.kill()
    second = begun.processes.get(timeout=DEADLINE_SECONDS)
    assert (first.returncode, second.poll()) == (-signal.SIGKILL, None)
    worker.stop()
    assert second.returncode == 0
    assert begun.processes.empty()


def test_one_that_was_told_to_stop_is_not_begun_again(worker: WorkerBeside, begun: Begun) -> None:
    begun.processes.get(timeout=DEADLINE_SECONDS).terminate()
    worker.join(DEADLINE_SECONDS)
    assert begun.processes.empty()


def test_a_stop_does_not_wait_for_the_next_beginning(begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "backoff_seconds", lambda _: 10 * DEADLINE_SECONDS)
    worker = WorkerBeside(begun)
    worker.start()
    first = begun.processes.get(timeout=DEADLINE_SECONDS)
    first.kill()
    first.wait()
    began = time.monotonic()
    worker.stop()
    assert time.monotonic() - began < DEADLINE_SECONDS
    assert begun.processes.empty()
