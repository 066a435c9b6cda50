"""The parent: starts the workers, starts them again when they die or hang, stops them. It serves nothing."""

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
from realtime.front.pulse import HUNG_SECONDS, Pulse
from telemetry.signals import stop_signals

logger = logging.getLogger(__name__)

#: What a worker does: serve at its place until SIGTERM.
Run = Callable[[Place], None]

STOP_SECONDS: Final = 25.0
# A worker that dies this often without having lived for SETTLED_SECONDS in between will not get better.
FAILURES_MAX: Final = 5
SETTLED_SECONDS: Final = 30.0
BACKOFF_SECONDS: Final = 0.25
BACKOFF_SECONDS_MAX: Final = 8.0

_IDLE_SECONDS: Final = 3600.0

# Forked, not started anew: a dead worker is back without importing everything again.
_processes = multiprocessing.get_context("fork")


def supervise(
    processes: int,
    run: Run,
    *,
    host: str,
    port: int,
    stop_seconds: float = STOP_SECONDS,
    hung_seconds: float = HUNG_SECONDS,
) -> int:
    """Call `run` in each of `processes` workers until a stop signal; the exit code of the whole.

    0: stopped as asked. 1: every worker kept failing, or one had to be killed because it took longer than
    `stop_seconds` to stop. A worker that serves and whose event loop does not turn for `hung_seconds` is
    killed and started again. Raises OSError when the port is taken. Call it from the main thread, before any
    other thread or event loop exists.
    """
    if not 1 <= processes <= PROCESSES_MAX:
        raise ValueError(f"processes: 1 to {PROCESSES_MAX}")
    signals = Signals(stop_signals())
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, signals.watched)
    lifeline = Lifeline()
    try:
        with reserved(host, port) as port:
            family = f"front-{secrets.token_hex(8)}"
            pulses = [Pulse(hung_seconds) for _ in range(processes)]
            places = [
                Place(index, processes, family, host, port, pulse) for index, pulse in enumerate(pulses)
            ]
            workers = [Worker(place, run, lifeline, stop_seconds) for place in places]
            return _supervised(workers, stop_seconds, hung_seconds, signals)
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
        self.place.pulse.forget()
        try:
            self._process.start()
        except OSError as error:  # no memory, or too many processes: the others go on
            logger.error("worker %d cannot be started: %s", self.place.index, error.strerror)
            self._process = None
            self.failures += 1
            self._wait()
            return
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
        logger.warning("worker %d ended with %s; again in %.1f s", self.place.index, code, self._wait())

    def kill_if_hung(self, *, heard_since: float) -> None:
        """It could listen, and nobody would answer; its end is told like any other."""
        if self._process is not None and self.place.pulse.hangs(heard_since=heard_since):
            logger.error("worker %d hangs and is killed", self.place.index)
            self.place.pulse.forget()
            self._process.kill()

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

    def _wait(self) -> float:
        """For as many seconds it is not started."""
        delay: float = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS * 2**self.failures) * random.uniform(0.5, 1.0)
        self._due_at = time.monotonic() + delay
        return delay

    def _serve(self) -> None:
        """In the worker."""
        # Ctrl-C reaches the whole terminal; the parent tells us what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
        self._lifeline.hold(self._stop_seconds)
        self._run(self.place)


def _supervised(workers: list[Worker], stop_seconds: float, hung_seconds: float, signals: "Signals") -> int:
    try:
        asked = _run_until_stopped(workers, hung_seconds, signals)
    finally:
        stopped = _stop(workers, stop_seconds, signals)
    return 0 if asked and stopped else 1


def _run_until_stopped(workers: list[Worker], hung_seconds: float, signals: "Signals") -> bool:
    """True when asked to stop, False when every worker keeps failing."""
    look_seconds = hung_seconds / 4
    looked_at = heard_since = time.monotonic()
    while True:
        now = time.monotonic()
        # Whoever was stopped with its workers, by Ctrl-Z for example, has not heard them meanwhile.
        if now - looked_at > 2 * look_seconds:
            heard_since = now
        looked_at = now
        for worker in workers:
            worker.kill_if_hung(heard_since=heard_since)
            worker.bury()
        # One that cannot come back, because a store is away for example, takes nobody from the others.
        if all(worker.failures >= FAILURES_MAX for worker in workers):
            logger.error("the workers keep failing")
            return False
        for worker in workers:
            if worker.seconds_until_due() == 0.0:
                worker.start()
        due_seconds = min(worker.seconds_until_due() for worker in workers)
        if signals.next(min(due_seconds, look_seconds)) in signals.stop:
            return True


def _stop(workers: Iterable[Worker], stop_seconds: float, signals: "Signals") -> bool:
    """Stop all at once. Did every one stop by itself?"""
    deadline = time.monotonic() + stop_seconds
    for worker in workers:
        worker.terminate()
    while any(worker.alive for worker in workers) and (left := deadline - time.monotonic()) > 0:
        signals.next(left)
    unfinished = [worker for worker in workers if not worker.finish()]
    for worker in unfinished:
        logger.error("worker %d had to be killed", worker.place.index)
    return not unfinished


class Signals:
    """Those that the parent waits for; blocked meanwhile."""

    def __init__(self, stop: frozenset[signal.Signals]) -> None:
        self.stop = stop
        self.watched = stop | {signal.SIGCHLD}

    def next(self, within_seconds: float) -> signal.Signals | None:
        """A stop signal, the end of a child, or None after `within_seconds`."""
        received = signal.sigtimedwait(self.watched, within_seconds)
        # Stopped and continued after its time was over, CPython 3.11 returns what happened to be in memory.
        if received is None or received.si_signo not in self.watched:
            return None
        return signal.Signals(received.si_signo)
