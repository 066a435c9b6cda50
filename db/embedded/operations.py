"""What an operator can do with the embedded stores of a data folder. Each yields lines to show."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from db.embedded.errors import EmbeddedStoresError
from db.embedded.folder import Folder
from db.embedded.launcher import EmbeddedStores
from db.embedded.lock import POLL_SECONDS, FileLock, is_held
from db.embedded.service import is_server_of

STOP_SECONDS = 60.0


def start(data_dir: Path) -> Iterator[str]:
    """Hold the stores up until Ctrl-C or SIGTERM, showing the settings that point to them."""
    stop_signals = (signal.SIGINT, signal.SIGTERM)
    stores = EmbeddedStores(data_dir)
    urls = stores.open()
    # After the start: a supervisor would inherit the blocked signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
    try:
        yield f"POSTGRES_URL={urls.postgres_url}"
        yield f"MONGODB_URI={urls.mongodb_uri}"
        yield f"REDIS_URL={urls.redis_url}"
        signal.sigwait(stop_signals)
    finally:
        stores.close()


def stop(data_dir: Path) -> Iterator[str]:
    """Stop the stores, even when somebody uses them."""
    folder = Folder.create(data_dir)
    if not is_held(folder.owner_lock):
        yield "not running"
        return
    deadline, asked = time.monotonic() + STOP_SECONDS, False
    while is_held(folder.owner_lock):
        asked = asked or ask_to_stop(folder)
        if time.monotonic() > deadline:
            problem = f"The stores in {folder.root} do not stop; see {folder.log('supervisor')}."
            raise EmbeddedStoresError(problem)
        time.sleep(POLL_SECONDS)
    yield "stopped"


def ask_to_stop(folder: Folder) -> bool:
    """False until the supervisor has said which process it is: before, the number is another's."""
    pid = folder.load().supervisor
    if not is_server_of(pid, folder.root.parent):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    return True


def status(data_dir: Path) -> Iterator[str]:
    """Say what runs, without passwords."""
    folder = Folder.create(data_dir)
    state = folder.load()
    running = is_held(folder.owner_lock)
    yield f"{'running' if running else 'not running'}: {folder.root}"
    if running:
        yield f"  supervisor  pid {state.supervisor}"
    for name, pid in state.pids.items() if running else ():
        yield f"  {name:<11} pid {pid}, 127.0.0.1:{state.ports[name]}, log {folder.log(name)}"


def reset(data_dir: Path) -> Iterator[str]:
    """Delete all data of the stores. Refuses while they run."""
    folder = Folder.create(data_dir)
    turn = FileLock(folder.start_lock)
    if not turn.exclusive_within(STOP_SECONDS) or is_held(folder.owner_lock):
        raise EmbeddedStoresError(f"The stores in {folder.root} are running. Stop them first.")
    for path in folder.root.iterdir():
        remove(path)
    yield f"deleted the data in {folder.root}"


def remove(path: Path) -> None:
    """Delete a file or a folder of ours, but not the locks, which others may be waiting for."""
    if path.is_dir():
        shutil.rmtree(path)
    elif path.suffix != ".lock":
        path.unlink()
