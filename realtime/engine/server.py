"""The Socket.IO server: python-socketio's, with its hot paths replaced."""

import asyncio
import contextlib
import inspect
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any, Final

import socketio
from aiohttp import web
from socketio.exceptions import ConnectionRefusedError as StockRefused

from realtime.engine import membership, packet
from realtime.engine.bounds import Bounds
from realtime.engine.carrier import Carrier
from realtime.engine.connection import Connection
from realtime.engine.counters import Counters
from realtime.engine.frame import Frame
from realtime.engine.gateway import Gateway
from realtime.engine.gathering import Gathering
from realtime.engine.membership import Membership
from realtime.engine.packet import PacketError
from realtime.engine.probe import Probe
from realtime.engine.wheel import Wheel

#: Answers an event: the JSON of the one acknowledgement argument, or None; at once or as a coroutine.
RawHandler = Callable[[Connection, str, bytes, str], bytes | Coroutine[Any, Any, bytes | None] | None]
ConnectHook = Callable[[Connection, dict[str, Any] | None], Awaitable[None]]
DisconnectHook = Callable[[Connection, str], Awaitable[None]]

_REFUSED: Final = {"message": "Connection refused by server"}

# Departures handled per turn of the event loop: ten thousand at once are a queue, not a stall.
_DEPARTURES_PER_TURN: Final = 128

_SHUTDOWN_LOOK_SECONDS: Final = 0.01


class ConnectionRefused(Exception):
    """Raised by a connect hook: the client gets a connect error with `data`."""

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        super().__init__("connection refused")
        self.data = data


class Server(socketio.AsyncServer):
    """A Socket.IO server for aiohttp.

    Everything written for `socketio.AsyncServer` works; beside it there is a raw path that never decodes
    or encodes JSON by itself: `on_raw` for what comes, `frame` and `deliver` for what goes.

    bounds: every limit. compression: negotiate permessage-deflate (costs CPU, saves bandwidth).
    slow_consumer_frame: the last word to a client that does not read.
    refusal: data of the connect error when there is no room (`"full"`) or no future (`"draining"`) here.
    raw: the handler of `on_raw`. counters: what happened. The other options are python-socketio's.
    """

    def __init__(
        self,
        *,
        bounds: Bounds | None = None,
        compression: bool = False,
        async_handlers: bool = False,
        **options: Any,
    ) -> None:
        if options.get("serializer", "default") != "default" or options.get("client_manager") is not None:
            raise ValueError("this engine has its own serializer and client manager")
        self.bounds = bounds or Bounds()
        self.compression = compression
        self.counters = Counters()
        self.carrier = Carrier()
        self.gathering = Gathering(self.bounds.gather_seconds, self.bounds.outbound_bytes // 4)
        self.raw: RawHandler | None = None
        self.slow_consumer_frame: Frame | None = None
        self.farewell: Frame | None = None
        self.refusal: Callable[[str], dict[str, Any]] = lambda why: {"message": why}
        self.draining = False
        self.probes: set[Probe] = set()
        # Sessions without a namespace that ask for none, the oldest first, and since when they have not.
        self._silent: dict[Connection, float] = {}
        self._connect_hooks: dict[str, ConnectHook] = {}
        self._disconnect_hooks: dict[str, DisconnectHook] = {}
        self._departures: deque[Connection] = deque()
        self._empty: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Future[Any]] = set()
        options = {"async_mode": "aiohttp", "client_manager": Membership(), **options}
        super().__init__(async_handlers=async_handlers, **options)  # type: ignore[no-untyped-call]
        self.manager: Membership
        self.eio: Gateway
        self.eio.sio = self
        self.ping_interval: float = self.eio.ping_interval
        self.ping_timeout: float = self.eio.ping_timeout
        self.max_payload: int = self.eio.max_http_buffer_size
        self.wheel = Wheel(min(0.5, max(0.005, min(self.ping_interval, self.ping_timeout) / 20)))

    def _engineio_server_class(self) -> type[Gateway]:
        return Gateway

    def attach(self, app: web.Application, socketio_path: str = "socket.io") -> None:
        """Serve under `/socketio_path/`; when the application shuts down every connection is closed."""
        self.eio.attach(app, socketio_path)
        app.on_shutdown.append(self._on_shutdown)

    # The raw path.

    def on_raw(self, handler: RawHandler) -> RawHandler:
        """Let `handler(connection, event, arguments, namespace)` have every event.

        arguments: the JSON text between the event's name and the closing bracket: `b""` for none, one JSON
        value for one argument, values with commas between them for several; so `b"[" + arguments + b"]"` is
        the list of them. It is cut out, not checked: decoding it may fail. Attachments of a binary event
        are in `connection.attachments`, their placeholders in `arguments`.
        Names that Socket.IO reserves (`connect`, …) come here too: refuse them like any name not known.
        What it returns acknowledges the event; None does not. What it raises is logged and not acknowledged.
        """
        self.raw = handler
        return handler

    def on_connect(self, hook: ConnectHook, namespace: str = "/") -> ConnectHook:
        """Call `await hook(connection, auth)` before a client is connected to `namespace`.

        It may raise ConnectionRefused. What is sent to the connection meanwhile follows the acceptance.
        """
        self._connect_hooks[namespace] = hook
        return hook

    def on_disconnect(self, hook: DisconnectHook, namespace: str = "/") -> DisconnectHook:
        """Call `await hook(connection, reason)` when a connected client left `namespace`.

        It runs after the client's last event; the connection is still in its rooms.
        """
        self._disconnect_hooks[namespace] = hook
        return hook

    def frame(self, event: str, raw_json: bytes, namespace: str = "/") -> Frame:
        """Encode an event once, from arguments that already are JSON (one value, or several with commas)."""
        return membership.event_frame(event, raw_json, namespace)

    def deliver(
        self, room: Any, frame: Frame, *, skip: Collection[str] | None = None, ephemeral: bool = False
    ) -> int:
        """Send a frame to the members of a room (None: everybody in its namespace); how many got it.

        skip: sids that do not get it. ephemeral: rather dropped than waited for.
        """
        members = self.manager.members(frame.namespace or "/", room)
        chosen = (
            members.values() if not skip else [member for sid, member in members.items() if sid not in skip]
        )
        late = self.gathering.add(chosen, frame.websocket)
        sent = len(chosen) - len(late) + sum(member.enqueue(frame, ephemeral) for member in late)
        self.counters.deliveries += sent
        return sent

    def deliver_to(self, sid: str, frame: Frame, *, ephemeral: bool = False) -> bool:
        """Send a frame to one sid. False if it is not there, or the frame was dropped."""
        member = self.manager.connection(sid, frame.namespace or "/")
        if member is None or not member.send(frame, ephemeral):
            return False
        self.counters.deliveries += 1
        return True

    def join(self, sid: str, room: str, namespace: str = "/") -> None:
        """`enter_room` without a coroutine. Raises ValueError for a sid that is not connected."""
        self.manager.basic_enter_room(sid, namespace, room)

    def leave(self, sid: str, room: str, namespace: str = "/") -> None:
        """`leave_room` without a coroutine."""
        self.manager.basic_leave_room(sid, namespace, room)

    def connection(self, sid: str, namespace: str = "/") -> Connection | None:
        """The connection of a sid, if it is here."""
        return self.manager.connection(sid, namespace)

    @property
    def connections(self) -> Collection[Connection]:
        """All open sessions."""
        sessions: dict[str, Connection] = self.eio.sockets
        return sessions.values()

    @property
    def buffered_bytes(self) -> int:
        """Bytes that wait for clients now, in queues and in transports. Looks at every session."""
        return sum(connection.buffered_bytes for connection in self.connections)

    # python-socketio's own surface, where its implementation would be slow or wrong here.

    async def emit(
        self,
        event: str,
        data: Any = None,
        to: Any = None,
        room: Any = None,
        skip_sid: Any = None,
        namespace: str | None = None,
        callback: Callable[..., Any] | None = None,
        ignore_queue: bool = False,
    ) -> None:
        """Emit an event; see `socketio.AsyncServer.emit`. Never waits for a client."""
        await self.manager.emit(event, data, namespace or "/", to or room, skip_sid, callback)

    async def call(
        self,
        event: str,
        data: Any = None,
        to: Any = None,
        sid: str | None = None,
        namespace: str | None = None,
        timeout: float = 60,
        ignore_queue: bool = False,
    ) -> Any:
        """Emit to one client and wait for its acknowledgement; also inside a handler of that client."""
        if to is None and sid is None:
            raise ValueError("Cannot use call() to broadcast.")
        answer: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()

        def answered(*values: Any) -> None:
            if not answer.done():
                answer.set_result(values)

        await self.emit(event, data, to or sid, namespace=namespace, callback=answered)
        try:
            values = await asyncio.wait_for(answer, timeout)
        except TimeoutError:
            raise socketio.exceptions.TimeoutError from None
        return values if len(values) > 1 else values[0] if values else None

    async def disconnect(self, sid: str, namespace: str | None = None, ignore_queue: bool = False) -> None:
        """Disconnect a client from a namespace; its session stays for its other namespaces."""
        namespace = namespace or "/"
        connection = self.manager.connection(sid, namespace)
        if connection is not None and self.manager.is_connected(sid, namespace):
            connection.send(Frame(packet.head(packet.DISCONNECT, namespace)))
            await self.leave_namespace(connection, namespace, self.reason.SERVER_DISCONNECT)

    async def shutdown(self) -> None:
        """Close every connection, within `close_seconds`. Call before the web server is stopped."""
        self.draining = True
        for probe in list(self.probes):
            probe.give_up()
        for connection in list(self.connections):
            connection.close()
            if connection.poll is None and connection.websocket is None:
                connection.gone()
        # Closing clients hold a deadline until they answered, so this ends.
        while self._departures or self.wheel.waiting:  # noqa: ASYNC110 - many small events, seldom
            await asyncio.sleep(_SHUTDOWN_LOOK_SECONDS)
        await self.carrier.stop()
        self.wheel.stop()

    async def _on_shutdown(self, app: web.Application) -> None:
        await self.shutdown()

    # Namespaces: called by the mailbox.

    async def connect_namespace(
        self, connection: Connection, namespace: str, auth: dict[str, Any] | None
    ) -> None:
        """Ask the hooks, then accept or refuse."""
        refusal = self._no_entry(connection, namespace)
        if refusal is not None:
            self.counters.refused += 1
            connection.send(_json_frame(packet.CONNECT_ERROR, namespace, refusal))
            connection.refused()
            return
        sid = self.manager.admit(connection, namespace)
        connection.hold()
        try:
            await self._ask(connection, namespace, sid, auth)
        except ConnectionRefused as refused:
            self._refuse(connection, namespace, sid, refused.data or _REFUSED)
        except BaseException:
            self._refuse(connection, namespace, sid, _REFUSED)
            raise
        else:
            self._accept(connection, namespace, sid)

    def _no_entry(self, connection: Connection, namespace: str) -> dict[str, Any] | None:
        if self.draining:
            return self.refusal("draining")
        if connection.surplus:
            return self.refusal("full")
        known = (
            self.namespaces == "*"
            or namespace in self.namespaces
            or namespace in self.handlers
            or namespace in self.namespace_handlers
            or namespace in self._connect_hooks
        )
        return None if known else {"message": "Invalid namespace"}

    async def _ask(
        self, connection: Connection, namespace: str, sid: str, auth: dict[str, Any] | None
    ) -> None:
        hook = self._connect_hooks.get(namespace)
        if namespace == "/":
            connection.sid = sid
        if hook is not None:
            await hook(connection, auth)
        elif self.handlers or self.namespace_handlers:
            await self._ask_stock(connection, namespace, sid, auth)

    async def _ask_stock(
        self, connection: Connection, namespace: str, sid: str, auth: dict[str, Any] | None
    ) -> None:
        environ = self.environ.get(connection.eio_sid)
        try:
            try:
                answer = await self._trigger_event("connect", namespace, sid, environ, auth)  # type: ignore[no-untyped-call]
            except TypeError:
                if auth:
                    raise
                answer = await self._trigger_event("connect", namespace, sid, environ)  # type: ignore[no-untyped-call]
        except StockRefused as refused:
            raise ConnectionRefused(refused.error_args) from refused
        except ConnectionRefusedError as refused:
            raise ConnectionRefused from refused
        if answer is False:
            raise ConnectionRefused

    def _accept(self, connection: Connection, namespace: str, sid: str) -> None:
        self.manager.confirm(sid)
        connection.connected(namespace, sid)
        connection.headers = None
        connection.transmit(_json_frame(packet.CONNECT, namespace, {"sid": sid}))
        connection.release()

    def _refuse(self, connection: Connection, namespace: str, sid: str, data: Any) -> None:
        self.counters.refused += 1
        if namespace == "/":
            connection.sid = None
        self.manager.basic_disconnect(sid, namespace)
        connection.transmit(_json_frame(packet.CONNECT_ERROR, namespace, data))
        connection.release(but_not=namespace)
        connection.refused()

    async def leave_namespace(self, connection: Connection, namespace: str, reason: str) -> None:
        """Run the disconnect hook, then leave every room."""
        sid = connection.namespaces.get(namespace)
        if sid is None or not self.manager.is_connected(sid, namespace):
            return
        self.manager.pre_disconnect(sid, namespace)
        hook = self._disconnect_hooks.get(namespace)
        try:
            if hook is not None:
                await hook(connection, reason)
            elif self.handlers or self.namespace_handlers:
                await self._trigger_event("disconnect", namespace, sid, reason)  # type: ignore[no-untyped-call]
        finally:
            self.manager.basic_disconnect(sid, namespace)
            connection.disconnected(namespace)

    # Events for handlers registered with `on`, `event` and class-based namespaces.

    def stock_event(
        self, connection: Connection, event: str, arguments: bytes, namespace: str, id_: bytes
    ) -> Coroutine[Any, Any, Frame | None] | None:
        """Decode an event and call its handler. Raises PacketError, also for names that are not a client's to
        emit: python-socketio keeps the handlers of its own events under them."""
        if event in packet.RESERVED:
            raise PacketError("reserved event name")
        values = packet.loads(b"[%b]" % arguments) if arguments else []
        if connection.attachments:
            attachments, connection.attachments = connection.attachments, []
            values = packet.join_binary(values, attachments)
        sid = connection.namespaces[namespace]
        handled = self._handle_stock(sid, event, values, namespace, id_)
        if not self.async_handlers:
            return handled
        self._in_background(self._send_answer(connection, handled))
        return None

    async def _handle_stock(
        self, sid: str, event: str, values: list[Any], namespace: str, id_: bytes
    ) -> Frame | None:
        # "*" names the catch-all handler, which an event of that name must not reach directly.
        if event == "*":
            return None
        result = await self._trigger_event(event, namespace, sid, *values)  # type: ignore[no-untyped-call]
        if result is self.not_handled or not id_:
            return None
        answer = list(result) if isinstance(result, tuple) else [] if result is None else [result]
        return packet.encode(packet.ACK, namespace, answer, id_)

    async def _send_answer(self, connection: Connection, handled: Awaitable[Frame | None]) -> None:
        answer = await handled
        if answer is not None:
            connection.send(answer)

    def acknowledged(self, sid: str, id_: int, values: list[Any]) -> None:
        """A client acknowledged an emit: run its callback."""
        result = self.manager.answered(sid, id_, values)
        if inspect.isawaitable(result):
            self._in_background(result)

    def _in_background(self, awaitable: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(awaitable)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Sessions: called by the gateway and by connections.

    def opened(self, connection: Connection) -> None:
        """A session was made."""
        self.eio.sockets[connection.eio_sid] = connection
        self.counters.opened += 1
        self.counters.connections += 1

    def fell_silent(self, connection: Connection) -> None:
        """A session is in no namespace, and has asked for none yet or was refused."""
        self._silent.pop(connection, None)
        self._silent[connection] = time.monotonic()

    def spoke(self, connection: Connection) -> None:
        """A session asks for a namespace."""
        self._silent.pop(connection, None)

    def make_room(self) -> None:
        """A newcomer needs a place: whoever opened sessions and says nothing must not keep them all."""
        if self.counters.connections < self.bounds.max_connections or not self._silent:
            return
        oldest, since = next(iter(self._silent.items()))
        if time.monotonic() - since >= self.bounds.silent_seconds:
            oldest.abort("connect timeout")

    def forget(self, connection: Connection) -> None:
        """A session id is no longer valid."""
        if self.eio.sockets.pop(connection.eio_sid, None) is None:
            return
        self._silent.pop(connection, None)
        self.counters.connections -= 1
        if not self.eio.sockets and self._empty is not None and not self._empty.done():
            self._empty.set_result(None)

    def depart(self, connection: Connection) -> None:
        """Queue a closed session for its disconnect hooks and for leaving its rooms."""
        if not self._departures:
            asyncio.get_running_loop().call_soon(self._depart_some)
        self._departures.append(connection)

    def _depart_some(self) -> None:
        for _ in range(min(_DEPARTURES_PER_TURN, len(self._departures))):
            self._depart_one(self._departures.popleft())
        if self._departures:
            asyncio.get_running_loop().call_soon(self._depart_some)

    def _depart_one(self, connection: Connection) -> None:
        if self._disconnect_hooks or self.handlers or self.namespace_handlers:
            for namespace in list(connection.namespaces):
                self._step(self.leave_namespace(connection, namespace, connection.reason))
        else:
            for namespace, sid in connection.namespaces.items():
                self.manager.basic_disconnect(sid, namespace)
            connection.namespaces = {}
            connection.sid = None
        self.environ.pop(connection.eio_sid, None)

    def _step(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        try:
            self.carrier.step(coroutine, self._stepped)
        except Exception as error:  # noqa: BLE001 - a hook's mistake must not cost the others
            self._stepped(None, error)

    def _stepped(self, value: Any, error: BaseException | None) -> None:
        if error is not None:
            self.counters.handler_errors += 1
            self.logger.error("engine.hook_failed", exc_info=error)

    # Draining.

    async def drain(self, frame: Frame | None, seconds: float) -> None:
        """Leave: refuse newcomers, let running handlers end, close everybody within `seconds`.

        Each client gets `frame` as its last word, at a moment spread over the first half of the time, so that
        they do not all come back at once.
        """
        self.draining = True
        self.farewell = frame
        began = time.monotonic()
        waiting = list(self.connections)
        random.shuffle(waiting)
        for index, connection in enumerate(waiting):
            early = began + seconds / 2 * index / len(waiting) - time.monotonic()
            if early > 0:
                await asyncio.sleep(early)
            connection.retire()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_gone(), max(0.0, began + seconds - time.monotonic()))
        for connection in list(self.connections):
            connection.abort("draining")

    async def _all_gone(self) -> None:
        while self.eio.sockets:
            self._empty = asyncio.get_running_loop().create_future()
            await self._empty


def _json_frame(kind: int, namespace: str, data: Any) -> Frame:
    return Frame(packet.head(kind, namespace) + packet.dumps(data), namespace=namespace)
