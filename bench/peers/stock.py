"""Peer `stock`: python-socketio as it comes, on aiohttp and uvloop."""

from typing import Any

import socketio
from aiohttp import web

from bench.peers.control import Control, serve
from bench.peers.workload import ACK, FANOUT_EVENT, INBOUND_EVENT, announcement


def make_app() -> web.Application:
    app = web.Application()
    sio: Any = socketio.AsyncServer(async_mode="aiohttp", cors_allowed_origins="*")  # type: ignore[no-untyped-call]
    sio.attach(app)
    connected: set[str] = set()
    _handle(sio, connected)

    async def emit(room: str, text: str) -> None:
        await sio.emit(FANOUT_EVENT, announcement(text), room=room)

    Control(emit, lambda: len(connected)).attach(app)
    return app


def _handle(sio: Any, connected: set[str]) -> None:
    async def connect(sid: str, environ: dict[str, Any], auth: dict[str, list[str]]) -> None:
        connected.add(sid)
        for room in auth["rooms"]:
            await sio.enter_room(sid, room)

    async def quick(sid: str, command: dict[str, str]) -> dict[str, Any]:
        return ACK

    async def disconnect(sid: str, reason: str) -> None:
        connected.discard(sid)

    sio.on("connect", connect)
    sio.on(INBOUND_EVENT, quick)
    sio.on("disconnect", disconnect)


if __name__ == "__main__":
    serve(make_app)
