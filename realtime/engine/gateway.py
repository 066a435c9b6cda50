"""The Engine.IO endpoint: handshakes, polls, posts and upgrades over HTTP."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import engineio
import orjson
from aiohttp import web
from engineio.async_drivers.aiohttp import translate_request

from realtime.engine import websocket
from realtime.engine.connection import Connection
from realtime.engine.frame import SEPARATOR, Frame
from realtime.engine.probe import Probe
from realtime.engine.websocket import HandshakeError, Upgraded, WebSocket

if TYPE_CHECKING:
    from realtime.engine.server import Server

# The reference server's answers to requests it cannot serve.
_TRANSPORT_UNKNOWN: Final = (400, 0, "Transport unknown")
_SESSION_UNKNOWN: Final = (400, 1, "Session ID unknown")
_BAD_METHOD: Final = (400, 2, "Bad handshake method")
_BAD_REQUEST: Final = (400, 3, "Bad request")
_FORBIDDEN: Final = (403, 4, "Forbidden")
_UNSUPPORTED_VERSION: Final = (400, 5, "Unsupported protocol version")
_TOO_LARGE: Final = (413, 3, "Payload too large")
_TOO_SLOW: Final = (408, 3, "Request time-out")
_NO_ROOM: Final = (503, 3, "Service unavailable")

_TEXT: Final = "text/plain; charset=UTF-8"


class RequestError(Exception):
    """A request that is answered with a status and Engine.IO's error code."""

    def __init__(self, answer: tuple[int, int, str]) -> None:
        super().__init__(answer[2])
        self.status, self.code, self.text = answer


class Gateway(engineio.AsyncServer):
    """python-engineio's server with the way of a request replaced. `sockets`: session id → Connection."""

    sio: "Server"
    sockets: dict[str, Connection]

    def attach(self, app: web.Application, engineio_path: str = "engine.io") -> None:
        """Serve every method: the protocol has its own answer to the wrong ones."""
        app.router.add_route("*", f"/{engineio_path.strip('/')}/", self.handle_request)

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request of the endpoint."""
        cors = _Cors(self, request)
        try:
            cors.check()
            if request.method == "OPTIONS":
                return web.Response(text="OK", headers=cors.headers())
            response = await self._serve(request, cors)
        except RequestError as refused:
            body = orjson.dumps({"code": refused.code, "message": refused.text})
            headers = cors.headers()
            if refused.status == 503:
                headers["Retry-After"] = "5"
            return web.Response(
                status=refused.status, body=body, content_type="application/json", headers=headers
            )
        return response

    async def _serve(self, request: web.Request, cors: "_Cors") -> web.StreamResponse:
        transport = request.query.get("transport", "")
        if transport not in self.transports:
            raise RequestError(_TRANSPORT_UNKNOWN)
        sid = request.query.get("sid")
        if sid is None:
            return await self._handshake(request, transport, cors)
        connection = self.sockets.get(sid)
        if connection is None:
            raise RequestError(_SESSION_UNKNOWN)
        if transport == "websocket":
            return self._upgrade(request, connection)
        if connection.upgraded or websocket.is_upgrade(request):
            raise RequestError(_BAD_REQUEST)
        if request.method == "GET":
            return self._text(await self._poll(request, connection), cors)
        if request.method == "POST" and not connection.closing:
            await self._post(request, connection)
            return web.Response(text="ok", content_type="text/html", headers=cors.headers())
        raise RequestError(_BAD_REQUEST)

    # Handshake.

    async def _handshake(self, request: web.Request, transport: str, cors: "_Cors") -> web.StreamResponse:
        if request.method != "GET":
            raise RequestError(_BAD_METHOD)
        if (transport == "websocket") != websocket.is_upgrade(request):
            raise RequestError(_BAD_REQUEST)
        if request.query.get("EIO") != "4":
            raise RequestError(_UNSUPPORTED_VERSION)
        self._check_room()
        if transport == "websocket":
            socket = self._take_over(request)
            connection = self._open(request)
            connection.attach(socket)
            connection.transmit(self._open_packet(connection, []))
            return Upgraded()
        connection = self._open(request)
        upgrades = ["websocket"] if self.allow_upgrades and "websocket" in self.transports else []
        response = self._text(self._open_packet(connection, upgrades).polling, cors)
        self._set_cookie(response, connection)
        return response

    def _check_room(self) -> None:
        self.sio.make_room()
        bounds = self.sio.bounds
        spare = bounds.max_connections + bounds.refusal_headroom
        if self.sio.draining or self.sio.counters.connections >= spare:
            self.sio.counters.refused += 1
            raise RequestError(_NO_ROOM)

    def _open(self, request: web.Request) -> Connection:
        sid: str = self.generate_id()  # type: ignore[no-untyped-call]
        connection = Connection(self.sio, sid, request.remote, request.headers)
        self.sio.opened(connection)
        if self.sio.handlers or self.sio.namespace_handlers:
            self.sio.environ[sid] = translate_request(request)  # type: ignore[no-untyped-call]
        return connection

    def _open_packet(self, connection: Connection, upgrades: list[str]) -> Frame:
        interval = self.ping_interval + self.ping_interval_grace_period
        handshake = {
            "sid": connection.eio_sid,
            "upgrades": upgrades,
            "pingInterval": int(interval * 1000),
            "pingTimeout": int(self.ping_timeout * 1000),
            "maxPayload": self.max_http_buffer_size,
        }
        return Frame(b"0" + orjson.dumps(handshake))

    def _set_cookie(self, response: web.Response, connection: Connection) -> None:
        if self.cookie:
            cookie = self.cookie
            if not isinstance(cookie, dict):
                cookie = {"name": cookie, "path": "/", "SameSite": "Lax"}
            value = self._generate_sid_cookie(connection.eio_sid, cookie)  # type: ignore[no-untyped-call]
            response.headers["Set-Cookie"] = value

    # WebSocket.

    def _take_over(self, request: web.Request) -> WebSocket:
        try:
            answer, deflating = websocket.accept(request, compression=self.sio.compression)
        except HandshakeError as error:
            raise RequestError(_BAD_REQUEST) from error
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("client is gone")
        bounds = self.sio.bounds
        socket = WebSocket(
            transport,
            max_bytes=self.max_http_buffer_size,
            mailbox_bytes=bounds.mailbox_bytes,
            close_seconds=bounds.close_seconds,
            wheel=self.sio.wheel,
            deflating=deflating,
        )
        websocket.take_over(request, answer, socket, bounds.outbound_bytes // 2)
        return socket

    def _upgrade(self, request: web.Request, connection: Connection) -> web.StreamResponse:
        busy = connection.upgraded or connection.upgrading or connection.closing
        if busy or not self.allow_upgrades or request.method != "GET" or not websocket.is_upgrade(request):
            raise RequestError(_BAD_REQUEST)
        socket = self._take_over(request)
        socket.inbox.listener = Probe(connection, socket)
        return Upgraded()

    # Polling.

    async def _poll(self, request: web.Request, connection: Connection) -> bytes:
        if connection.poll is not None:
            connection.abort("transport error")
            raise RequestError(_BAD_REQUEST)
        if connection.closing or connection.upgrading or connection.queue:
            return self._take_payload(request, connection)
        connection.poll = asyncio.get_running_loop().create_future()
        try:
            await connection.poll
        finally:
            connection.poll = None
        return self._take_payload(request, connection)

    def _take_payload(self, request: web.Request, connection: Connection) -> bytes:
        transport = request.transport
        if transport is None or transport.is_closing():
            connection.abort("transport error")
            raise ConnectionResetError("the poll was given up")
        payload = connection.payload()
        if connection.closing:
            connection.gone()
        return payload

    async def _post(self, request: web.Request, connection: Connection) -> None:
        if connection.posting:
            connection.abort("transport error")
            raise RequestError(_BAD_REQUEST)
        connection.posting = True
        try:
            packets = _packets(await self._body(request))
            if packets is None:
                connection.mailbox.invalid()
            else:
                await connection.mailbox.post(packets)
        finally:
            connection.posting = False
        if connection.closing and connection.reason == "parse error":
            raise RequestError(_BAD_REQUEST)

    async def _body(self, request: web.Request) -> bytes:
        limit = self.max_http_buffer_size
        if (request.content_length or 0) > limit:
            raise RequestError(_TOO_LARGE)
        body = bytearray()
        try:
            async with asyncio.timeout(self.sio.bounds.handshake_seconds):
                async for chunk in request.content.iter_any():
                    body += chunk
                    if len(body) > limit:
                        raise RequestError(_TOO_LARGE)
        except TimeoutError as error:
            raise RequestError(_TOO_SLOW) from error
        return bytes(body)

    def _text(self, body: bytes, cors: "_Cors") -> web.Response:
        headers = {"Content-Type": _TEXT, "Cache-Control": "no-store", **cors.headers()}
        response = web.Response(body=body, headers=headers)
        if self.http_compression and len(body) > self.compression_threshold:
            response.enable_compression()
        return response

    # What python-engineio's methods reach for.

    async def send_packet(self, sid: str, pkt: Any) -> None:
        """Send an Engine.IO packet that python-engineio built."""
        connection = self.sockets.get(sid)
        if connection is None:
            return
        encoded = pkt.encode()
        frame = Frame(encoded.encode()) if isinstance(encoded, str) else Frame(b"", [encoded])
        connection.send(frame)

    async def disconnect(self, sid: str | None = None) -> None:
        """Close one session, or all."""
        chosen = list(self.sockets.values()) if sid is None else [self.sockets.get(sid)]
        for connection in chosen:
            if connection is not None:
                connection.close()

    async def shutdown(self) -> None:
        """There is no background task to stop."""


def _packets(body: bytes) -> list[bytes] | None:
    """The packets of a payload; None if it is not text."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return None
    return body.split(SEPARATOR)


class _Cors:
    """python-engineio's cross-origin rules, over the few headers they look at."""

    def __init__(self, gateway: Gateway, request: web.Request) -> None:
        self._gateway = gateway
        headers = request.headers
        self._environ = {
            "REQUEST_METHOD": request.method,
            "wsgi.url_scheme": headers.get("X-Forwarded-Proto", request.scheme),
        }
        for name in (
            "Host",
            "Origin",
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "Access-Control-Request-Headers",
        ):
            if name in headers:
                self._environ["HTTP_" + name.upper().replace("-", "_")] = headers[name]

    def check(self) -> None:
        """Raises RequestError for an origin that is not allowed."""
        origin = self._environ.get("HTTP_ORIGIN")
        if not origin or self._gateway.cors_allowed_origins == []:
            return
        allowed: Callable[[Any], Any] = self._gateway._cors_allowed_origins
        origins = allowed(self._environ)
        if origins is not None and origin not in origins:
            raise RequestError(_FORBIDDEN)

    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        headers: Callable[[Any], list[tuple[str, str]]] = self._gateway._cors_headers
        return dict(headers(self._environ))
