"""An echo server for protocol test suites: `python -m realtime.engine.echo --port 3000`.

Namespaces `/` and `/custom`. It emits `auth` with the auth of the handshake when a client connects, answers
`message` with `message-back` and acknowledges `message-with-ack` with its arguments. Heartbeats are quick
(300 ms, 200 ms) so that a suite need not wait; `--ping-timeout` gives clients on a busy machine more time.
"""

import argparse
from typing import Any

import uvloop
from aiohttp import web

from realtime.engine.bounds import Bounds
from realtime.engine.server import Server

PING_TIMEOUT_SECONDS = 0.2


def make_server(ping_timeout_seconds: float = PING_TIMEOUT_SECONDS) -> Server:
    """The echo server, not yet attached to an application."""
    server = Server(
        bounds=Bounds(connect_seconds=5.0),
        cors_allowed_origins="*",
        max_http_buffer_size=1_000_000,
        ping_interval=0.3,
        ping_timeout=ping_timeout_seconds,
    )
    for namespace in ("/", "/custom"):
        _echo(server, namespace)
    return server


def _echo(server: Server, namespace: str) -> None:
    async def connect(sid: str, environ: dict[str, Any], auth: Any) -> None:
        await server.emit("auth", auth or {}, to=sid, namespace=namespace)

    async def message(sid: str, *arguments: Any) -> None:
        await server.emit("message-back", arguments, to=sid, namespace=namespace)

    async def message_with_ack(sid: str, *arguments: Any) -> tuple[Any, ...]:
        return arguments

    on: Any = server.on
    on("connect", connect, namespace)
    on("message", message, namespace)
    on("message-with-ack", message_with_ack, namespace)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--ping-timeout", type=float, default=PING_TIMEOUT_SECONDS, metavar="SECONDS")
    options = parser.parse_args()
    app = web.Application()
    make_server(options.ping_timeout).attach(app)
    web.run_app(app, host=options.host, port=options.port, loop=uvloop.new_event_loop(), print=None)


if __name__ == "__main__":
    main()
