"""Frames for one client share a write, and nothing else changes by it."""

import asyncio

import pytest
from engine_harness import Wire, serving, until

from realtime.engine import Bounds, Connection, Server


class Writes:
    """Counts what is written to the transport of a connection."""

    def __init__(self, connection: Connection) -> None:
        self._write = connection.write
        self.sizes: list[int] = []
        connection.write = self

    def __call__(self, data: bytes) -> None:
        self.sizes.append(len(data))
        self._write(data)


@pytest.mark.parametrize("gather_seconds", [0.0, 0.001])
async def test_frames_of_one_turn_are_one_write(gather_seconds: float) -> None:
    server = Server(bounds=Bounds(gather_seconds=gather_seconds))
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        (connection,) = server.connections
        writes = Writes(connection)
        for number in range(100):
            server.deliver(None, server.frame("n", b"%d" % number))
        assert writes.sizes == []
        assert connection.buffered_bytes > 1_000
        assert [await client.receive() for _ in range(100)] == [f'42["n",{number}]' for number in range(100)]
        assert len(writes.sizes) == 1


async def test_in_a_burst_turns_share_writes_and_the_first_does_not_wait() -> None:
    server = Server(bounds=Bounds(gather_seconds=1.5))
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        (connection,) = server.connections
        writes = Writes(connection)
        for number in range(50):
            server.deliver(None, server.frame("n", b"%d" % number))
            await asyncio.sleep(0)
        assert len(writes.sizes) == 1
        assert [await client.receive() for _ in range(50)] == [f'42["n",{number}]' for number in range(50)]
        assert len(writes.sizes) == 2


async def test_more_than_the_limit_is_not_gathered() -> None:
    server = Server(bounds=Bounds(outbound_bytes=40_000, gather_seconds=5.0))
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        (connection,) = server.connections
        writes = Writes(connection)
        frame = server.frame("n", b'"' + b"x" * 990 + b'"')
        for _ in range(25):
            server.deliver(None, frame)
        assert len(writes.sizes) == 2
        assert max(writes.sizes) <= 10_000 + frame.size
        server.gathering.flush()
        for _ in range(25):
            assert await client.receive()


async def test_an_acknowledgement_follows_what_was_gathered_before_it_and_does_not_wait() -> None:
    server = Server(bounds=Bounds(gather_seconds=60.0))

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        server.deliver(None, server.frame("n", arguments))
        if event == "waits":
            await asyncio.sleep(0)
        return arguments

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        (connection,) = server.connections
        server.deliver(None, server.frame("n", b"0"))
        assert await client.receive() == '42["n",0]'
        writes = Writes(connection)
        assert await client.ask('421["a",1]') == '42["n",1]'
        assert await client.receive() == "431[1]"
        assert await client.ask('422["waits",2]') == '42["n",2]'
        assert await client.receive() == "432[2]"
        # What was gathered goes out when the handler begins to wait, its acknowledgement when it ends.
        assert len(writes.sizes) == 3


async def test_pipelined_events_are_acknowledged_in_one_write() -> None:
    server = Server()
    server.on_raw(lambda connection, event, arguments, namespace: arguments)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        (connection,) = server.connections
        writes = Writes(connection)
        await client.send(*[f'42{number}["n",{number}]' for number in range(30)])
        answers = [await client.receive() for _ in range(30)]
        assert answers == [f"43{number}[{number}]" for number in range(30)]
        assert len(writes.sizes) < 30


async def test_a_close_takes_what_was_gathered_along() -> None:
    server = Server(bounds=Bounds(gather_seconds=60.0))
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        (connection,) = server.connections
        server.deliver(None, server.frame("n", b"0"))
        assert await client.receive() == '42["n",0]'
        server.deliver(None, server.frame("n", b"1"))
        connection.close("enough", frame=server.frame("bye", b"2"))
        assert [await client.receive(), await client.receive()] == ['42["n",1]', '42["bye",2]']
        assert await client.closed() == 1000


async def test_clients_with_different_frames_get_their_own() -> None:
    server = Server(bounds=Bounds(gather_seconds=0.0))
    async with serving(server) as url, Wire(url) as one, Wire(url) as two, Wire(url) as three:
        sids = [await client.connect() for client in (one, two, three)]
        server.deliver(None, server.frame("all", b"1"))
        server.deliver_to(sids[1], server.frame("two", b"2"))
        server.deliver(None, server.frame("all", b"3"))
        await until(lambda: not any(connection.pending for connection in server.connections))
        for client in (one, three):
            assert [await client.receive() for _ in range(2)] == ['42["all",1]', '42["all",3]']
        assert [await two.receive() for _ in range(3)] == ['42["all",1]', '42["two",2]', '42["all",3]']
