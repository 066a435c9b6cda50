"""Leaving in order: nobody new, everybody told, all within the time."""

import asyncio
import itertools
from typing import Any

import aiohttp
import pytest
from engine_harness import Polling, Wire, serving, until, within

from realtime.engine import Bounds, Connection, Server


async def test_everybody_is_told_and_closed_and_nobody_new_gets_in() -> None:
    server = Server()
    farewell = server.frame("session:ended", b'{"code":"draining"}')
    async with serving(server) as url, Wire(url) as wire, Polling(url) as polling, Wire(url) as late:
        await wire.connect()
        await polling.connect()
        await late.opened()
        draining = asyncio.create_task(server.drain(farewell, 5.0))
        assert await wire.receive() == '42["session:ended",{"code":"draining"}]'
        assert await wire.closed() == 1000
        assert await polling.receive() == '42["session:ended",{"code":"draining"}]'
        await within(draining)
        assert server.counters.connections == 0
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with Wire(url):
                pass
        assert refused.value.status == 503


async def test_a_session_that_connects_while_draining_gets_a_connect_error() -> None:
    server = Server()
    server.refusal = lambda why: {"code": "unavailable", "why": why}
    async with serving(server) as url, Wire(url) as client:
        await client.opened()
        server.draining = True
        assert await client.ask("40") == '44{"code":"unavailable","why":"draining"}'


async def test_a_running_handler_ends_and_answers_before_the_farewell() -> None:
    server = Server()
    release = asyncio.Event()

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        await release.wait()
        return b'"done"'

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as busy, Wire(url) as idle:
        await busy.connect()
        await idle.connect()
        await busy.send('421["a"]', '422["b"]')
        await until(lambda: any(connection.mailbox.busy for connection in server.connections))
        draining = asyncio.create_task(server.drain(server.frame("bye", b"1"), 10.0))
        assert await idle.receive() == '42["bye",1]'
        release.set()
        answers = [await busy.receive() for _ in range(3)]
        assert answers == ['431["done"]', '432["done"]', '42["bye",1]']
        assert await busy.closed() == 1000
        await within(draining)


async def test_a_handler_that_never_ends_does_not_hold_up_the_drain() -> None:
    server = Server()

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> None:
        await asyncio.Event().wait()

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        await client.send('42["for ever"]')
        await until(lambda: server.counters.received == 2)
        await within(server.drain(None, 0.2))
        assert await client.closed() == 1000
        assert server.counters.connections == 0


async def test_farewells_are_spread_over_the_time() -> None:
    server = Server()
    at: list[int] = []
    turns = 0

    async def left(connection: Connection, reason: str) -> None:
        assert reason == "draining"
        at.append(turns)

    async def count_turns() -> None:
        nonlocal turns
        while len(at) < 20:
            turns += 1
            await asyncio.sleep(0)

    server.on_disconnect(left)
    async with serving(server) as url:
        clients = [Wire(url) for _ in range(20)]
        for client in clients:
            await client.__aenter__()
            await client.connect()
        counting = asyncio.create_task(count_turns())
        await server.drain(None, 2.0)
        await within(counting)
        apart = [later - earlier for earlier, later in itertools.pairwise(at)]
        assert sum(gap > 5 for gap in apart) > 10
        await asyncio.gather(*(client.__aexit__(None, None, None) for client in clients))


async def test_shutdown_cancels_what_still_runs() -> None:
    server = Server()
    ended: list[Any] = []

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        await client.send('42["for ever"]')
        await until(lambda: server.counters.received == 2)
        await within(asyncio.gather(server.shutdown(), client.closed()))
        assert ended == ["cancelled"]
        await until(lambda: server.manager.rooms == {})


async def test_an_upgrade_that_does_not_end_does_not_hold_up_the_shutdown() -> None:
    server = Server(bounds=Bounds(handshake_seconds=600))
    async with serving(server) as url, Polling(url) as client:
        async with Wire(url, query=f"EIO=4&transport=websocket&sid={client.sid}") as probing:
            assert await probing.ask("2probe") == "3probe"
            _, code = await within(asyncio.gather(server.shutdown(), probing.closed()))
            assert code == 1002
        assert server.probes == set()


async def test_who_is_closed_while_changing_over_hears_why_on_the_websocket() -> None:
    server = Server()
    seen: list[Connection] = []

    @server.on_connect
    async def connect(connection: Connection, auth: object) -> None:
        seen.append(connection)

    async with serving(server) as url, Polling(url) as polling:
        await polling.post("40")
        await polling.get()
        async with Wire(url, query=f"EIO=4&transport=websocket&sid={polling.sid}") as wire:
            assert await wire.ask("2probe") == "3probe"
            seen[0].close("banned", frame=server.frame("ended", b'"banned"'), reconnect=False)
            await wire.send("5")
            assert [await wire.receive() for _ in range(3)] == ['42["ended","banned"]', "41", "1"]
            assert await wire.closed() == 1000
    assert server.counters.queued_bytes == 0
