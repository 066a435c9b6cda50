"""The WebSocket transport: after the handshake the TCP transport belongs to this protocol alone.

aiohttp reads the HTTP request; then its request handler, its parser and its two tasks are let go, and what is
left of a connection is this object and aiohttp's frame reader (compiled). A frame is handled in the
very callback that received it, unless a handler is still busy: then it waits in the reader's own queue, which
stops reading from the socket when it is full.
"""

import asyncio
import base64
import binascii
import hashlib
import time
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from aiohttp import WSMsgType, web
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader

from realtime.engine import frame
from realtime.engine.wheel import Deadline, Wheel

if TYPE_CHECKING:
    from aiohttp.http_websocket import WSMessage

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT: Final = WSMsgType.TEXT

NORMAL: Final = 1000
PROTOCOL_ERROR: Final = 1002
INVALID_TEXT: Final = 1007
TRY_AGAIN_LATER: Final = 1013

_LAST_WORD_SECONDS: Final = 0.2

# Only what comes in larger pieces can keep the loop for long; uvloop hands over eight megabytes at once.
_PIECE_BYTES: Final = 8_192
_TURN_SECONDS: Final = 0.002
_REST_PER_TURN: Final = 9
_REST_SECONDS_MAX: Final = 1.0


class Listener(Protocol):
    """Who is told what a websocket receives."""

    busy: bool

    def receive(self, payload: bytes) -> None: ...

    def receive_binary(self, payload: bytes) -> None: ...

    def urgent(self, payload: bytes) -> bool: ...

    def taken(self) -> None: ...

    def writable(self, writable: bool) -> None: ...

    def lost(self, reason: str) -> None: ...


class _Nobody:
    """Listens when the connection is already closed."""

    busy = False

    def receive(self, payload: bytes) -> None:
        """Too late."""

    receive_binary = receive

    def urgent(self, payload: bytes) -> bool:
        return True

    def taken(self) -> None:
        """Nothing was answered."""

    def writable(self, writable: bool) -> None:
        """Nobody writes."""

    def lost(self, reason: str) -> None:
        """It was known."""


NOBODY: Final = _Nobody()


class Inbox(WebSocketDataQueue):
    """Hands frames on at once; keeps them, within its bound, only while the listener is busy."""

    __slots__ = ("listener", "socket")

    listener: Listener
    socket: "WebSocket"

    def feed_data(self, data: "WSMessage", size: int) -> None:  # type: ignore[override]
        """Called by the frame reader for every whole message."""
        listener = self.listener
        if data[0] is not _TEXT:
            self._feed_other(data, size)
        elif not listener.busy:
            listener.receive(cast("bytes", data[1]))
        elif not listener.urgent(cast("bytes", data[1])):
            super().feed_data(data, size)

    def _feed_other(self, data: "WSMessage", size: int) -> None:
        kind = data[0]
        if kind is WSMsgType.PING:
            self.socket.pong(cast("bytes", data[1]))
        elif kind is WSMsgType.PONG:
            pass
        elif kind is WSMsgType.CLOSE:
            # Not kept behind a busy handler: the peer waits for its answer, and what it sent before is kept.
            self.socket.closed_by_peer(cast("int", data[1]))
        elif self.listener.busy:
            super().feed_data(data, size)
        else:
            self.hand_on(data, self.listener)

    def hand_on(self, data: Any, listener: Listener) -> None:
        """Give one message to the listener."""
        if data[0] is _TEXT:
            listener.receive(data[1])
        elif data[0] is WSMsgType.BINARY:
            listener.receive_binary(data[1])

    def next(self) -> Any:
        """The oldest kept message, or None. Reading it may resume the socket."""
        if not self._buffer:
            return None
        try:
            self.read().send(None)
        except StopIteration as stop:
            return stop.value
        return None


class WebSocket(asyncio.Protocol):
    """One server-side WebSocket. `listener` gets what arrives."""

    __slots__ = (
        "_close_seconds",
        "_closing",
        "_deadline",
        "_owed_pong",
        "_reader",
        "_reading_paused",
        "_start",
        "_unread",
        "deflating",
        "inbox",
        "paused",
        "transport",
        "wheel",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        *,
        max_bytes: int,
        mailbox_bytes: int,
        close_seconds: float,
        wheel: Wheel,
        deflating: bool,
    ) -> None:
        self.transport = transport
        self._close_seconds = close_seconds
        self.wheel = wheel
        self.deflating = deflating
        self.paused = False
        self._reading_paused = False  # by this name aiohttp's queue asks for it
        self._closing = False
        self._deadline: Deadline | None = None
        self._owed_pong: bytes | None = None
        # The first bytes, until they show whether the client masks.
        self._start: bytes | None = b""
        # What waits while this client rests; None when it does not.
        self._unread: bytes | None = None
        # The queue doubles the limit it is given.
        inbox = Inbox(cast("Any", self), mailbox_bytes // 2, loop=asyncio.get_running_loop())
        inbox.socket = self
        inbox.listener = NOBODY
        self.inbox: Inbox = inbox
        # The reader refuses a message of exactly its limit.
        self._reader: WebSocketReader | None = WebSocketReader(
            inbox, max_bytes + 1, deflating, decode_text=False
        )

    @property
    def reading_paused(self) -> bool:
        """Is the inbox full?"""
        return self._reading_paused

    def data_received(self, data: bytes) -> None:
        if self._reader is None or (self._start is not None and not self._masks(data)):
            return
        if len(data) <= _PIECE_BYTES:
            self._take(data)
        else:
            self._take_turns(data)

    def _take(self, data: bytes) -> None:
        if self._reader is None:
            return
        failed, _ = self._reader.feed_data(data)
        self.inbox.listener.taken()
        if failed:
            self.fail(getattr(self.inbox.exception(), "code", PROTOCOL_ERROR))

    def _take_turns(self, data: bytes) -> None:
        """One client takes a tenth of the loop's time at most: after a turn it rests for nine."""
        began, end = time.monotonic(), 0
        while end < len(data):
            # A full inbox takes nothing: the reader keeps the rest by itself.
            piece = len(data) if self._reading_paused else _PIECE_BYTES
            self._take(data[end : end + piece])
            end += piece
            spent = time.monotonic() - began
            if spent > _TURN_SECONDS:
                self._rest(data[end:], min(spent * _REST_PER_TURN, _REST_SECONDS_MAX))
                return

    def _rest(self, unread: bytes, seconds: float) -> None:
        if self._reader is None or self.transport.is_closing():
            return
        self._unread = unread
        self.transport.pause_reading()
        asyncio.get_running_loop().call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        unread, self._unread = self._unread, None
        if unread:
            self._take_turns(unread)
        if self._unread is None and not self._reading_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def _masks(self, data: bytes) -> bool:
        """A server must not go on with a client that does not mask (RFC 6455 section 5.1).

        Only the first frame is looked at: aiohttp's reader unmasks and does not say whether it had to.
        """
        start = (self._start or b"") + data[:2]
        if len(start) < 2:
            self._start = start
            return True
        self._start = None
        masked = start[1] >= 0x80
        if not masked:
            self.fail(PROTOCOL_ERROR)
        return masked

    def pause_writing(self) -> None:
        self.paused = True
        self.inbox.listener.writable(False)

    def resume_writing(self) -> None:
        self.paused = False
        owed, self._owed_pong = self._owed_pong, None
        if owed is not None:
            self.write_control(frame.PONG, owed)
        self.inbox.listener.writable(True)

    def pause_reading(self) -> None:
        """Back-pressure: called by the inbox when it is full."""
        self._reading_paused = True
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Called by the inbox when it has room again."""
        self._reading_paused = False
        if self._unread is None and not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        listener, self.inbox.listener = self.inbox.listener, NOBODY
        if self._deadline is not None:
            self._deadline.cancel()
        self._closing = True
        # Without these a closed socket would be a cycle, and ten thousand of them a long collection.
        self._reader = self._unread = None
        listener.lost("transport close" if error is None else "transport error")

    def write_control(self, first_byte: int, payload: bytes) -> None:
        """Write a ping, pong or close frame."""
        if not self._closing:
            self.transport.write(frame.control(first_byte, payload))

    def pong(self, payload: bytes) -> None:
        """Answer a ping; of those of a client that does not read only the newest (RFC 6455 section 5.5.3)."""
        if self.paused:
            self._owed_pong = payload
        else:
            self.write_control(frame.PONG, payload)

    def close(self, code: int = NORMAL) -> None:
        """Say goodbye: a close frame after all that is written, `close_seconds` for the peer to answer it."""
        if self._closing:
            return
        self.write_control(frame.CLOSE, code.to_bytes(2, "big"))
        self._closing = True
        self.inbox.listener = NOBODY
        if self._reading_paused:
            self.resume_reading()
        self._deadline = self.wheel.after(self._close_seconds, self.transport.abort)

    def closed_by_peer(self, code: int) -> None:
        """A close frame came: answer it, unless it is the answer."""
        self.write_control(frame.CLOSE, code.to_bytes(2, "big") if code else b"")
        self._closing = True
        self._reader = None
        self._let_go()

    def fail(self, code: int) -> None:
        """The peer broke the protocol: a close frame with `code`, a moment to read it, and the end."""
        if self._closing:
            return
        self.write_control(frame.CLOSE, code.to_bytes(2, "big"))
        self._closing = True
        self._reader = None
        # Closing at once, with bytes still unread, resets the connection and the peer never learns why.
        self._deadline = self.wheel.after(_LAST_WORD_SECONDS, self._let_go)
        listener, self.inbox.listener = self.inbox.listener, NOBODY
        listener.lost("parse error")

    def _let_go(self) -> None:
        """Close the transport. One whose peer does not read what is written would stay for ever."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.wheel.after(self._close_seconds, self.transport.abort)
        self.transport.close()


class HandshakeError(ValueError):
    """The request is not a WebSocket handshake."""


class Upgraded(web.StreamResponse):
    """What a request handler returns when the connection is no longer aiohttp's."""

    def __init__(self) -> None:
        super().__init__(status=101)

    async def prepare(self, request: web.BaseRequest) -> None:
        """The handshake is already written."""

    async def write_eof(self, data: bytes = b"") -> None:
        """There is no body."""


def is_upgrade(request: web.BaseRequest) -> bool:
    """Does the client ask for a WebSocket?"""
    headers = request.headers
    return (
        headers.get("Upgrade", "").lower().strip() == "websocket"
        and "upgrade" in headers.get("Connection", "").lower()
    )


def accept(request: web.BaseRequest, *, compression: bool) -> tuple[bytes, bool]:
    """The answer to a handshake, and whether messages are compressed. Raises HandshakeError.

    With `compression` both sides compress each message by itself (no context takeover): one
    compressed frame fits every client and no client costs a window of memory.
    """
    headers = request.headers
    key = headers.get("Sec-WebSocket-Key", "")
    try:
        nonce = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError) as error:
        raise HandshakeError("key") from error
    if len(nonce) != 16 or headers.get("Sec-WebSocket-Version") != "13":
        raise HandshakeError("version or key")
    digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest),
    ]
    deflating = compression and _offers_deflate(headers.get("Sec-WebSocket-Extensions", ""))
    if deflating:
        parameters = b"server_no_context_takeover; client_no_context_takeover"
        lines.append(b"Sec-WebSocket-Extensions: permessage-deflate; " + parameters)
    return b"\r\n".join([*lines, b"", b""]), deflating


def _offers_deflate(extensions: str) -> bool:
    """An offer that limits the server's window cannot share frames and is not taken."""
    offers = (offer.strip() for offer in extensions.split(","))
    return any(
        offer.partition(";")[0].strip() == "permessage-deflate" and "server_max_window_bits" not in offer
        for offer in offers
    )


def take_over(request: web.BaseRequest, answer: bytes, socket: WebSocket, high_water: int) -> None:
    """Write the answer and make `socket` the protocol of the request's transport; aiohttp lets go of it."""
    http = cast("Any", request.protocol)
    transport = socket.transport
    tail: bytes = http._message_tail
    http._message_tail = b""
    transport.set_write_buffer_limits(high=high_water, low=high_water // 4)
    transport.set_protocol(socket)
    http.transport = None
    http.connection_lost(None)
    transport.write(answer)
    if http._buffer_paused:
        transport.resume_reading()
    if tail:
        # After the caller has named a listener.
        asyncio.get_running_loop().call_soon(socket.data_received, tail)
