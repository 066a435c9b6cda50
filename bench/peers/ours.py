"""Peer `ours`: the project's engine, with the product's choke point before a handler that does nothing.

Every inbound event is looked up, charged to its account, decoded into its typed command (unknown fields
refused), run under the handler time-out, counted, timed and answered: what the other peers leave out.
"""

import gc
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from bench.peers.control import Control, serve
from bench.peers.workload import ACK, FANOUT_EVENT, INBOUND_EVENT, announcement
from domain.accounts import User
from domain.settings import load_settings
from domain.support import GiveSupport
from realtime.actor import Actors, on
from realtime.budget import Budget
from realtime.client import Client
from realtime.engine import Connection, Server

EVENTS_PER_MINUTE = 1_000_000_000
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


class Supporter:
    """The actor under test: all of it is what the product does around a handler."""

    @on(INBOUND_EVENT, GiveSupport)
    async def quick(self, client: Client, command: GiveSupport) -> object:
        return ACK["data"]


def make_app() -> web.Application:
    app = web.Application()
    server = Server(cors_allowed_origins="*")
    server.attach(app)
    settings = load_settings(None, events_per_minute=EVENTS_PER_MINUTE)
    actors = Actors([Supporter()], settings, end=lambda client, code: client.connection.close(code))

    async def connect(connection: Connection, auth: dict[str, Any] | None) -> None:
        assert connection.sid is not None
        user = User(id=connection.sid, session_id=connection.sid)
        connection.user = Client(connection, user, FOREVER, "bench", Budget(EVENTS_PER_MINUTE))
        for room in (auth or {})["rooms"]:
            server.join(connection.sid, room)

    async def emit(room: str, text: str) -> None:
        server.deliver(room, server.frame(FANOUT_EVENT, orjson.dumps(announcement(text))))

    server.on_raw(lambda connection, event, arguments, _: actors.receive(connection.user, event, arguments))
    server.on_connect(connect)
    Control(emit, lambda: server.counters.connections).attach(app)
    gc.freeze()  # as run_server.py does
    return app


if __name__ == "__main__":
    serve(make_app)
