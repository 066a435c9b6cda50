"""Whatever comes: no unhandled exception, nothing left behind, and the neighbour does not notice."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from engine_harness import Polling, Wire, serving, until, within
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime.engine import Bounds, Server
from realtime.engine.echo import make_server
from realtime.engine.packet import Packet, PacketError, loads, parse

seeded = settings(max_examples=300, suppress_health_check=list(HealthCheck))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PLACEHOLDERS = st.fixed_dictionaries(
    {
        "_placeholder": st.sampled_from([True, False, 1, None]),
        "num": st.integers(-2, 3) | st.text() | st.none(),
    }
)
EVENTS = st.sampled_from(
    ["message", "message-with-ack", "connect", "disconnect", "*", "", "\u0000", "newListener"]
)
LISTS = st.builds(
    lambda name, rest: json.dumps([name, *rest]), EVENTS, st.lists(JSON | PLACEHOLDERS, max_size=3)
)
HEADS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from([*"0123456b", ""]),
        st.sampled_from([*"0123456789", ""]),
        st.sampled_from(["", "1-", "2-", "99-", "-", "0-"]),
        st.sampled_from(["", "/custom,", "/custom", "/unknown,", "/?x=1,", "/"]),
        st.sampled_from(["", "0", "7", "12345678901234567890123", "-1", "٣"]),
    ),
)
PACKETS = st.builds(
    lambda head, body: head + body, HEADS, LISTS | JSON.map(json.dumps) | st.text(max_size=20)
)
FRAMES = st.lists(PACKETS | st.binary(max_size=20), max_size=6)


class Site:
    """The server under fire, with one client that only wants its echo."""

    def __init__(self, server: Server, url: str, neighbour: Wire) -> None:
        self.server = server
        self.url = url
        self.neighbour = neighbour
        self._number = 0

    async def unharmed(self) -> None:
        """The neighbour gets its answer, and nothing of the others is left."""
        self._number += 1
        answer = await self.neighbour.ask(f'42{self._number}["message-with-ack"]')
        assert answer == f"43{self._number}[]"
        await until(lambda: len(self.server.connections) == 1)
        assert self.server.counters.queued_bytes == 0
        assert self.server.counters.handler_errors == 0
        await until(lambda: set(self.server.manager.rooms) == {"/"})
        assert len(self.server.manager.members("/", None)) == 1
        assert not self.server.carrier._under_way


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    server = make_server(ping_timeout_seconds=60.0)
    server.bounds = Bounds(close_seconds=0.1, handshake_seconds=5.0, connect_seconds=60.0)
    async with serving(server) as url, Wire(url) as neighbour:
        await neighbour.connect()
        await neighbour.receive()
        yield Site(server, url, neighbour)


@seeded
@given(frames=FRAMES, connected=st.booleans())
async def test_any_packets_on_a_websocket(site: Site, frames: list[str | bytes], connected: bool) -> None:
    async with Wire(site.url) as client:
        await client.opened()
        if connected:
            await client.ask("40")
        for frame in frames:
            try:
                await client.send(
                    frame.encode("utf-8", "replace").decode() if isinstance(frame, str) else frame
                )
            except ConnectionError:
                break
    await site.unharmed()


@seeded
@given(packets=st.lists(PACKETS, max_size=5), junk=st.binary(max_size=30), connected=st.booleans())
async def test_any_body_of_a_post(site: Site, packets: list[str], junk: bytes, connected: bool) -> None:
    async with Polling(site.url) as client:
        if connected:
            await client.connect()
        body = b"\x1e".join([*(packet.encode("utf-8", "replace") for packet in packets), junk])
        status, _ = await client.post(body)
        assert status in (200, 400)
        await client.post("1")
    await site.unharmed()


@seeded
@given(data=st.binary(max_size=200), opcode=st.integers(0, 255), length=st.integers(0, 255))
async def test_any_bytes_after_the_handshake(site: Site, data: bytes, opcode: int, length: int) -> None:
    address = urlsplit(site.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    request = (
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    # In one piece: what follows the handshake at once must reach the new protocol.
    writer.write(request.encode() + bytes((opcode, length)) + data)
    await within(reader.readuntil(b"\r\n\r\n"))
    writer.close()
    await site.unharmed()


NAMES = st.sampled_from(["EIO", "transport", "sid", "j", "t", "b64"])
VALUES = st.sampled_from(["4", "3", "polling", "websocket", "", "webtransport", "0"]) | st.text(max_size=12)
HEADER_NAMES = st.sampled_from(
    [
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "Origin",
        "Sec-WebSocket-Extensions",
    ]
)
HEADER_VALUES = st.sampled_from(
    [
        "websocket",
        "Upgrade",
        "AAAAAAAAAAAAAAAAAAAAAA==",
        "13",
        "8",
        "null",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; client_max_window_bits, x-webkit;;;=",
    ]
) | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@seeded
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH"]),
    query=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    headers=st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=5),
)
async def test_any_handshake(
    site: Site, method: str, query: list[tuple[str, str]], headers: list[tuple[str, str]]
) -> None:
    address = urlsplit(site.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    target = "&".join(f"{name}={quote(value, errors='replace')}" for name, value in query)
    lines = [
        f"{method} /socket.io/?{target} HTTP/1.1",
        "Host: x",
        *(f"{name}: {value}" for name, value in headers),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    status = int((await within(reader.readline())).split()[1])
    assert status in (101, 200, 400, 403)
    writer.close()
    for connection in list(site.server.connections)[1:]:
        connection.close()
        connection.gone()
    await site.unharmed()


@seeded
@given(auth=JSON)
async def test_any_auth(site: Site, auth: Any) -> None:
    async with Wire(site.url) as client:
        await client.opened()
        await client.send("40" + json.dumps(auth))
        if isinstance(auth, dict):
            assert (await client.text()).startswith("40{")
            event = json.loads((await client.text())[2:])
            assert event[0] == "auth"
        elif auth is not None and not str(auth).isdigit():  # digits would be the id of the packet
            assert await client.closed() == 1002
    await site.unharmed()


@seeded
@given(text=st.binary(max_size=60) | PACKETS.map(lambda packet: packet.encode("utf-8", "replace")))
def test_parsing_gives_a_packet_or_says_no(text: bytes) -> None:
    try:
        packet = parse(b"4" + text)
    except PacketError:
        return
    assert isinstance(packet, Packet)
    assert packet.data == b"" or text.endswith(packet.data)


@seeded
@given(text=st.binary(max_size=60) | st.text().map(lambda value: json.dumps(value).encode()))
def test_decoding_gives_a_value_or_says_no(text: bytes) -> None:
    with contextlib.suppress(PacketError):
        loads(text)


def test_deep_nesting_is_not_json() -> None:
    with pytest.raises(PacketError):
        loads(b"[" * 100_000)


async def test_deep_nesting_closes_the_connection(site: Site) -> None:
    async with Wire(site.url) as client:
        await client.connect()
        await client.receive()
        await client.send('42["message",' + "[" * 900 + "]" * 900 + "]", '42["message",' + "[" * 100_000)
        assert await client.closed() == 1002
    await site.unharmed()
