"""The way in: one client's messages, handled one at a time and in order."""

import asyncio
import base64
import binascii
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from realtime.engine import packet
from realtime.engine.carrier import SUSPENDED
from realtime.engine.frame import Frame, text_header
from realtime.engine.packet import Packet, PacketError
from realtime.engine.websocket import INVALID_TEXT, PROTOCOL_ERROR

if TYPE_CHECKING:
    from realtime.engine.connection import Connection
    from realtime.engine.websocket import Inbox

logger = logging.getLogger(__name__)

_BRACKET: Final = 0x5D
_COMMA: Final = 0x2C
_PEER_LEFT: Final = frozenset({"transport close", "transport error", "client disconnect"})

_NOT_READY: Final = b'{"message":"Already connected"}'


class Mailbox:
    """Takes messages from a connection's transports and runs their handlers.

    busy: a handler is waiting for something. What comes meanwhile waits for it, in the websocket's inbox or,
    for polling, in `pending`.
    """

    __slots__ = (
        "_answering",
        "_binary",
        "_departed",
        "busy",
        "connection",
        "counters",
        "inbox",
        "pending",
        "room",
        "server",
    )

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection
        self.server = connection.server
        self.counters = connection.server.counters
        self.busy = False
        self.inbox: Inbox | None = None
        self.pending: deque[bytes] | None = None
        self.room: asyncio.Future[None] | None = None
        # Namespace and acknowledgement id of the event whose handler is waiting.
        self._answering: tuple[str, bytes] = ("/", b"")
        self._binary: tuple[Packet, list[bytes]] | None = None
        self._departed = False

    # What the transports call.

    def receive(self, payload: bytes) -> None:
        """An Engine.IO packet in its text form."""
        self.counters.received += 1
        try:
            if not payload.isascii():
                payload.decode()
            if payload.startswith(b"42"):
                self._event(payload)
            else:
                self._other(payload)
        except UnicodeDecodeError:
            self.invalid(INVALID_TEXT)
        except (PacketError, RecursionError):
            self.invalid()

    def receive_binary(self, payload: bytes) -> None:
        """A binary message: an attachment of the packet before it."""
        self.counters.received += 1
        try:
            self._attach(payload)
        except (PacketError, RecursionError):
            self.invalid()

    def urgent(self, payload: bytes) -> bool:
        """Take a heartbeat or an acknowledgement past the busy handler, which may be waiting for it."""
        if not payload.startswith((b"3", b"43")):
            return False
        self.receive(payload)
        return True

    def taken(self) -> None:
        """All that came in one piece was taken: what it was answered goes out in one piece."""
        connection = self.connection
        if connection.pending:
            connection.flush()

    def writable(self, writable: bool) -> None:
        """The transport's write buffer crossed one of its marks."""
        self.counters.congested += -1 if writable else 1
        self.connection.settle()

    def lost(self, reason: str) -> None:
        """The transport is gone."""
        self.connection.abort(reason)

    async def post(self, packets: list[bytes]) -> None:
        """Packets of a polling client; returns when all were taken (the last may still be running)."""
        if self.pending is None:
            self.pending = deque()
        self.pending.extend(item for item in packets if not self.urgent(item))
        if not self.pending:
            return
        loop = asyncio.get_running_loop()
        self.room = loop.create_future()
        if not self.busy:
            # Handlers are started outside of tasks, and a request handler is one.
            self.busy = True
            loop.call_soon(self._drain)
        await self.room

    def invalid(self, code: int = PROTOCOL_ERROR) -> None:
        """What came is not the protocol: close, as the reference server does."""
        connection = self.connection
        self.counters.protocol_errors += 1
        if connection.websocket is not None:
            connection.websocket.fail(code)
        connection.abort("parse error")

    def end(self) -> None:
        """The session is over: what the client sent before it left is still handled, nothing else is."""
        if self.connection.reason not in _PEER_LEFT:
            self.inbox = self.pending = None
            self._make_room()
        if not self.busy:
            self._depart()

    # Reading packets.

    def _event(self, payload: bytes) -> None:
        """`42<id>["name",arguments]`: the packet that makes up almost all traffic is cut by hand."""
        start = payload.find(b'["', 2)
        end = payload.find(b'"', start + 2)
        id_ = payload[2:start]
        if start < 0 or end < 0 or (id_ and not id_.isdigit()) or len(id_) > packet.ID_DIGITS:
            self._any(payload)
            return
        if self._binary is not None:
            raise PacketError("a text packet where an attachment was due")
        name = payload[start + 2 : end]
        if payload[-1] == _BRACKET and payload[end + 1] == _COMMA and b"\\" not in name:
            self._dispatch("/", id_, name.decode(), payload[end + 2 : -1])
        else:
            self._dispatch("/", id_, *(_cut(payload, start, end) or _read(payload[start:])))

    def _other(self, payload: bytes) -> None:
        kind = payload[:1]
        if kind == b"4":
            self._any(payload)
        elif kind == b"3":
            self.connection.ponged()
        elif kind == b"b":
            self._attach(_base64(payload[1:]))
        elif kind == b"1":
            self.connection.abort("client disconnect")
        elif kind not in (b"5", b"6"):
            raise PacketError("unknown Engine.IO packet")

    def _any(self, payload: bytes) -> None:
        """Any Socket.IO packet, in any namespace."""
        if self._binary is not None:
            raise PacketError("a text packet where an attachment was due")
        received = packet.parse(payload)
        if received.kind == packet.EVENT:
            self._dispatch(received.namespace, received.id, *_named(received.data))
        elif received.kind == packet.CONNECT:
            self._connect(received)
        elif received.kind == packet.DISCONNECT:
            self._disconnect(received.namespace)
        elif received.kind == packet.ACK:
            self._acknowledged(received, [])
        else:
            self._expect(received)

    def _expect(self, received: Packet) -> None:
        if not 0 <= received.attachments <= self.server.bounds.attachments:
            raise PacketError("too many attachments")
        if received.namespace not in self.connection.namespaces:
            raise PacketError("attachments for a namespace that is not connected")
        if received.attachments:
            self._binary = received, []
        else:
            self._complete(received, [])

    def _attach(self, payload: bytes) -> None:
        if self._binary is None:
            raise PacketError("an attachment without its packet")
        received, attachments = self._binary
        attachments.append(payload)
        if sum(map(len, attachments)) > self.server.max_payload:
            raise PacketError("attachments too large")
        if len(attachments) == received.attachments:
            self._binary = None
            self._complete(received, attachments)

    def _complete(self, received: Packet, attachments: list[bytes]) -> None:
        if received.kind == packet.BINARY_ACK:
            self._acknowledged(received, attachments)
            return
        self.connection.attachments = attachments
        self._dispatch(received.namespace, received.id, *_named(received.data))
        if not self.busy:
            self.connection.attachments = []

    # Acting on them.

    def _dispatch(self, namespace: str, id_: bytes, event: str, arguments: bytes) -> None:
        connection = self.connection
        if namespace not in connection.namespaces:
            return
        raw = self.server.raw
        answer: Any
        try:
            if raw is not None:
                answer = raw(connection, event, arguments, namespace)
            else:
                answer = self.server.stock_event(connection, event, arguments, namespace, id_)
        except (PacketError, RecursionError):
            raise
        except Exception:  # noqa: BLE001 - a handler's mistake must not cost the connection
            self._failed()
            return
        if type(answer) is bytes:
            self._answer(namespace, id_, answer)
        elif answer is not None:
            self._run(answer, namespace, id_)

    def _run(self, coroutine: Coroutine[Any, Any, Any], namespace: str, id_: bytes) -> None:
        self.busy = True
        try:
            answer = self.server.carrier.step(coroutine, self._finished)
            if answer is SUSPENDED:
                self._answering = namespace, id_
                return
            if answer is not None:
                self._answer(namespace, id_, answer)
        except Exception:  # noqa: BLE001 - a handler's mistake must not cost the connection
            self._failed()
        self.busy = self.connection.closing
        if self.busy:
            # Closed meanwhile: what waits behind this event, if anything still counts, comes before the end.
            asyncio.get_running_loop().call_soon(self._drain)

    def _finished(self, answer: Any, error: BaseException | None) -> None:
        """The handler that was waited for ended; the next message is started outside of its task."""
        asyncio.get_running_loop().call_soon(self._drain)
        if self.connection.attachments:
            # A client that says nothing more would keep them for as long as it stays.
            self.connection.attachments = []
        if error is not None:
            self._failed(error)
        elif answer is not None:
            self._try_to_answer(answer)
            self.connection.flush()

    def _try_to_answer(self, answer: Any) -> None:
        try:
            self._answer(*self._answering, answer)
        except Exception:  # noqa: BLE001 - an answer that is none must not cost the connection
            self._failed()

    def _failed(self, error: BaseException | None = None) -> None:
        self.counters.handler_errors += 1
        if isinstance(error, asyncio.CancelledError):
            logger.warning("engine.handler_cancelled")
        else:
            logger.error("engine.handler_failed", exc_info=error or True)

    def _answer(self, namespace: str, id_: bytes, answer: Any) -> None:
        """Acknowledge, if the client asked for it."""
        if type(answer) is Frame:
            self.connection.send(answer)
        elif id_:
            connection = self.connection
            head = b"43" if namespace == "/" else packet.head(packet.ACK, namespace)
            payload = b"%b%b[%b]" % (head, id_, answer)
            if connection.direct:
                # Whoever called flushes: at the end of what was received, or of what was waited for.
                connection.pending.append(text_header(len(payload)) + payload)
            else:
                connection.enqueue(Frame(payload, namespace=namespace))

    def _acknowledged(self, received: Packet, attachments: list[bytes]) -> None:
        values = packet.join_binary(packet.ack_list(received.data), attachments)
        sid = self.connection.namespaces.get(received.namespace)
        if sid is not None and received.id:
            self.server.acknowledged(sid, int(received.id), values)

    def _connect(self, received: Packet) -> None:
        auth = packet.loads(received.data) if received.data else None
        if auth is not None and not isinstance(auth, dict):
            raise PacketError("auth is an object")
        connection = self.connection
        self.server.spoke(connection)
        if received.namespace in connection.namespaces:
            head = packet.head(packet.CONNECT_ERROR, received.namespace)
            connection.send(Frame(head + _NOT_READY))
            connection.refused()
            return
        self._run(self.server.connect_namespace(connection, received.namespace, auth), "/", b"")

    def _disconnect(self, namespace: str) -> None:
        connection = self.connection
        if namespace in connection.namespaces:
            self._run(self.server.leave_namespace(connection, namespace, "client disconnect"), "/", b"")

    # Going on.

    def _drain(self) -> None:
        """Take what waited, until a handler waits again or nothing is left."""
        while (take := self._next()) is not None:
            self.busy = False
            take()
            if self.busy:
                self.connection.flush()
                return
            self.busy = True
        self.busy = False
        self.connection.flush()
        if self.connection.closing:
            self._depart()
        elif self.connection.retiring:
            self.connection.retire()

    def _next(self) -> Callable[[], None] | None:
        if self.pending:
            take = partial(self.receive, self.pending.popleft())
            if not self.pending:
                self._make_room()
            return take
        inbox = self.inbox
        message = None if inbox is None else inbox.next()
        return None if inbox is None or message is None else partial(inbox.hand_on, message, self)

    def _make_room(self) -> None:
        if self.room is not None and not self.room.done():
            self.room.set_result(None)

    def _depart(self) -> None:
        if not self._departed:
            self._departed = True
            self.inbox = self.pending = None
            self._make_room()
            self.server.depart(self.connection)


def _cut(payload: bytes, start: int, end: int) -> tuple[str, bytes] | None:
    """Name and arguments of a list whose name spans `start + 2` to `end`; None if it is not plain."""
    name = payload[start + 2 : end]
    if b"\\" in name or payload[-1] != _BRACKET:
        return None
    if payload[end + 1] == _COMMA:
        arguments = payload[end + 2 : -1]
    elif end + 2 == len(payload):
        arguments = b""
    else:
        return None
    return name.decode(), arguments


def _read(data: bytes) -> tuple[str, bytes]:
    values = packet.event_list(data)
    return values[0], packet.dumps(values[1:])[1:-1]


def _named(data: bytes) -> tuple[str, bytes]:
    end = data.find(b'"', 2) if data.startswith(b'["') else -1
    return (_cut(data, 0, end) if end > 0 else None) or _read(data)


def _base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PacketError("not base64") from error
