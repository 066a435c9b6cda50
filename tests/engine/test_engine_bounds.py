"""Each bound, and what a client is told when it meets it."""

import asyncio
from typing import Any

import aiohttp
import pytest
from engine_harness import Polling, Wire, serving, until, within

from realtime.engine import Bounds, Connection, ConnectionRefused, Server


async def test_above_the_headroom_the_handshake_is_refused() -> None:
    server = Server(bounds=Bounds(max_connections=1, refusal_headroom=1))
    async with serving(server) as url, Wire(url) as one, Wire(url) as two:
        await one.connect()
        await two.opened()
        assert await two.ask("40") == '44{"message":"full"}'
        poll = f"{url}/socket.io/?EIO=4&transport=polling"
        async with aiohttp.ClientSession() as session, session.get(poll) as response:
            assert response.status == 503
            assert response.headers["Retry-After"] == "5"
            assert await response.json() == {"code": 3, "message": "Service unavailable"}
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with Wire(url):
                pass
        assert refused.value.status == 503
        assert server.counters.refused == 3


async def test_who_opens_sessions_and_says_nothing_keeps_no_place_from_others() -> None:
    server = Server(bounds=Bounds(max_connections=3, refusal_headroom=0, silent_seconds=0))
    async with serving(server) as url, Wire(url) as one, Polling(url) as oldest, Polling(url) as other:
        await one.connect()
        async with Wire(url) as newcomer:
            await newcomer.connect()
            assert (await oldest.get())[0] == 400
            assert (await other.post("40"))[0] == 200
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with Wire(url):
                    pass
            assert refused.value.status == 503
            assert server.counters.connections == 3


async def test_who_was_refused_keeps_no_place_either() -> None:
    server = Server(bounds=Bounds(max_connections=1, refusal_headroom=0, silent_seconds=0))
    async with serving(server) as url, Polling(url) as stranger:
        await stranger.post("40/nowhere")
        assert await stranger.receive() == '44/nowhere,{"message":"Invalid namespace"}'
        async with Wire(url) as newcomer:
            await newcomer.connect()
            assert (await stranger.get())[0] == 400


async def test_who_left_its_last_namespace_gives_way() -> None:
    server = Server(bounds=Bounds(max_connections=1, refusal_headroom=0, silent_seconds=0))
    async with serving(server) as url, Polling(url) as client:
        await client.connect()
        await client.post("41")
        await until(lambda: not next(iter(server.connections)).namespaces)
        async with Wire(url) as newcomer:
            await newcomer.connect()
            assert server.counters.connections == 1
    assert server._silent == {}


async def test_who_has_just_come_is_given_time_to_speak() -> None:
    server = Server(bounds=Bounds(max_connections=1, refusal_headroom=0, silent_seconds=600))
    async with serving(server) as url, Polling(url) as client:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with Wire(url):
                pass
        await client.connect()


async def test_the_product_words_the_refusal() -> None:
    server = Server(bounds=Bounds(max_connections=0))
    server.refusal = lambda why: {"code": "unavailable", "why": why, "retry_after": 3}
    async with serving(server) as url, Wire(url) as client:
        await client.opened()
        assert await client.ask("40") == '44{"code":"unavailable","why":"full","retry_after":3}'


async def test_a_connect_hook_refuses_with_its_data_and_nothing_else_of_it_is_sent() -> None:
    server = Server(namespaces=["/", "/other"])

    async def refuse(connection: Connection, auth: Any) -> None:
        assert connection.sid is not None
        assert connection.headers is not None
        assert connection.remote == "127.0.0.1"
        server.join(connection.sid, "room")
        server.deliver("room", server.frame("secret", b"1"))
        raise ConnectionRefused({"code": auth["token"]})

    server.on_connect(refuse)
    async with serving(server) as url, Wire(url) as client:
        await client.opened()
        assert await client.ask('40{"token":"unauthenticated"}') == '44{"code":"unauthenticated"}'
        assert next(iter(server.connections)).sid is None
        assert str(await client.ask("40/other")).startswith("40/other,{")
        assert set(server.manager.rooms) == {"/other"}


async def test_a_connect_hook_that_fails_refuses(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()

    async def fail(connection: Connection, auth: Any) -> None:
        raise RuntimeError("on purpose")

    server.on_connect(fail)
    async with serving(server) as url, Wire(url) as client:
        await client.opened()
        assert await client.ask("40") == '44{"message":"Connection refused by server"}'
        assert server.counters.handler_errors == 1


REFUSED_WAYS = {"a hook": "40", "an unknown namespace": "40/nowhere", "a namespace twice": "40/open"}


@pytest.mark.parametrize("ask", REFUSED_WAYS.values(), ids=REFUSED_WAYS)
async def test_who_is_refused_again_and_again_is_not_asked_any_more(ask: str) -> None:
    server = Server(bounds=Bounds(refusals=3), namespaces=["/", "/open"])
    asked = 0

    async def refuse(connection: Connection, auth: Any) -> None:
        nonlocal asked
        asked += 1
        raise ConnectionRefused({"code": "unauthenticated"})

    server.on_connect(refuse)
    async with serving(server) as url, Wire(url) as client:
        await client.opened()
        await client.ask("40/open")
        await client.send(*[ask] * 5_000)
        for _ in range(4):
            assert str(await client.receive()).startswith("44")
        assert await client.closed() == 1000
        assert asked <= 4
        await until(lambda: not server.connections)


async def test_who_got_in_may_be_refused_anew() -> None:
    server = Server(bounds=Bounds(refusals=2), namespaces=["/"])
    async with serving(server) as url, Wire(url) as client:
        await client.opened()
        for _ in range(3):
            assert str(await client.ask("40/nowhere", "40/nowhere")).startswith("44/nowhere")
            await client.receive()
            assert str(await client.ask("40")).startswith("40{")
            await client.send("41")


async def test_a_session_that_never_connects_is_closed() -> None:
    server = Server(bounds=Bounds(connect_seconds=0.05), ping_interval=1)
    async with serving(server) as url:
        async with Wire(url) as client, Polling(url) as polling:
            await client.opened()
            assert await client.closed() == 1000
            await until(lambda: not server.connections)
            assert (await polling.get())[0] == 400
        server.bounds = Bounds(connect_seconds=60)
        async with Wire(url) as client:
            await client.connect()
            server.bounds = Bounds(connect_seconds=0.05)
            await client.send("41")
            assert await client.closed() == 1000


async def test_a_message_above_the_maximum_closes_the_websocket() -> None:
    server = Server(max_http_buffer_size=1000)
    server.on_raw(lambda connection, event, arguments, namespace: b"%d" % len(arguments))
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        exact = '421["a","' + "x" * (1000 - 11) + '"]'
        assert len(exact) == 1000
        assert await client.ask(exact) == "431[991]"
        await client.send('421["a","' + "x" * (1000 - 10) + '"]')
        assert await client.closed() == 1009


async def test_attachments_together_stay_below_the_maximum() -> None:
    server = Server(max_http_buffer_size=1000)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        await client.send('452-["a",{"_placeholder":true,"num":0}]', b"x" * 900, b"y" * 900)
        assert await client.closed() == 1002


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_post_above_the_maximum_is_refused(chunked: bool) -> None:
    server = Server(max_http_buffer_size=1000)

    async def chunks() -> Any:
        for _ in range(20):
            yield b"4" * 100

    async with serving(server) as url, Polling(url) as client:
        data = chunks() if chunked else b"4" * 1001
        async with client.session.post(client.url, data=data) as response:
            assert response.status == 413


async def test_a_post_that_does_not_end_is_refused() -> None:
    server = Server(bounds=Bounds(handshake_seconds=0.05))
    never = asyncio.Event()

    async def chunks() -> Any:
        yield b"4"
        await never.wait()

    async with (
        serving(server) as url,
        Polling(url) as client,
        client.session.post(client.url, data=chunks()) as response,
    ):
        assert response.status == 408


async def test_a_second_post_at_the_same_time_closes_the_session() -> None:
    server = Server()
    release = asyncio.Event()

    async def wait(connection: Connection, event: str, arguments: bytes, namespace: str) -> None:
        await release.wait()

    server.on_raw(wait)
    async with serving(server) as url, Polling(url) as client:
        await client.connect()
        first = asyncio.create_task(client.post('42["a"]\x1e42["b"]'))
        await until(lambda: server.counters.received == 2)
        assert (await client.post("3"))[0] == 400
        release.set()
        assert (await within(first))[0] == 200
        assert not server.connections


async def test_an_upgrade_that_does_not_end_is_given_up() -> None:
    server = Server(bounds=Bounds(handshake_seconds=1.0))
    async with serving(server) as url, Polling(url) as client:
        async with Wire(url, query=f"EIO=4&transport=websocket&sid={client.sid}") as socket:
            await socket.ask("2probe")
            await socket.closed()
        await client.connect()


async def test_an_origin_that_is_not_allowed_is_refused() -> None:
    server = Server(cors_allowed_origins=["https://app.example"])
    async with serving(server) as url, aiohttp.ClientSession() as session:
        address = f"{url}/socket.io/?EIO=4&transport=polling"
        async with session.get(address, headers={"Origin": "https://evil.example"}) as response:
            assert response.status == 403
            assert "Access-Control-Allow-Origin" not in response.headers
        async with session.get(address, headers={"Origin": "https://app.example"}) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-WebSocket-Version": "8"},
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Key": "not base64 at all"},
        {"Connection": "keep-alive"},
    ],
)
async def test_a_broken_websocket_handshake_is_a_bad_request(headers: dict[str, str]) -> None:
    server = Server()
    complete = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    async with serving(server) as url, aiohttp.ClientSession() as session:
        address = f"{url}/socket.io/?EIO=4&transport=websocket"
        async with session.get(address, headers={**complete, **headers}) as response:
            assert response.status == 400
            assert (await response.json())["code"] == 3
        assert server.counters.opened == 0
