"""Peer `bound`: what no Socket.IO server on this event loop can beat.

Fan-out is a bare loop that writes one ready frame to every transport. Inbound is a bare aiohttp websocket
that answers every event with a constant acknowledgment, written straight to the transport. Nothing is decoded
beyond what the load client needs to get through its handshake.
"""

import asyncio
from collections import defaultdict
from typing import cast

import orjson
from aiohttp import WSMsgType, web

from bench.peers.control import Control, serve
from bench.peers.workload import ACK, FANOUT_EVENT, announcement

OPEN = '0{"sid":"bound","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
CONNECTED = '40{"sid":"bound"}'
ACK_TAIL = b"[" + orjson.dumps(ACK) + b"]"
ROOMS: defaultdict[str, set[asyncio.Transport]] = defaultdict(set)
CONNECTED_SOCKETS: set[web.WebSocketResponse] = set()


def text_frame(payload: bytes) -> bytes:
    """One unmasked, final text frame; the payload must be shorter than 64 KiB."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    return b"\x81\x7e" + size.to_bytes(2, "big") + payload


async def emit(room: str, text: str) -> None:
    frame = text_frame(b"42" + orjson.dumps([FANOUT_EVENT, announcement(text)]))
    for transport in ROOMS[room]:
        transport.write(frame)


async def socket(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse(compress=False)
    await ws.prepare(request)
    # uvloop's transports have the methods of asyncio's without being subclasses of them.
    transport = cast(asyncio.Transport, request.transport)
    await ws.send_str(OPEN)
    rooms = orjson.loads((await ws.receive_str())[2:])["rooms"]
    await ws.send_str(CONNECTED)
    CONNECTED_SOCKETS.add(ws)
    for room in rooms:
        ROOMS[room].add(transport)
    await _acknowledge_all(ws, transport)
    CONNECTED_SOCKETS.discard(ws)
    for room in rooms:
        ROOMS[room].discard(transport)
    return ws


async def _acknowledge_all(ws: web.WebSocketResponse, transport: asyncio.Transport) -> None:
    async for message in ws:
        if message.type is WSMsgType.TEXT and message.data.startswith("42"):
            ack_id = message.data[2 : message.data.index("[")].encode()
            transport.write(text_frame(b"43" + ack_id + ACK_TAIL))


def make_app() -> web.Application:
    app = web.Application()
    app.router.add_get("/socket.io/", socket)
    Control(emit, lambda: len(CONNECTED_SOCKETS)).attach(app)
    return app


if __name__ == "__main__":
    serve(make_app)
