"""Clients that do not read and do not leave either: nothing of them stays."""

import asyncio

import pytest
from engine_harness import Polling, Wire, serving, until, within
from test_engine_backpressure import BODY, BOUND, Stalled, small_buffers, stalled_client

from realtime.engine import Bounds, Connection, Server

PING = b"\x89\xfd\x00\x00\x00\x00" + b"p" * 125
PONG = b"\x8a\x7d" + b"p" * 125


def masked(payload: bytes, opcode: int = 1) -> bytes:
    return bytes((0x80 | opcode, 0x80 | len(payload))) + bytes(4) + payload


async def congest(server: Server, connection: Connection) -> None:
    """Send until the transport has more to write than it likes, and less than the bound."""
    small_buffers(connection)
    while not server.counters.congested:
        server.deliver(None, server.frame("n", BODY))
        await asyncio.sleep(0)


@pytest.mark.parametrize("last", [masked(b"9"), masked(b"\x03\xe8", 8), masked(b"?", 3), masked(b"1")])
async def test_a_client_that_ends_and_does_not_read_is_cut_off(last: bytes) -> None:
    server = Server(bounds=Bounds(outbound_bytes=BOUND, close_seconds=0.2))
    async with serving(server) as url, stalled_client(url) as client:
        (connection,) = server.connections
        await congest(server, connection)
        assert connection.websocket is not None
        transport = connection.websocket.transport
        sock = transport.get_extra_info("socket")
        client.writer.write(last)
        await until(lambda: sock.fileno() < 0)
        assert server.counters.connections == server.counters.congested == 0


async def test_pings_of_a_client_that_does_not_read_pile_nothing_up() -> None:
    server = Server(bounds=Bounds(outbound_bytes=BOUND))
    async with serving(server) as url, stalled_client(url) as client:
        (connection,) = server.connections
        await congest(server, connection)
        full = connection.buffered_bytes
        received = server.counters.received
        for _ in range(2_000):
            client.writer.write(PING)
            await client.writer.drain()
        client.writer.write(masked(b"3"))
        await until(lambda: server.counters.received > received)
        assert connection.buffered_bytes <= full
        assert await _pongs_until_uncongested(server, client) == 1


async def _pongs_until_uncongested(server: Server, client: Stalled) -> int:
    """Read until the server is rid of what it held; how many pongs were in it."""
    read = bytearray()
    while server.counters.congested or PONG not in read:
        read += await within(client.reader.read(65_536))
    return read.count(PONG)


async def test_a_client_that_does_not_mask_is_refused() -> None:
    server = Server()
    async with serving(server) as url, Wire(url) as client:
        await client.opened()
        transport = client.socket._writer.transport
        transport.write(b"\x81")
        transport.write(b"\x0240")
        assert await client.closed() == 1002
        assert server.counters.connections == 0


async def test_a_poll_waits_while_the_connect_is_decided() -> None:
    server = Server()
    decided = asyncio.Event()

    async def connect(connection: Connection, auth: object) -> None:
        connection.send(server.frame("early", b"1"))
        await decided.wait()

    server.on_connect(connect)
    async with serving(server) as url, Polling(url) as client:
        await client.post("40")
        poll = asyncio.create_task(client.get())
        (connection,) = server.connections
        await until(lambda: connection.poll is not None)
        assert connection.held
        connection.send(server.frame("early", b"2"))
        await asyncio.sleep(0)
        assert connection.poll is not None
        assert not connection.poll.done()
        decided.set()
        assert (await poll)[1].split("\x1e")[1:] == ['42["early",1]', '42["early",2]']
