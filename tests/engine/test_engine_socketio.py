"""Socket.IO, version 5 of the protocol, packet by packet."""

import pytest
from engine_harness import Wire


@pytest.mark.parametrize(
    ("packet", "head", "event"),
    [
        ("40", "40{", '42["auth",{}]'),
        ('40{"token":"123"}', "40{", '42["auth",{"token":"123"}]'),
        ("40/custom,", "40/custom,{", '42/custom,["auth",{}]'),
        ("40/custom", "40/custom,{", '42/custom,["auth",{}]'),
        ('40/custom?x=1,{"token":"abc"}', "40/custom,{", '42/custom,["auth",{"token":"abc"}]'),
    ],
)
async def test_a_namespace_accepts_a_client(echo_url: str, packet: str, head: str, event: str) -> None:
    async with Wire(echo_url) as client:
        await client.opened()
        answer = await client.ask(packet)
        assert str(answer).startswith(head)
        assert await client.receive() == event


async def test_an_unknown_namespace_is_refused(echo_url: str) -> None:
    async with Wire(echo_url) as client:
        await client.opened()
        assert await client.ask("40/random") == '44/random,{"message":"Invalid namespace"}'
        assert str(await client.ask("40")).startswith("40{")


async def test_a_second_connect_is_refused_and_the_first_goes_on(echo_url: str) -> None:
    async with Wire(echo_url) as client:
        await client.connect()
        await client.receive()
        assert await client.ask("40") == '44{"message":"Already connected"}'
        assert await client.ask('42["message",1]') == '42["message-back",1]'


async def test_after_leaving_the_namespace_the_session_stays(echo_url: str) -> None:
    async with Wire(echo_url) as client:
        await client.connect()
        await client.receive()
        answer = await client.ask("41", '42["message",1]', "40")
        assert str(answer).startswith("40{")


async def test_leaving_one_namespace_keeps_the_other(echo_url: str) -> None:
    async with Wire(echo_url) as client:
        await client.connect()
        await client.receive()
        await client.ask("40/custom")
        await client.receive()
        await client.send("41/custom,", '42/custom,["message","lost"]')
        assert await client.ask('42["message","main"]') == '42["message-back","main"]'


@pytest.mark.parametrize("namespace", ["", "/custom,"])
async def test_events_come_back(echo_url: str, namespace: str) -> None:
    async with Wire(echo_url) as client:
        await client.opened()
        await client.ask("40" + namespace)
        await client.receive()
        packet = f'42{namespace}["message",1,"2",{{"3":[true]}}]'
        assert await client.ask(packet) == packet.replace("message", "message-back")


@pytest.mark.parametrize("namespace", ["", "/custom,"])
async def test_events_are_acknowledged(echo_url: str, namespace: str) -> None:
    async with Wire(echo_url) as client:
        await client.opened()
        await client.ask("40" + namespace)
        await client.receive()
        packet = f'42{namespace}456["message-with-ack",1,"2",{{"3":[false]}}]'
        assert await client.ask(packet) == f'43{namespace}456[1,"2",{{"3":[false]}}]'


async def test_binary_events_come_back_with_their_attachments(echo_url: str) -> None:
    async with Wire(echo_url) as client:
        await client.connect()
        await client.receive()
        body = '["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
        answer = await client.ask("452-" + body, b"\x01\x02\x03", b"\x04\x05\x06")
        assert answer == "452-" + body.replace("message", "message-back")
        assert await client.receive() == b"\x01\x02\x03"
        assert await client.receive() == b"\x04\x05\x06"


async def test_binary_events_are_acknowledged_with_attachments(echo_url: str) -> None:
    async with Wire(echo_url) as client:
        await client.connect()
        await client.receive()
        body = '["message-with-ack",{"_placeholder":true,"num":0}]'
        assert await client.ask("451-789" + body, b"\x07") == '461-789[{"_placeholder":true,"num":0}]'
        assert await client.receive() == b"\x07"


@pytest.mark.parametrize(
    "packet",
    [
        "42{}",
        "42[]",
        "42",
        "42[1]",
        '42"message"',
        '42abc["message-with-ack",1]',
        '42["message",{]',
        '42["message" 1]',
        '42["message"',
        "47[]",
        '44{"message":"no"}',
        "40[]",
        '40"token"',
        "40{",
        "43",
        "43{}",
        '421234567890123456789["message"]',
        '45["message"]',
        '45x-["message"]',
        '4599-["message"]',
        '42["connect"]',
        '42["disconnect"]',
        '42["connect_error",1]',
        '42["\\u0063onnect"]',
        '42 ["disconnect"]',
        '42["message",NaN]',
        '42["message",-Infinity]',
    ],
)
async def test_an_invalid_packet_closes_the_connection(echo_url: str, packet: str) -> None:
    async with Wire(echo_url) as client:
        await client.connect()
        await client.receive()
        await client.send(packet)
        assert await client.closed() == 1002


@pytest.mark.parametrize(
    "packets",
    [
        [b"\x01"],
        ['451-["message",{"_placeholder":true,"num":0}]', '42["message"]'],
        ['451-["message",{"_placeholder":true,"num":1}]', b"\x01"],
        ['451-["message",{"_placeholder":true,"num":"0"}]', b"\x01"],
        ['451-/unknown,["message",{"_placeholder":true,"num":0}]', b"\x01"],
        ['4511-["message"]'],
    ],
)
async def test_wrong_attachments_close_the_connection(echo_url: str, packets: list[str | bytes]) -> None:
    async with Wire(echo_url) as client:
        await client.connect()
        await client.receive()
        await client.send(*packets)
        assert await client.closed() == 1002


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ('42["nobody listens",1]', None),
        ('42["*",1]', None),
        ('42/custom,["message","not connected there"]', None),
        ('431["unknown acknowledgement"]', None),
        ('42["message" , 1]', '42["message-back",1]'),
        ('42[ "message",1]', '42["message-back",1]'),
        ('42["me\\u0073sage","ü\\ud83d"]', '42["message-back","ü\\ud83d"]'),
    ],
)
async def test_odd_packets_do_no_harm(echo_url: str, sent: str, answer: str | None) -> None:
    async with Wire(echo_url) as client:
        await client.connect()
        await client.receive()
        await client.send(sent)
        if answer is not None:
            assert (await client.text()).encode("utf-8", "surrogatepass") == _as_sent(answer)
        assert await client.ask('42["message","after"]') == '42["message-back","after"]'


def _as_sent(answer: str) -> bytes:
    # Python's encoder escapes what is not ASCII when orjson refused the text.
    return answer.replace("ü", "\\u00fc").encode()
