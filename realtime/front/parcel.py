"""An accepted connection on its way to another process, with the bytes already read from it."""

import os
import socket
from typing import Final

# Most requests fit; a packet has to fit into the kernel's send buffer as a whole.
INLINE_BYTES: Final = 16_384

_NO_BYTES: Final = b"\0"


class Parcel:
    """Holds one connection open until it is posted or closed. It is sent as one packet, or not at all."""

    __slots__ = ("_descriptors", "_packet")

    def __init__(self, descriptor: int, data: bytes) -> None:
        """Takes a copy of `descriptor`; `data` is what its new owner shall read first. Raises OSError."""
        self._descriptors = [os.dup(descriptor)]
        # An empty packet would look like the end.
        self._packet = _NO_BYTES + data
        if len(data) > INLINE_BYTES:
            self._packet = _NO_BYTES
            try:
                self._descriptors.append(_spilled(data))
            except OSError:
                self.close()
                raise

    def post(self, line: socket.socket) -> None:
        """Send it. Raises BlockingIOError while the line is full, OSError when nobody is at its end."""
        socket.send_fds(line, [self._packet], self._descriptors)
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        while self._descriptors:
            os.close(self._descriptors.pop())


def receive(line: socket.socket) -> tuple[socket.socket, bytes] | None:
    """The next connection and the bytes to read first; None for one that is lost: no descriptor was free.

    Raises BlockingIOError when there is none now, EOFError at the end of the line.
    """
    packet, descriptors, flags, _ = socket.recv_fds(line, INLINE_BYTES + 1, 2, socket.MSG_CMSG_CLOEXEC)
    if not packet:
        raise EOFError
    if flags & socket.MSG_CTRUNC or not descriptors:
        for descriptor in descriptors:
            os.close(descriptor)
        return None
    data = _unspilled(descriptors[1]) if len(descriptors) == 2 else packet[1:]
    return socket.socket(fileno=descriptors[0]), data


def _spilled(data: bytes) -> int:
    descriptor = os.memfd_create("parcel")
    with os.fdopen(descriptor, "wb", closefd=False) as memory:
        memory.write(data)
    return descriptor


def _unspilled(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as memory:
        memory.seek(0)
        return memory.read()
