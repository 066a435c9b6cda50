"""The parent: starts the workers, starts them again, stops them. It serves nothing itself."""

import logging
import multiprocessing
import random
import secrets
import signal
import time
from collections.abc import Callable, Iterable
from multiprocessing.context import ForkProcess
from typing import Final

from realtime.front.lifeline import Lifeline
from realtime.front.place import PROCESSES_MAX, Place
from realtime.front.port import reserved

logger = logging.getLogger(__name__)

#: What a worker does: serve at its place until SIGTERM.
Run = Callable[[Place], None]

STOP_SECONDS: Final = 25.0
# A worker that dies this often without having lived for SETTLED_SECONDS in between will not get better.
FAILURES_MAX: Final = 5
SETTLED_SECONDS: Final = 30.0
BACKOFF_SECONDS: Final = 0.25
BACKOFF_SECONDS_MAX: Final = 8.0

_STOP: Final = frozenset({signal.SIGTERM, signal.SIGINT})
_WATCHED: Final = _STOP | {signal.SIGCHLD}
_IDLE_SECONDS: Final = 3600.0

# Forked, not started anew: a dead worker is back without importing everything again.
_processes = multiprocessing.get_context("fork")


def supervise(processes: int, run: Run, *, host: str, port: int, stop_seconds: float = STOP_SECONDS) -> int:
    """Call `run` in each of `processes` workers until SIGTERM or SIGINT; the exit code of the whole.

    0: stopped as asked. 1: a worker kept failing, or had to be killed because it took longer than
    `stop_seconds` to stop. Raises OSError when the port is taken. Call it from the main thread, before any
    other thread or event loop exists.
    """
    if not 1 <= processes <= PROCESSES_MAX:
        raise ValueError(f"processes: 1 to {PROCESSES_MAX}")
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    lifeline = Lifeline()
    try:
        with reserved(host, port) as port:
            family = f"front-{secrets.token_hex(8)}"
            places = [Place(index, processes, family, host, port) for index in range(processes)]
            workers = [Worker(place, run, lifeline, stop_seconds) for place in places]
            return _supervised(workers, stop_seconds)
    finally:
        lifeline.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)


class Worker:
    """One place and the process that is at it, if any. failures: deaths in a row."""

    def __init__(self, place: Place, run: Run, lifeline: Lifeline, stop_seconds: float) -> None:
        self.place = place
        self.failures = 0
        self._run = run
        self._lifeline = lifeline
        self._stop_seconds = stop_seconds
        self._process: ForkProcess | None = None
        self._started_at = 0.0
        self._due_at = 0.0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def seconds_until_due(self) -> float:
        """Until it may be started (again); for ever while it runs."""
        return _IDLE_SECONDS if self._process is not None else max(0.0, self._due_at - time.monotonic())

    def start(self) -> None:
        self._process = _processes.Process(target=self._serve, name=f"server-{self.place.index}")
        self._started_at = time.monotonic()
        self._process.start()
        logger.info("worker %d runs as process %d", self.place.index, self._process.pid)

    def bury(self) -> None:
        """If it has died, remember that, and when to start it again."""
        if self._process is None or self._process.is_alive():
            return
        code = self._process.exitcode
        lived_seconds = time.monotonic() - self._started_at
        self._process.close()
        self._process = None
        if lived_seconds >= SETTLED_SECONDS:
            self.failures = 0
        self.failures += code != 0
        delay = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS * 2**self.failures) * random.uniform(0.5, 1.0)
        self._due_at = time.monotonic() + delay
        logger.warning("worker %d ended with %s; again in %.1f s", self.place.index, code, delay)

    def terminate(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def finish(self) -> bool:
        """Kill it if it still runs. Did it stop by itself?"""
        if self._process is None:
            return True
        by_itself = not self._process.is_alive()
        self._process.kill()
        self._process.join()
        self._process.close()
        self._process = None
        return by_itself

    def _serve(self) -> None:
        """In the worker."""
        # Ctrl-C reaches the whole terminal; the parent tells us what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        self._lifeline.hold(self._stop_seconds)
        self._run(self.place)


def _supervised(workers: list[Worker], stop_seconds: float) -> int:
    try:
        asked = _run_until_stopped(workers)
    finally:
        stopped = _stop(workers, stop_seconds)
    return 0 if asked and stopped else 1


def _run_until_stopped(workers: list[Worker]) -> bool:
    """True when asked to stop, False when a worker keeps failing."""
    while True:
        for worker in workers:
            worker.bury()
        if any(worker.failures >= FAILURES_MAX for worker in workers):
            logger.error("a worker keeps failing")
            return False
        for worker in workers:
            if worker.seconds_until_due() == 0.0:
                worker.start()
        if _next_signal(min(worker.seconds_until_due() for worker in workers)) in _STOP:
            return True


def _stop(workers: Iterable[Worker], stop_seconds: float) -> bool:
    """Stop all at once. Did every one stop by itself?"""
    deadline = time.monotonic() + stop_seconds
    for worker in workers:
        worker.terminate()
    while any(worker.alive for worker in workers) and (left := deadline - time.monotonic()) > 0:
        _next_signal(left)
    unfinished = [worker for worker in workers if not worker.finish()]
    for worker in unfinished:
        logger.error("worker %d had to be killed", worker.place.index)
    return not unfinished


def _next_signal(within_seconds: float) -> signal.Signals | None:
    """A stop signal, the end of a child, or None after `within_seconds`."""
    received = signal.sigtimedwait(_WATCHED, within_seconds)
    return signal.Signals(received.si_signo) if received else None
