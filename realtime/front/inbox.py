"""Where a worker takes the connections that others hand to it."""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable
from typing import Final

from realtime.front import parcel

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 1.0
_BACKLOG: Final = 256
_PARCELS_PER_TURN: Final = 64
_CREDENTIALS: Final = struct.Struct("iII")  # process, user, group


class Inbox:
    """Calls `adopt(connection, first_bytes)` for each connection. Open from `open` to `close`."""

    def __init__(self, address: str, adopt: Callable[[socket.socket, bytes], None]) -> None:
        self._address = address
        self._adopt = adopt
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lines: set[socket.socket] = set()
        self._pause: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Raises OSError while a predecessor still has the address."""
        self._listener.setblocking(False)
        self._listener.bind(self._address)
        self._listener.listen(_BACKLOG)
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Take nothing more; what is under way is closed by the kernel."""
        loop = asyncio.get_running_loop()
        if self._pause is not None:
            self._pause.cancel()
        for opened in (self._listener, *self._lines):
            loop.remove_reader(opened)
            opened.close()
        self._lines.clear()

    def _accept(self) -> None:
        try:
            line, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError as error:  # no descriptor is free; whoever connects waits
            logger.warning("a line is not taken yet: %s", error)
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._listener)
            self._pause = loop.call_later(PAUSE_SECONDS, loop.add_reader, self._listener, self._accept)
            return
        # Anybody on this machine can reach an abstract address.
        if _user_of(line) != os.geteuid():
            line.close()
            return
        line.setblocking(False)
        self._lines.add(line)
        asyncio.get_running_loop().add_reader(line, self._read, line)

    def _read(self, line: socket.socket) -> None:
        for _ in range(_PARCELS_PER_TURN):
            try:
                received = parcel.receive(line)
            except BlockingIOError:
                return
            except (OSError, EOFError):
                self._drop(line)
                return
            if received is None:
                logger.warning("a connection was lost: no descriptor is free")
            else:
                self._adopt(*received)

    def _drop(self, line: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(line)
        self._lines.discard(line)
        line.close()


def _user_of(line: socket.socket) -> int:
    credentials = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(credentials)[1])
