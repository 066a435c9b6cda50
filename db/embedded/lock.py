"""Advisory file locks that the kernel takes back when their holder dies, however it dies."""

import fcntl
import time
from pathlib import Path

POLL_SECONDS = 0.02


class FileLock:
    """One open file on which this process holds no lock, a shared one or the exclusive one.

    Forked children share it (it goes away with the last of them); executed ones do not.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a")

    def try_shared(self) -> bool:
        """Take a shared lock if nobody holds the exclusive one."""
        return self._try(fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Take the exclusive lock if nobody holds any."""
        return self._try(fcntl.LOCK_EX)

    def wait_exclusive(self) -> None:
        """Take the exclusive lock, however long that takes. For a thread of its own."""
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def shared_within(self, seconds: float) -> bool:
        """Take a shared lock within `seconds`; False when that was not possible."""
        return self._within(fcntl.LOCK_SH, seconds)

    def exclusive_within(self, seconds: float) -> bool:
        """Take the exclusive lock within `seconds`; False when that was not possible."""
        return self._within(fcntl.LOCK_EX, seconds)

    def release(self) -> None:
        """Give the lock back and close the file. Harmless when called twice."""
        self._file.close()

    def _within(self, mode: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._try(mode):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _try(self, mode: int) -> bool:
        try:
            fcntl.flock(self._file, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def is_held(path: Path) -> bool:
    """Whether somebody holds the exclusive lock on `path` right now."""
    lock = FileLock(path)
    try:
        return not lock.try_shared()
    finally:
        lock.release()
