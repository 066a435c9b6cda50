"""The first protocol of an accepted connection: it reads as much as tells whose it is."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

# A request line that is longer is not looked at any more; the server has its own bound for it.
LINE_BYTES_MAX: Final = 8_192
SILENT_SECONDS_MAX: Final = 30.0

#: Makes the protocol that serves a connection.
Serve = Callable[[], Any]
#: Given a transport, the request line and all bytes read: has the connection been handed over?
HandOver = Callable[[asyncio.Transport, bytes, bytes], bool]


class Door(asyncio.Protocol):
    """Waits for a request line, within a time, then hands the connection over or lets it in."""

    __slots__ = ("_deadline", "_doors", "_hand_over", "_read", "_serve", "_transport")

    def __init__(self, serve: Serve, hand_over: HandOver, doors: "set[Door]") -> None:
        self._serve = serve
        self._hand_over = hand_over
        self._doors = doors
        self._read = b""
        self._transport: asyncio.Transport
        self._deadline: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._deadline = asyncio.get_running_loop().call_later(SILENT_SECONDS_MAX, transport.close)
        self._doors.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._leave()

    def data_received(self, data: bytes) -> None:
        self._read += data
        line, end, _ = self._read.partition(b"\n")
        if not end and len(line) < LINE_BYTES_MAX:
            return
        self._leave()
        if self._hand_over(self._transport, line, self._read):
            self._transport.close()
            return
        let_in(self._transport, self._serve, self._read)

    def close(self) -> None:
        """Nobody will serve this connection any more."""
        self._transport.close()

    def _leave(self) -> None:
        self._deadline.cancel()
        self._doors.discard(self)


class Adopted(asyncio.Protocol):
    """The first protocol of a connection that another worker handed over: its first bytes come first."""

    __slots__ = ("_first_bytes", "_serve")

    def __init__(self, serve: Serve, first_bytes: bytes) -> None:
        self._serve = serve
        self._first_bytes = first_bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        let_in(cast("asyncio.Transport", transport), self._serve, self._first_bytes)


def let_in(transport: asyncio.Transport, serve: Serve, first_bytes: bytes) -> None:
    """Serve a connection from which `first_bytes` were read."""
    protocol = serve()
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    protocol.data_received(first_bytes)
