"""Peer `ours`: the project's engine, with what a choke point does to an event switched on.

Every inbound event is decoded into a typed command (unknown fields refused), charged to a limit of its
connection and timed, before it is answered: what the stock and the Node peer leave out.
"""

import time
from typing import Any, Literal
from uuid import UUID

import msgspec
import orjson
from aiohttp import web

from bench.peers.control import Control, serve
from bench.peers.workload import ACK, FANOUT_EVENT, INBOUND_EVENT, announcement
from realtime.engine import Connection, Server

EVENTS_PER_SECOND, BURST = 1_000_000, 1_000_000
BUCKETS_MS = (1, 5, 25, 100, 500, 2_500)


class QuickSupport(msgspec.Struct, forbid_unknown_fields=True):
    """The command of the inbound event."""

    post_id: UUID
    kind: Literal[
        "you_got_this", "stay_strong", "proud_of_you", "been_there", "sending_strength", "one_day_at_a_time"
    ]


class Allowance:
    """What one connection may still send: refilled by the second, never above the burst."""

    __slots__ = ("at", "left")

    def __init__(self) -> None:
        self.left = float(BURST)
        self.at = time.monotonic()

    def take(self, now: float) -> bool:
        self.left = min(BURST, self.left + (now - self.at) * EVENTS_PER_SECOND) - 1
        self.at = now
        return self.left >= 0


class ChokePoint:
    """Decodes, limits, times and answers the events of all connections."""

    def __init__(self) -> None:
        self.decoders: dict[str, msgspec.json.Decoder[QuickSupport]] = {
            INBOUND_EVENT: msgspec.json.Decoder(QuickSupport)
        }
        self.encode = msgspec.json.Encoder().encode
        self.seen = [0] * (len(BUCKETS_MS) + 1)

    def __call__(self, connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        started = time.monotonic()
        try:
            return self._answer(connection, event, arguments, started)
        finally:
            spent_ms = (time.monotonic() - started) * 1000
            self.seen[sum(spent_ms > bound for bound in BUCKETS_MS) if spent_ms > BUCKETS_MS[0] else 0] += 1

    def _answer(self, connection: Connection, event: str, arguments: bytes, now: float) -> bytes:
        decoder = self.decoders.get(event)
        if decoder is None:
            return self._refuse("not_found")
        if not connection.state.take(now):
            return self._refuse("rate_limited")
        try:
            decoder.decode(arguments)
        except msgspec.MsgspecError:
            return self._refuse("invalid")
        return self.encode(ACK)

    def _refuse(self, code: str) -> bytes:
        return self.encode({"ok": False, "error": {"code": code}})


def make_app() -> web.Application:
    app = web.Application()
    server = Server(cors_allowed_origins="*")
    server.attach(app)
    server.on_raw(ChokePoint())

    async def connect(connection: Connection, auth: dict[str, Any] | None) -> None:
        connection.state = Allowance()
        assert connection.sid is not None
        for room in (auth or {})["rooms"]:
            server.join(connection.sid, room)

    async def emit(room: str, text: str) -> None:
        server.deliver(room, server.frame(FANOUT_EVENT, orjson.dumps(announcement(text))))

    server.on_connect(connect)
    Control(emit, lambda: server.counters.connections).attach(app)
    return app


if __name__ == "__main__":
    serve(make_app)
