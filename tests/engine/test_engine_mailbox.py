"""A connection is a mailbox: one event at a time, in order, bounded, and nobody else waits."""

import asyncio
import contextvars
from typing import Any

import pytest
from engine_harness import Polling, Wire, serving, until, within

from realtime.engine import Bounds, Connection, Server


async def test_a_raw_handler_sees_the_arguments_as_they_came() -> None:
    seen: list[tuple[str, bytes, str]] = []
    server = Server(namespaces=["/", "/other"])

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        seen.append((event, arguments, namespace))
        return b'{"ok":true}'

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        await client.ask("40/other")
        assert await client.ask('4212["a",{"b":[1, 2]}]') == '4312[{"ok":true}]'
        await client.send('42["no ack"]', '42["two",1,"x"]')
        assert await client.ask('42/other,7["c" , null]') == '43/other,7[{"ok":true}]'
        assert seen == [
            ("a", b'{"b":[1, 2]}', "/"),
            ("no ack", b"", "/"),
            ("two", b'1,"x"', "/"),
            ("c", b"null", "/other"),
        ]


async def test_a_raw_handler_may_answer_without_a_coroutine_or_not_at_all() -> None:
    server = Server()
    server.on_raw(lambda connection, event, arguments, namespace: arguments or None)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        await client.send('421["nothing"]')
        assert await client.ask('422["something",5]') == "432[5]"


async def test_binary_arguments_reach_a_raw_handler() -> None:
    server = Server()

    def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        return b"%d" % sum(map(len, connection.attachments))

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        assert await client.ask('451-9["file",{"_placeholder":true,"num":0}]', b"12345") == "439[5]"


@pytest.mark.parametrize("waits", [True, False])
async def test_attachments_are_not_kept_for_longer_than_their_handler_runs(waits: bool) -> None:
    server = Server()
    seen: list[Connection] = []

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        seen.append(connection)
        if waits:
            await asyncio.sleep(0)
        return b"%d" % len(connection.attachments)

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        assert await client.ask('451-9["file",{"_placeholder":true,"num":0}]', b"12345") == "439[1]"
        assert seen[0].attachments == []


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_events_are_handled_one_at_a_time_and_in_order(transport: str) -> None:
    server = Server()
    log: list[str] = []

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        log.append(f"begin {event}")
        for _ in range(int(arguments)):
            await asyncio.sleep(0)
        log.append(f"end {event}")
        return arguments

    server.on_raw(handle)
    packets = [f'42{number}["{number}",{number % 3}]' for number in range(60)]
    async with serving(server) as url:
        if transport == "websocket":
            async with Wire(url) as wire:
                await wire.connect()
                await wire.send(*packets)
                answers = [await wire.receive() for _ in packets]
        else:
            async with Polling(url) as polling:
                await polling.connect()
                assert await polling.post("\x1e".join(packets)) == (200, "ok")
                answers = [await polling.receive() for _ in packets]
    assert answers == [f"43{number}[{number % 3}]" for number in range(60)]
    assert log == [f"{step} {number}" for number in range(60) for step in ("begin", "end")]


async def test_a_waiting_handler_holds_up_nobody_else() -> None:
    server = Server()
    release = asyncio.Event()

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        if event == "wait":
            await release.wait()
        return b"1"

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as slow, Wire(url) as quick:
        await slow.connect()
        await quick.connect()
        await slow.send('421["wait"]')
        assert await quick.ask('421["go"]') == "431[1]"
        release.set()
        assert await slow.receive() == "431[1]"


async def test_a_full_mailbox_stops_reading_and_loses_nothing() -> None:
    server = Server(bounds=Bounds(mailbox_bytes=4096), max_http_buffer_size=2000)
    release = asyncio.Event()
    handled: list[bytes] = []

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        await release.wait()
        handled.append(arguments[:6])
        return b"1"

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        (connection,) = server.connections
        socket = connection.websocket
        assert socket is not None
        sending = asyncio.create_task(_flood(client, 8_000))
        await until(lambda: socket.reading_paused)
        assert len(socket.inbox._buffer) <= 4096 // 128 + 1
        assert not sending.done()
        release.set()
        await within(sending)
        await until(lambda: len(handled) == 8_000)
        assert handled == [b'"%05d' % number for number in range(8_000)]


async def _flood(client: Wire, count: int) -> None:
    for number in range(count):
        await client.send(f'42["fill","{number:05}{"x" * 1500}"]')


async def test_heartbeats_and_acknowledgements_pass_a_busy_handler() -> None:
    server = Server(ping_interval=0.05, ping_timeout=60)

    async def handle(sid: str) -> Any:
        first = await server.call("question", to=sid)
        await heartbeats(6)  # a ping follows only the answer to the one before
        return first

    async def heartbeats(count: int) -> None:
        (connection,), seen = server.connections, []
        await until(lambda: seen.append(connection._heartbeat) or len(set(map(id, seen))) > count)

    server.on("ask", handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        question = await client.ask('428["ask"]')
        assert question == '421["question"]'
        assert await client.ask('431["answer"]') == '438["answer"]'


async def test_inside_a_handler_everything_looks_like_a_task() -> None:
    server = Server()
    caught: list[str] = []

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        task = asyncio.current_task()
        assert task is not None
        try:
            async with asyncio.timeout(0.02):
                await asyncio.Event().wait()
        except TimeoutError:
            caught.append("timed out")
        assert asyncio.current_task() is task
        assert task.cancelling() == 0
        async with asyncio.TaskGroup() as group:
            child = group.create_task(asyncio.sleep(0, "child"))
        return b'"%b"' % child.result().encode()

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        assert await client.ask('421["a"]') == '431["child"]'
        assert await client.ask('422["a"]') == '432["child"]'
        assert caught == ["timed out"] * 2


async def test_a_time_out_of_no_time_ends_the_handler_and_not_the_mailbox() -> None:
    server = Server()

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
        return b"1"

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        await client.send('421["a"]', '422["a"]')
        await until(lambda: server.counters.handler_errors == 2)
        server.raw = lambda connection, event, arguments, namespace: b"2"
        assert await client.ask('423["a"]') == "433[2]"


async def test_context_variables_do_not_leak_into_the_next_event() -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
    server = Server()

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        before = who.get()
        who.set(event)
        if arguments:
            await asyncio.sleep(0)
        assert who.get() == event
        return b'"%b"' % before.encode()

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        for number, arguments in enumerate(["", ",1", "", ",1"]):
            assert await client.ask(f'42{number}["e{number}"{arguments}]') == f'43{number}["nobody"]'


@pytest.mark.parametrize("waits", [False, True])
async def test_a_failing_handler_costs_its_event_only(waits: bool, caplog: pytest.LogCaptureFixture) -> None:
    server = Server()

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        if waits:
            await asyncio.sleep(0)
        if event == "fail":
            raise RuntimeError("on purpose")
        return b"1"

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        await client.send('421["fail"]')
        assert await client.ask('422["go"]') == "432[1]"
        assert server.counters.handler_errors == 1
        assert "engine.handler_failed" in caplog.text


async def test_what_came_before_the_client_left_is_still_handled_and_then_the_hook() -> None:
    server = Server()
    release = asyncio.Event()
    log: list[str] = []

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> None:
        await release.wait()
        log.append(event)

    async def left(connection: Connection, reason: str) -> None:
        log.append(f"left: {reason}")
        log.append(str(server.rooms(connection.sid)[1:]))

    server.on_raw(handle)
    server.on_disconnect(left)
    async with serving(server) as url:
        async with Wire(url) as client:
            sid = await client.connect()
            server.join(sid, "room")
            await client.send('42["one"]', '42["two"]', '42["three"]')
        await until(lambda: server.counters.connections == 0)
        assert log == []
        release.set()
        await until(lambda: len(log) == 5)
        assert log == ["one", "two", "three", "left: transport close", "['room']"]
        await until(lambda: server.manager.rooms == {})


async def test_after_the_server_closed_a_connection_nothing_more_is_handled() -> None:
    server = Server()
    log: list[str] = []

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> None:
        log.append(event)
        if event == "last":
            connection.close("enough", frame=server.frame("bye", b"1"))

    async def left(connection: Connection, reason: str) -> None:
        log.append(reason)

    server.on_raw(handle)
    server.on_disconnect(left)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        await client.send('42["last"]', '42["too late"]')
        assert await client.receive() == '42["bye",1]'
        assert await client.closed() == 1000
        await until(lambda: server.manager.rooms == {})
        assert log == ["last", "enough"]


async def test_a_close_without_return_disconnects_first() -> None:
    server = Server()
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        (connection,) = server.connections
        connection.close("banned", frame=server.frame("ended", b'{"code":"banned"}'), reconnect=False)
        assert await client.receive() == '42["ended",{"code":"banned"}]'
        assert await client.receive() == "41"
        assert await client.closed() == 1000


@pytest.mark.parametrize("waits", [False, True])
async def test_an_answer_that_is_not_bytes_costs_its_event_only(
    waits: bool, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server()

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> Any:
        if waits:
            await asyncio.sleep(0)
        return b"1" if event == "go" else 5

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        await client.send('421["wrong"]')
        assert await client.ask('422["go"]') == "432[1]"
        assert server.counters.handler_errors == 1


async def test_a_full_mailbox_is_not_taken_for_a_dead_client() -> None:
    server = Server(bounds=Bounds(mailbox_bytes=512), ping_interval=60, ping_timeout=0.05)
    release = asyncio.Event()

    async def handle(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        await release.wait()
        return b"1"

    server.on_raw(handle)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        (connection,) = server.connections
        assert connection.websocket is not None
        await client.send(*['42["wait"]'] * 20)
        await until(lambda: connection.websocket and connection.websocket.reading_paused)
        connection._stop(connection._heartbeat)
        connection._ping()
        heartbeats: list[Any] = []
        await until(lambda: heartbeats.append(connection._heartbeat) or len(set(map(id, heartbeats))) > 4)
        server.ping_timeout = 60  # now it can be heard again, and may take its time
        await until(lambda: connection._heartbeat is not heartbeats[-1])
        release.set()
        assert await client.ask('421["after"]') == "431[1]"


@pytest.mark.parametrize("event", ["connect", "disconnect", "connect_error"])
async def test_a_raw_handler_refuses_reserved_names_and_the_hooks_are_not_run(event: str) -> None:
    server = Server()
    hooked: list[str] = []

    async def connected(connection: Connection, auth: Any) -> None:
        hooked.append("connect")

    async def left(connection: Connection, reason: str) -> None:
        hooked.append("disconnect")

    server.on_connect(connected)
    server.on_disconnect(left)
    server.on_raw(lambda connection, name, arguments, namespace: b'"no %b"' % name.encode())
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        assert await client.ask(f'421["{event}",1]') == f'431["no {event}"]'
        assert hooked == ["connect"]
