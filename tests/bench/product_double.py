"""A stand-in for the product: just enough of its contract for the bench's product case to drive it."""

import itertools
import os
from typing import Any

import socketio
from aiohttp import web

TOKENS = itertools.count(1)


async def register(request: web.Request) -> web.Response:
    return web.json_response({"tokens": {"access_token": f"token-{next(TOKENS)}"}}, status=201)


async def ready(request: web.Request) -> web.Response:
    return web.json_response({})


def make_app() -> web.Application:
    app = web.Application()
    sio: Any = socketio.AsyncServer(async_mode="aiohttp")  # type: ignore[no-untyped-call]
    sio.attach(app)

    async def connect(sid: str, environ: dict[str, Any], auth: dict[str, str]) -> bool:
        await sio.enter_room(sid, "feed")
        return auth["token"].startswith("token-")

    async def create(sid: str, command: dict[str, str]) -> dict[str, Any]:
        await sio.emit("post:new", {"room": "feed", "data": {"post": command}}, room="feed")
        return {"ok": True, "data": {"post": command}}

    sio.on("connect", connect)
    sio.on("post:create", create)
    app.add_routes([web.post("/v1/auth/register", register), web.get("/health/ready", ready)])
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=int(os.environ["SERVER_PORT"]), print=None)
