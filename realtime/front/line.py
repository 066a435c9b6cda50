"""The way from this worker to another one, over which connections are handed."""

import asyncio
import socket
from collections import deque
from typing import Final

from realtime.front.parcel import Parcel

# Connections that wait for a worker whose event loop is busy; more are not handed over.
WAITING_MAX: Final = 1_024


class Line:
    """Connects when first needed, and again when the other worker was started again."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._waiting: deque[Parcel] = deque()

    def send(self, parcel: Parcel) -> bool:
        """Hand a connection over. False when nobody is there or its queue is full: then it is still ours."""
        if not self._waiting:
            # Twice: the first may find out that the worker we knew is gone.
            return self._post(parcel) or self._post(parcel)
        if len(self._waiting) >= WAITING_MAX:
            return False
        self._waiting.append(parcel)
        return True

    def close(self) -> None:
        """Hang up. Connections that still wait are closed."""
        line, self._socket = self._socket, None
        if line is not None:
            asyncio.get_running_loop().remove_writer(line)
            line.close()
        while self._waiting:
            self._waiting.popleft().close()

    def _post(self, parcel: Parcel) -> bool:
        try:
            if self._socket is None:
                self._socket = _connected(self._address)
            parcel.post(self._socket)
        except BlockingIOError:
            if self._socket is None:
                return False
            self._waiting.append(parcel)
            asyncio.get_running_loop().add_writer(self._socket, self._flush)
        except OSError:
            self.close()
            return False
        return True

    def _flush(self) -> None:
        assert self._socket is not None  # noqa: S101 - only called while connected
        try:
            while self._waiting:
                self._waiting[0].post(self._socket)
                self._waiting.popleft()
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        asyncio.get_running_loop().remove_writer(self._socket)


def _connected(address: str) -> socket.socket:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.setblocking(False)
    try:
        line.connect(address)
    except OSError:
        line.close()
        raise
    return line
