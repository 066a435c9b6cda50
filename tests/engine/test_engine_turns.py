"""A client that sends without end is heard in turns: it keeps nobody waiting, and loses nothing by it."""

import asyncio
from typing import Any

import pytest
from engine_harness import Wire, serving, within

from realtime.engine import Connection, Server, websocket

EVENTS = 4_000
FILLER = "x" * 16


@pytest.fixture(autouse=True)
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn is one piece, whatever this machine does in two milliseconds; nobody rests for long."""
    monkeypatch.setattr(websocket, "_TURN_SECONDS", 0.0)
    monkeypatch.setattr(websocket, "_REST_SECONDS_MAX", 0.001)


class Ticks:
    """Counts the turns of the loop, and what was handled in each."""

    def __init__(self) -> None:
        self.handled: list[int] = [0]
        self._ticking = asyncio.get_running_loop().call_soon(self._tick)

    def _tick(self) -> None:
        self.handled.append(0)
        self._ticking = asyncio.get_running_loop().call_soon(self._tick)

    def stop(self) -> None:
        self._ticking.cancel()


def frames(count: int) -> bytes:
    packets = (f'42{number}["say","{FILLER}"]'.encode() for number in range(count))
    return b"".join(bytes((0x81, 0x80 | len(packet))) + bytes(4) + packet for packet in packets)


async def all_answered(client: Wire, count: int) -> None:
    for number in range(count):
        assert await client.receive() == f"43{number}[1]"


async def test_a_turn_is_no_longer_than_one_piece() -> None:
    server = Server()
    sent = frames(EVENTS)
    async with serving(server) as url, Wire(url) as client:
        ticks = Ticks()

        def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
            ticks.handled[-1] += 1
            return b"1"

        server.on_raw(handle)
        await client.connect()
        client.socket._writer.transport.write(sent)
        await within(all_answered(client, EVENTS))
        ticks.stop()
        piece_events = websocket._PIECE_BYTES / (len(sent) / EVENTS)
        assert sum(ticks.handled) == EVENTS
        assert max(ticks.handled) <= 1.2 * piece_events < EVENTS / 10


async def test_a_client_whose_handlers_wait_loses_nothing_and_keeps_its_order() -> None:
    server = Server()

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        await asyncio.sleep(0)
        return b"1"

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        client.socket._writer.transport.write(frames(EVENTS))
        await within(all_answered(client, EVENTS))


async def test_who_leaves_while_it_rests_is_heard_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    handled: list[int] = []
    left = asyncio.get_running_loop().create_future()

    def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        handled.append(len(handled))
        return b"1"

    async def gone(connection: Connection, reason: str) -> None:
        left.set_result(reason)

    server.on_raw(handle)
    server.on_disconnect(gone)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        transport: Any = client.socket._writer.transport
        transport.write(frames(EVENTS) + b"\x81\x81\x00\x00\x00\x001")
        assert await within(left) == "client disconnect"
        assert len(handled) == EVENTS


async def test_a_session_that_is_closed_while_it_rests_stays_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "_REST_SECONDS_MAX", 0.1)
    server = Server()
    handled: list[str] = []

    def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        handled.append(event)
        connection.close("enough")
        return b"1"

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        client.socket._writer.transport.write(frames(EVENTS))
        assert await client.closed() == 1000
        assert handled == ["say"]
