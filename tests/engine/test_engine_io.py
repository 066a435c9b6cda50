"""Engine.IO, version 4, case by case as its protocol document describes it."""

import asyncio

import aiohttp
import pytest
from engine_harness import Polling, Wire, serving, within

from realtime.engine.echo import make_server

POLLING = "/socket.io/?EIO=4&transport=polling"

TRANSPORT_UNKNOWN = {"code": 0, "message": "Transport unknown"}
SESSION_UNKNOWN = {"code": 1, "message": "Session ID unknown"}
BAD_METHOD = {"code": 2, "message": "Bad handshake method"}
BAD_REQUEST = {"code": 3, "message": "Bad request"}
UNSUPPORTED = {"code": 5, "message": "Unsupported protocol version"}


@pytest.mark.parametrize(
    ("method", "query", "error"),
    [
        ("GET", "EIO=4", TRANSPORT_UNKNOWN),
        ("GET", "", TRANSPORT_UNKNOWN),
        ("GET", "EIO=4&transport=abc", TRANSPORT_UNKNOWN),
        ("GET", "transport=polling", UNSUPPORTED),
        ("GET", "EIO=abc&transport=polling", UNSUPPORTED),
        ("GET", "EIO=3&transport=polling", UNSUPPORTED),
        ("POST", "EIO=4&transport=polling", BAD_METHOD),
        ("PUT", "EIO=4&transport=polling", BAD_METHOD),
        ("DELETE", "EIO=4&transport=polling", BAD_METHOD),
        ("GET", "EIO=4&transport=websocket", BAD_REQUEST),
        ("GET", "EIO=4&transport=polling&sid=unknown", SESSION_UNKNOWN),
        ("POST", "EIO=4&transport=polling&sid=unknown", SESSION_UNKNOWN),
        ("GET", "EIO=4&transport=websocket&sid=unknown", SESSION_UNKNOWN),
    ],
)
async def test_a_wrong_request_gets_the_documented_answer(
    echo_url: str, method: str, query: str, error: dict[str, object]
) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{echo_url}/socket.io/?{query}") as response,
    ):
        assert response.status == 400
        assert response.content_type == "application/json"
        assert await response.json() == error


@pytest.mark.parametrize(
    "query",
    [
        "transport=websocket",
        "EIO=abc&transport=websocket",
        "EIO=4",
        "EIO=4&transport=abc",
        "EIO=4&transport=polling",
    ],
)
async def test_a_wrong_websocket_handshake_is_refused(echo_url: str, query: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with Wire(echo_url, query=query):
            pass
    assert refused.value.status == 400


async def test_a_poll_opens_a_session() -> None:
    async with serving(make_server()) as url, Polling(url) as client:
        assert client.handshake == {
            "sid": client.sid,
            "upgrades": ["websocket"],
            "pingInterval": 300,
            "pingTimeout": 200,
            "maxPayload": 1_000_000,
        }


async def test_a_websocket_opens_a_session_without_upgrades(echo_url: str) -> None:
    async with Wire(echo_url) as client:
        handshake = await client.opened()
        assert handshake["upgrades"] == []
        assert set(handshake) == {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}


async def test_a_handshake_without_deflate_is_answered_without_it(echo_url: str) -> None:
    async with Wire(echo_url, compress=15) as client:
        assert client.socket.compress == 0


async def test_several_packets_of_one_post_are_taken_in_order(echo_url: str) -> None:
    async with Polling(echo_url) as client:
        await client.connect()
        assert await client.receive() == '42["auth",{}]'
        packets = [f'42["message",{number}]' for number in range(3)]
        assert await client.post("\x1e".join(packets)) == (200, "ok")
        answers = [await client.receive() for _ in packets]
        assert answers == [f'42["message-back",{number}]' for number in range(3)]


async def test_binary_travels_as_base64_in_polling(echo_url: str) -> None:
    async with Polling(echo_url) as client:
        await client.connect()
        await client.receive()
        await client.post('451-["message",{"_placeholder":true,"num":0}]\x1ebAQIDBA==')
        assert await client.receive() == '451-["message-back",{"_placeholder":true,"num":0}]'
        assert await client.receive() == "bAQIDBA=="


@pytest.mark.parametrize("body", ["abc", "", "4abc", "\x1e", "7", b"\xff\xfe", "bnot base64!"])
async def test_an_invalid_post_closes_the_session(echo_url: str, body: str | bytes) -> None:
    async with Polling(echo_url) as client:
        status, answer = await client.post(body)
        assert (status, answer) == (400, '{"code":3,"message":"Bad request"}')
        assert (await client.get())[0] == 400


@pytest.mark.parametrize("packet", ["abc", "", "4abc", "7", "2", "0", "4", b"\x01"])
async def test_an_invalid_packet_closes_the_websocket(echo_url: str, packet: str | bytes) -> None:
    async with Wire(echo_url) as client:
        await client.opened()
        await client.send(packet)
        assert await client.closed() == 1002


async def test_text_that_is_not_utf_8_closes_the_websocket(echo_url: str) -> None:
    async with Wire(echo_url) as client:
        await client.opened()
        await client.socket._writer.send_frame(b'42["message","\xff"]', aiohttp.WSMsgType.TEXT)
        assert await client.closed() == 1007


async def test_a_second_poll_closes_the_session(echo_url: str) -> None:
    async with Polling(echo_url) as client:
        first = asyncio.create_task(client.get())
        second = asyncio.create_task(client.get())
        answers = sorted([await within(first), await within(second)])
        assert answers[0] == (200, "1")
        assert answers[1][0] == 400
        assert (await client.get())[0] == 400


async def test_the_server_pings_and_a_pong_keeps_the_session(echo_url: str) -> None:
    async with Polling(echo_url) as client:
        for _ in range(3):
            assert await within(client.get()) == (200, "2")
            assert await client.post("3") == (200, "ok")


async def test_a_websocket_is_pinged(echo_url: str) -> None:
    async with Wire(echo_url) as client:
        await client.opened()
        for _ in range(3):
            assert (await within(client.socket.receive())).data == "2"
            await client.send("3")


async def test_a_polling_session_ends_without_a_pong(hasty_url: str) -> None:
    async with Polling(hasty_url) as client:
        assert await within(client.get()) == (200, "2")
        assert await within(client.get()) == (200, "1")
        assert (await client.get())[0] == 400


async def test_a_websocket_ends_without_a_pong(hasty_url: str) -> None:
    async with Wire(hasty_url) as client:
        await client.opened()
        assert (await within(client.socket.receive())).data == "2"
        await client.closed()


async def test_a_close_packet_ends_a_polling_session_and_its_poll(echo_url: str) -> None:
    async with Polling(echo_url) as client:
        poll = asyncio.create_task(client.get())
        await asyncio.sleep(0)
        assert await client.post("1") == (200, "ok")
        status, body = await within(poll)
        assert (status, body) in {(200, "6"), (400, '{"code":1,"message":"Session ID unknown"}')}
        assert (await client.get())[0] == 400


async def test_a_close_packet_ends_a_websocket(echo_url: str) -> None:
    async with Wire(echo_url) as client:
        await client.opened()
        await client.send("1")
        assert await client.closed() == 1000


def upgrade_of(client: Polling) -> str:
    return f"EIO=4&transport=websocket&sid={client.sid}"


async def test_polling_upgrades_to_a_websocket(echo_url: str) -> None:
    async with Polling(echo_url) as client, Wire(echo_url, query=upgrade_of(client)) as socket:
        assert await socket.ask("2probe") == "3probe"
        assert await client.get() == (200, "6")
        answer = await socket.ask("5", "40")
        assert str(answer).startswith("40{")


async def test_a_waiting_poll_is_released_by_the_probe(echo_url: str) -> None:
    async with Polling(echo_url) as client:
        poll = asyncio.create_task(client.get())
        async with Wire(echo_url, query=upgrade_of(client)) as socket:
            assert await socket.ask("2probe") == "3probe"
            assert await within(poll) == (200, "6")


async def test_after_an_upgrade_http_and_other_websockets_are_refused(echo_url: str) -> None:
    async with Polling(echo_url) as client, Wire(echo_url, query=upgrade_of(client)) as socket:
        await socket.ask("2probe")
        await socket.ask("5", "40")
        assert await client.get() == (400, '{"code":3,"message":"Bad request"}')
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with Wire(echo_url, query=upgrade_of(client)):
                pass
        assert await socket.receive() == '42["auth",{}]'
        assert await socket.ask('42["message",1]') == '42["message-back",1]'


@pytest.mark.parametrize("packet", ["5", "abc", "40", b"\x01"])
async def test_a_wrong_probe_ends_the_attempt_and_not_the_session(echo_url: str, packet: str | bytes) -> None:
    async with Polling(echo_url) as client:
        async with Wire(echo_url, query=upgrade_of(client)) as socket:
            await socket.send(packet)
            await socket.closed()
        await client.connect()


async def test_a_lost_probe_gives_the_session_back_to_polling(echo_url: str) -> None:
    async with Polling(echo_url) as client:
        async with Wire(echo_url, query=upgrade_of(client)) as socket:
            await socket.ask("2probe")
            await client.post("40")
        assert (await client.receive()).startswith("40{")
        assert await client.receive() == '42["auth",{}]'


async def test_options_are_answered_for_browsers(echo_url: str) -> None:
    headers = {"Origin": "https://app.example", "Access-Control-Request-Headers": "x-thing"}
    async with (
        aiohttp.ClientSession() as session,
        session.options(echo_url + POLLING, headers=headers) as response,
    ):
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert response.headers["Access-Control-Allow-Headers"] == "x-thing"
