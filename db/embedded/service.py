"""One store as a running process: started, waited for, started again when it dies, stopped."""

import contextlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from db.embedded import child
from db.embedded.errors import with_log_tail
from db.embedded.folder import Folder
from db.embedded.identity import Identity

START_SECONDS = 60.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.01
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
STEADY_SECONDS = 60.0  # who lived this long starts again after the first pause
logger = logging.getLogger(__name__)


class Store(Protocol):
    """What differs between the three servers."""

    @property
    def name(self) -> str:
        """Of its folder and its log."""

    @property
    def url(self) -> str:
        """Where clients reach it."""

    @property
    def stop_signal(self) -> int:
        """What asks it to stop in order."""

    @property
    def death_signal(self) -> int:
        """What it gets when the supervisor dies: the quickest that loses nothing acknowledged."""

    @property
    def identity(self) -> Identity:
        """As whom it runs."""

    def prepare(self) -> None:
        """Make what it needs on disk."""

    def command(self) -> Sequence[str]:
        """How to run it."""

    def is_ready(self, pid: int) -> bool:
        """Whether it answers."""

    def nudge(self) -> None:
        """Called again and again while we wait for its end."""


class Service:
    """The process of one store. Used from the supervisor's main thread only: see child.spawn."""

    def __init__(self, store: Store, folder: Folder) -> None:
        self.store = store
        self._log = folder.log(store.name)
        self._folder = folder.root
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_due: float | None = None
        self._pause_seconds = FIRST_PAUSE_SECONDS

    @property
    def pid(self) -> int:
        """The process id; 0 before the first start."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start the process; it is not ready yet."""
        self._started_at = time.monotonic()
        self._process = child.spawn(
            self.store.command(),
            log=self._log,
            folder=self._folder,
            identity=self.store.identity,
            death_signal=self.store.death_signal,
        )

    def wait_ready(self) -> None:
        """Return when the store answers. Raises EmbeddedStoresError when it died or took too long."""
        deadline = time.monotonic() + START_SECONDS
        while not self.store.is_ready(self.pid):
            if not self.is_alive():
                raise with_log_tail(f"The embedded {self.store.name} ended while starting.", self._log)
            if time.monotonic() > deadline:
                problem = f"The embedded {self.store.name} was not ready after {START_SECONDS:.0f} s."
                raise with_log_tail(problem, self._log)
            time.sleep(POLL_SECONDS)

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def revive(self) -> None:
        """Start a dead process again once its pause is over; each death in a row doubles the pause."""
        if self.is_alive():
            return
        if self._start_due is None:
            self._start_due = time.monotonic() + self._next_pause_seconds()
        elif time.monotonic() >= self._start_due:
            self._start_due = None
            self.start()

    def ask_to_stop(self) -> None:
        """Send the stop signal; `wait_stopped` waits."""
        if self.is_alive():
            os.kill(self.pid, self.store.stop_signal)

    def wait_stopped(self) -> None:
        """Wait for the end, and enforce it after STOP_SECONDS."""
        deadline = time.monotonic() + STOP_SECONDS
        while self.is_alive():
            if time.monotonic() > deadline:
                logger.error("%s did not stop; killing it", self.store.name)
                os.kill(self.pid, signal.SIGKILL)
            self.store.nudge()
            time.sleep(POLL_SECONDS)

    def _next_pause_seconds(self) -> float:
        if time.monotonic() - self._started_at > STEADY_SECONDS:
            self._pause_seconds = FIRST_PAUSE_SECONDS
        pause = self._pause_seconds
        self._pause_seconds = min(pause * 2, LONGEST_PAUSE_SECONDS)
        logger.warning("%s ended by itself; starting it again in %.1f s", self.store.name, pause)
        return pause


def outlive(pid: int, data: Path) -> None:
    """Wait until the server an earlier supervisor started on `data` is gone; two must never share it."""
    deadline = time.monotonic() + STOP_SECONDS
    while is_server_of(pid, data):
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def is_server_of(pid: int, data: Path) -> bool:
    """Whether process `pid` is a server working in `data`, not a stranger who got the number since."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return os.fsencode(data) in command
