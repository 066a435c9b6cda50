"""The process that owns the three stores, from the first user's arrival to the last one's leaving.

Every process that uses the stores holds a shared lock on one file. The supervisor asks for the exclusive one:
it gets it when no user is left, however the users ended, and then stops the stores. Its own end, however it
comes, ends them too (child.spawn).
"""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from db.embedded.errors import EmbeddedStoresError
from db.embedded.folder import Folder
from db.embedded.lock import FileLock
from db.embedded.mongodb import MongoDB
from db.embedded.port import free_port
from db.embedded.postgres import Postgres
from db.embedded.service import Service, Store, outlive
from db.embedded.valkey import Valkey

# PostgreSQL last: making its cluster takes the longest, and the others start meanwhile.
STORES = (Valkey, MongoDB, Postgres)
STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
WATCHED_SIGNALS = STOP_SIGNALS | {signal.SIGCHLD}
OWNER_SECONDS = 2.0  # long enough for those who only look whether the lock is held
IDLE_SECONDS, REVIVING_SECONDS = 3600.0, 0.05
logger = logging.getLogger(__name__)


def supervise(folder: Folder, *, durable: bool, ready: Callable[[], None]) -> None:
    """Run the stores of `folder` until nobody uses them. Calls `ready` once, when all three answer.

    Raises EmbeddedStoresError when they cannot be started; nothing runs then.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED_SIGNALS)
    owner, users = FileLock(folder.owner_lock), FileLock(folder.users_lock)
    if not owner.exclusive_within(OWNER_SECONDS):
        raise EmbeddedStoresError(f"The stores in {folder.root} are already running.")
    services = [Service(store, folder) for store in make_stores(folder, durable=durable)]
    try:
        start(services)
        remember(services, folder)
        threading.Thread(target=stop_when_unused, args=(users,), name="users", daemon=True).start()
        ready()
        keep_running(services, folder)
    finally:
        stop(services, folder)
        # Before the lock on the users, which ends with this process: a newcomer who waited for
        # that one must not take us for alive.
        owner.release()


def make_stores(folder: Folder, *, durable: bool) -> Sequence[Store]:
    """The three stores, each with a port of its own and its predecessor gone."""
    state = folder.load()
    for name, pid in state.pids.items():
        outlive(pid, folder.root / name)
    for make in STORES:
        state.ports[make.name] = free_port(state.ports.get(make.name))
        state.password(make.name)
    state.pids, state.urls, state.supervisor = {}, {}, os.getpid()
    folder.save(state)
    return [make.create(folder, state, durable=durable) for make in STORES]


def start(services: Sequence[Service]) -> None:
    """Start all at once and return when all answer. Raises EmbeddedStoresError."""
    for service in services:
        service.store.prepare()
        service.start()
    for service in services:
        service.wait_ready()


def remember(services: Sequence[Service], folder: Folder) -> None:
    """Write down what runs: for those who come to share it, and for the next supervisor."""
    state = folder.load()
    state.supervisor = os.getpid()
    state.pids = {service.store.name: service.pid for service in services}
    state.urls = {service.store.name: service.store.url for service in services}
    folder.save(state)


def stop_when_unused(users: FileLock) -> None:
    """Wait until no process holds the users' lock, then tell the main thread to stop."""
    users.wait_exclusive()
    logger.info("nobody uses the stores any more")
    os.kill(os.getpid(), signal.SIGTERM)


def keep_running(services: Sequence[Service], folder: Folder) -> None:
    """Until a stop signal: start again whatever died."""
    while not stop_requested(IDLE_SECONDS if all(s.is_alive() for s in services) else REVIVING_SECONDS):
        pids = [service.pid for service in services]
        for service in services:
            service.revive()
        if pids != [service.pid for service in services]:
            with going_on("the new process ids are not written down"):
                remember(services, folder)


def stop_requested(within_seconds: float) -> bool:
    """Sleep until a stop signal (True), the end of a child, or the end of `within_seconds` (False)."""
    received = signal.sigtimedwait(WATCHED_SIGNALS, within_seconds)
    return received is not None and received.si_signo in STOP_SIGNALS


def stop(services: Sequence[Service], folder: Folder) -> None:
    """Stop all at once and return when all are gone. First nobody may join any more."""
    with going_on("it is not written down that the stores stop"):
        state = folder.load()
        state.urls = {}
        folder.save(state)
    for service in services:
        service.ask_to_stop()
    for service in services:
        service.wait_stopped()


@contextmanager
def going_on(problem: str) -> Iterator[None]:
    """A full disk takes no store from those who use it: what matters is that it runs, or ends in order."""
    try:
        yield
    except (OSError, EmbeddedStoresError) as error:
        logger.warning("%s: %s", problem, error)
