"""A worker that does not outlive its parent, however that ends."""

import os
import signal
import threading
import time


class Lifeline:
    """A pipe whose writing end only the parent has. Made by the parent, before it forks."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()

    def hold(self, stop_seconds: float) -> None:
        """In a worker: when the parent is gone, SIGTERM; `stop_seconds` later, SIGKILL."""
        os.close(self._writing)
        threading.Thread(target=self._watch, args=(stop_seconds,), name="lifeline", daemon=True).start()

    def close(self) -> None:
        """In the parent, when no worker is left."""
        os.close(self._reading)
        os.close(self._writing)

    def _watch(self, stop_seconds: float) -> None:
        os.read(self._reading, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(stop_seconds)
        os.kill(os.getpid(), signal.SIGKILL)
