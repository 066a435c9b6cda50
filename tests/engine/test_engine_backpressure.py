"""A client that does not read costs a bounded number of bytes, and nobody else anything."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from engine_harness import Polling, Wire, serving, until, within

from realtime.engine import Bounds, Connection, Server

BODY = b'"' + b"x" * 4000 + b'"'
BOUND = 65_536


class Stalled:
    """A websocket client with a small receive buffer that reads only when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def rest(self) -> bytes:
        """Everything that still comes until the server closes."""
        received = bytearray()
        while data := await within(self.reader.read(65_536)):
            received += data
        return bytes(received)


@asynccontextmanager
async def stalled_client(url: str) -> AsyncIterator[Stalled]:
    address = urlsplit(url)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (address.hostname, address.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=2048)
    lines = (
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
        f"Host: {address.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    )
    writer.write("\r\n".join([*lines, "", ""]).encode() + b"\x81\x82\x00\x00\x00\x0040")
    await within(reader.readuntil(b'40{"sid":'))
    try:
        yield Stalled(reader, writer)
    finally:
        writer.close()


def small_buffers(connection: Connection) -> None:
    """Keep the kernel from swallowing what the test counts."""
    assert connection.websocket is not None
    sock = connection.websocket.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


async def test_a_stalled_client_is_closed_at_its_bound_and_others_get_everything() -> None:
    server = Server(bounds=Bounds(outbound_bytes=BOUND, close_seconds=0.2))
    server.slow_consumer_frame = server.frame("session:ended", b'{"code":"slow_consumer"}')
    reasons: list[str] = []

    async def left(connection: Connection, reason: str) -> None:
        reasons.append(reason)

    server.on_disconnect(left)
    async with serving(server) as url, Wire(url) as healthy, stalled_client(url):
        await healthy.connect()
        connection = [*server.connections][-1]
        small_buffers(connection)
        highest = sent = 0
        while server.counters.slow_consumers_closed == 0:
            server.deliver(None, server.frame("n", BODY))
            sent += 1
            highest = max(highest, connection.buffered_bytes)
            await asyncio.sleep(0)
        for _ in range(sent):
            assert await healthy.receive() == f'42["n",{BODY.decode()}]'
        assert highest <= BOUND + 2 * len(BODY)
        await until(lambda: reasons == ["slow consumer"])
        assert server.deliver(None, server.frame("n", b"1")) == 1
        assert server.counters.congested == 0


async def test_a_slow_client_that_wakes_up_reads_its_last_word() -> None:
    server = Server(bounds=Bounds(outbound_bytes=BOUND, close_seconds=10))
    server.slow_consumer_frame = server.frame("session:ended", b'{"code":"slow_consumer"}')
    async with serving(server) as url, stalled_client(url) as client:
        (connection,) = server.connections
        small_buffers(connection)
        while server.counters.slow_consumers_closed == 0:
            server.deliver(None, server.frame("n", BODY))
            await asyncio.sleep(0)
        reading = asyncio.create_task(client.rest())
        await until(lambda: connection.closed)
        client.writer.write(b"\x88\x82\x00\x00\x00\x00\x03\xe8")
        received = await reading
        assert b'42["session:ended",{"code":"slow_consumer"}]\x88\x02\x03\xe8' in received


async def test_ephemeral_frames_are_dropped_before_a_client_is_closed() -> None:
    server = Server(bounds=Bounds(outbound_bytes=BOUND))
    async with serving(server) as url, stalled_client(url):
        (connection,) = server.connections
        small_buffers(connection)
        for _ in range(300):
            server.deliver(None, server.frame("typing", BODY), ephemeral=True)
            await asyncio.sleep(0)
        assert server.counters.dropped_ephemeral > 200
        assert server.counters.slow_consumers_closed == 0
        assert server.counters.congested == 1
        assert connection.buffered_bytes <= BOUND * 3 / 4 + 2 * len(BODY)
        assert server.deliver(None, server.frame("durable", b"1")) == 1


async def test_one_large_frame_is_not_slowness() -> None:
    server = Server(bounds=Bounds(outbound_bytes=BOUND))
    text = "y" * 1_000_000
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        assert server.deliver(None, server.frame("big", b'"%b"' % text.encode())) == 1
        assert await client.receive() == f'42["big","{text}"]'
        assert server.deliver(None, server.frame("after", b"1")) == 1
        assert await client.receive() == '42["after",1]'


@pytest.mark.parametrize("bounds", [Bounds(polling_packets=50), Bounds(outbound_bytes=20_000)])
async def test_a_polling_client_that_does_not_poll_is_closed(bounds: Bounds) -> None:
    server = Server(bounds=bounds)
    server.slow_consumer_frame = server.frame("session:ended", b"1")
    async with serving(server) as url, Polling(url) as client:
        await client.connect()
        frame = server.frame("n", b'"' + b"z" * 500 + b'"')
        sent = 0
        while server.deliver(None, frame):
            sent += 1
        assert sent <= 50
        assert server.counters.slow_consumers_closed == 1
        status, body = await client.get()
        assert status == 200
        assert body.split("\x1e")[-2:] == ['42["session:ended",1]', "1"]
        assert (await client.get())[0] == 400
        assert server.counters.queued_bytes == 0


async def test_ephemeral_frames_for_a_polling_client_are_dropped_first() -> None:
    server = Server(bounds=Bounds(outbound_bytes=20_000))
    async with serving(server) as url, Polling(url) as client:
        await client.connect()
        frame = server.frame("n", b'"' + b"z" * 500 + b'"')
        for _ in range(100):
            server.deliver(None, frame, ephemeral=True)
        assert server.counters.dropped_ephemeral > 70
        assert server.counters.slow_consumers_closed == 0
        assert next(iter(server.connections)).buffered_bytes == server.counters.queued_bytes <= 11_000


async def test_a_paused_client_that_reads_again_gets_everything_in_order() -> None:
    server = Server(bounds=Bounds(outbound_bytes=10_000_000))
    async with serving(server) as url, stalled_client(url) as client:
        (connection,) = server.connections
        small_buffers(connection)
        assert connection.websocket is not None
        connection.websocket.transport.set_write_buffer_limits(high=20_000, low=5_000)
        for number in range(500):
            server.deliver(None, server.frame("n", b'"%04d%b"' % (number, b"x" * 400)))
        await until(lambda: server.counters.congested == 1)
        assert not connection.direct
        reading = asyncio.create_task(client.rest())
        await until(lambda: connection.direct)
        assert server.counters.congested == 0
        server.deliver(None, server.frame("end", b"1"))
        connection.close()
        client.writer.write(b"\x88\x82\x00\x00\x00\x00\x03\xe8")
        received = await reading
        positions = [received.find(b'42["n","%04d' % number) for number in range(500)]
        assert positions[0] >= 0
        assert positions == sorted(positions)
        assert received.find(b'42["end",1]') > positions[-1]
