"""A request that came over a connection which already served others, and belongs to another worker.

A reverse proxy and a browser use one connection for several sessions. The connection moves to the worker that
owns the session of its latest request, together with that request, written anew.
"""

import asyncio
from typing import Any, Final, cast

from aiohttp import web

from realtime.engine.websocket import Upgraded, is_upgrade

# A client that sends its request, or takes the answer to the one before it, more slowly is given up.
REQUEST_SECONDS_MAX: Final = 10.0

# What is said about one hop, or about a body that aiohttp has decoded.
_SAID_ANEW: Final = frozenset(
    {
        b"connection",
        b"content-encoding",
        b"content-length",
        b"expect",
        b"keep-alive",
        b"proxy-connection",
        b"transfer-encoding",
    }
)


async def body(request: web.BaseRequest, bytes_max: int) -> bytes:
    """Raises HTTPRequestEntityTooLarge, TimeoutError."""
    read = bytearray()
    async with asyncio.timeout(REQUEST_SECONDS_MAX):
        async for chunk in request.content.iter_any():
            read += chunk
            if len(read) > bytes_max:
                raise web.HTTPRequestEntityTooLarge(bytes_max, len(read))
    return bytes(read)


def written_anew(request: web.BaseRequest, body: bytes) -> bytes:
    """The bytes of a request, and what follows it when it asks for a websocket.

    Otherwise the connection ends with the answer: of a request that was sent before the answer to this one,
    some bytes may be read already and cannot move.
    """
    if is_upgrade(request) and not request.body_exists:
        tail: bytes = cast("Any", request.protocol)._message_tail
        return _written(request, list(request.raw_headers)) + tail
    headers = [(name, value) for name, value in request.raw_headers if name.lower() not in _SAID_ANEW]
    headers.append((b"Connection", b"close"))
    if body or request.method == "POST":
        headers.append((b"Content-Length", b"%d" % len(body)))
    return _written(request, headers) + body


async def flushed(request: web.BaseRequest) -> asyncio.Transport | None:
    """The transport of a request when nothing waits in it and nothing more is read; None when it is gone.

    Raises TimeoutError.
    """
    transport = request.transport
    if transport is None or transport.is_closing():
        return None
    transport.pause_reading()
    transport.set_write_buffer_limits(high=0)
    async with asyncio.timeout(REQUEST_SECONDS_MAX):
        await request.writer.drain()
    return request.transport


def let_go(request: web.BaseRequest, transport: asyncio.Transport) -> web.StreamResponse:
    """Close our end of a connection that has moved; the response to return for its request."""
    http = cast("Any", request.protocol)
    transport.set_protocol(asyncio.Protocol())
    http.transport = None
    http.connection_lost(None)
    transport.close()
    return Upgraded()


def _written(request: web.BaseRequest, headers: list[tuple[bytes, bytes]]) -> bytes:
    major, minor = request.version
    first = f"{request.method} {request.raw_path} HTTP/{major}.{minor}".encode("utf-8", "surrogateescape")
    return b"\r\n".join([first, *(name + b": " + value for name, value in headers), b"", b""])
