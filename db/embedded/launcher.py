"""Using the embedded stores: join the supervisor of a data folder, or start one."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from db.embedded import child, wheels
from db.embedded.errors import EmbeddedStoresError, with_log_tail
from db.embedded.folder import Folder, StoreUrls
from db.embedded.lock import FileLock, is_held
from db.embedded.service import STOP_SECONDS

TURN_SECONDS = 120.0
LEAVE_SECONDS = 2 * STOP_SECONDS
POLL_SECONDS = 0.02
PROJECT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def embedded_stores(data_dir: Path, *, durable: bool = True) -> AsyncIterator[StoreUrls]:
    """PostgreSQL, a MongoDB wire server and Valkey, running for as long as this or another user is in here.

    Data is kept in `data_dir`. Whoever comes first starts the stores; others on the same folder share them;
    the last to leave waits until they have stopped. `durable=False` gives up surviving a power cut for speed
    (tests). Raises EmbeddedStoresError, whose message says what to do.
    """
    stores = EmbeddedStores(data_dir, durable=durable)
    urls = await asyncio.to_thread(stores.open)
    try:
        yield urls
    finally:
        await asyncio.to_thread(stores.close)


class EmbeddedStores:
    """One process's use of the stores of one data folder. The calls block; `embedded_stores` does not."""

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        wheels.require_platform()
        self._folder = Folder.create(data_dir)
        self._durable = durable
        self._users = FileLock(self._folder.users_lock)
        self._supervisor: subprocess.Popen[bytes] | None = None

    def open(self) -> StoreUrls:
        """Join the stores, starting them first when they do not run. Raises EmbeddedStoresError."""
        turn = self._take_turn()
        try:
            # Not possible while a supervisor that lost its last user is still stopping.
            if not self._users.shared_within(LEAVE_SECONDS):
                raise EmbeddedStoresError(
                    f"The stores in {self._folder.root} take too long to stop; try again."
                )
            if not is_running(self._folder):
                self._supervisor = start_supervisor(self._folder, durable=self._durable)
            return self._folder.load().store_urls()
        except BaseException:
            self._users.release()
            raise
        finally:
            turn.release()

    def close(self) -> None:
        """Leave. The last to leave returns when the stores have stopped."""
        turn = self._take_turn()
        try:
            self._users.release()
            if no_user_left(self._folder):
                wait_stopped(self._folder)
                if self._supervisor:
                    self._supervisor.wait(LEAVE_SECONDS)
        finally:
            turn.release()

    def _take_turn(self) -> FileLock:
        turn = FileLock(self._folder.start_lock)
        if not turn.exclusive_within(TURN_SECONDS):
            raise EmbeddedStoresError(f"Another process keeps starting the stores in {self._folder.root}.")
        return turn


def is_running(folder: Folder) -> bool:
    """Whether the stores run and can be joined; waits for the end of a supervisor that is stopping."""
    deadline = time.monotonic() + LEAVE_SECONDS
    while is_held(folder.owner_lock):
        if folder.load().urls:
            return True
        if time.monotonic() > deadline:
            raise EmbeddedStoresError(f"The stores in {folder.root} take too long to stop; try again.")
        time.sleep(POLL_SECONDS)
    return False


def start_supervisor(folder: Folder, *, durable: bool) -> subprocess.Popen[bytes]:
    """Start a supervisor in a session of its own and return when the stores answer."""
    log = folder.log("supervisor")
    child.keep_short(log)
    command = [sys.executable, "-P", "-m", "db.embedded", "supervise", str(folder.root.parent)]
    with log.open("ab") as errors:
        supervisor = subprocess.Popen(  # noqa: S603
            command if durable else [*command, "--not-durable"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=folder.root,
            env=os.environ | {"PYTHONPATH": python_path()},
            start_new_session=True,
        )
    await_verdict(supervisor, log)
    return supervisor


def await_verdict(supervisor: subprocess.Popen[bytes], log: Path) -> None:
    """Read the one line a supervisor prints. Raises EmbeddedStoresError when it could not start."""
    assert supervisor.stdout is not None  # noqa: S101
    with supervisor.stdout as answers:
        verdict = answers.readline()
    if not verdict:
        raise with_log_tail("The supervisor of the embedded stores ended while starting.", log)
    if problem := json.loads(verdict).get("problem"):
        supervisor.wait(LEAVE_SECONDS)
        raise EmbeddedStoresError(problem)


def python_path() -> str:
    """The path on which this project and all that we can import is found by the supervisor."""
    inherited = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(PROJECT), *([inherited] if inherited else [])])


def no_user_left(folder: Folder) -> bool:
    """Whether the supervisor has, or can have, the users' lock for itself."""
    users = FileLock(folder.users_lock)
    try:
        return users.try_exclusive() or not users.try_shared()
    finally:
        users.release()


def wait_stopped(folder: Folder) -> None:
    """Wait until the supervisor is gone. Raises EmbeddedStoresError after LEAVE_SECONDS."""
    users = FileLock(folder.users_lock)
    owner = FileLock(folder.owner_lock)
    try:
        if not (owner.exclusive_within(LEAVE_SECONDS) and users.exclusive_within(LEAVE_SECONDS)):
            raise with_log_tail(f"The stores in {folder.root} do not stop.", folder.log("supervisor"))
    finally:
        users.release()
        owner.release()
