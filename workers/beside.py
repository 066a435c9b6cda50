"""A worker process beside a server that was asked for one (`run_server.py --with-worker`)."""

import signal
import subprocess
import threading
from collections.abc import Callable
from time import monotonic

import structlog

from workers.loop import backoff_seconds

log = structlog.get_logger(__name__)

STOPPED = {0, -signal.SIGINT, -signal.SIGTERM}
"""What a worker ends with that was told to stop; Ctrl-C tells it by itself."""
SETTLED_SECONDS = 60.0
"""Who lived for this long did not fail at its start."""


class WorkerBeside:
    """Keeps what `begin` starts running: begins again when it fails, until `stop`.

    In a thread, because a server may be one event loop or a parent of several processes.
    """

    def __init__(self, begin: "Callable[[], subprocess.Popen[bytes]]") -> None:
        self._begin = begin
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="worker-beside", daemon=True)

    def start(self) -> None:
        # Signals are for the main thread, which may be waiting for them.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self._thread.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def stop(self) -> None:
        """Tell it to stop, and wait until it has."""
        with self._starting:
            self._stopping.set()
            if self._process is not None:
                self._process.send_signal(signal.SIGTERM)
        self.join()

    def join(self, seconds: float | None = None) -> None:
        """Wait until nothing runs, and nothing will."""
        self._thread.join(seconds)

    def _keep(self) -> None:
        failures = 0
        while (process := self._started()) is not None:
            began = monotonic()
            code = process.wait()
            if code in STOPPED:
                return
            failures = 1 if monotonic() - began > SETTLED_SECONDS else failures + 1
            seconds = backoff_seconds(failures)
            log.error("worker.failed", code=code, again_in_seconds=round(seconds, 1))
            self._stopping.wait(seconds)

    def _started(self) -> "subprocess.Popen[bytes] | None":
        with self._starting:
            if self._stopping.is_set():
                return None
            self._process = self._begin()
            return self._process
