"""One frame for everybody: what is written, to whom, and in which order."""

import asyncio
import itertools
import ssl
import zlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import socketio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from engine_harness import DEADLINE_SECONDS, Polling, Wire, serving, until, within

from realtime.engine import Bounds, Connection, Frame, Server


def room_server(**options: Any) -> Server:
    """Everybody who connects is in `room`."""
    server = Server(**options)

    async def enter(connection: Connection, auth: Any) -> None:
        assert connection.sid is not None
        server.join(connection.sid, "room")

    server.on_connect(enter)
    return server


@pytest.mark.parametrize("size", [0, 100, 125, 126, 300, 65_535, 65_536, 200_000])
async def test_a_frame_of_any_size_arrives_as_it_is(size: int) -> None:
    server = room_server()
    text = "x" * size
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        assert server.deliver("room", server.frame("news", b'"%b"' % text.encode())) == 1
        assert await client.receive() == f'42["news","{text}"]'


async def test_several_arguments_none_and_a_namespace() -> None:
    server = Server(namespaces=["/", "/other"])
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        await client.ask("40/other")
        for arguments in (b"", b'1,"zwei"'):
            assert server.deliver(None, server.frame("a", arguments)) == 1
        assert server.deliver(None, server.frame("b", b"{}", namespace="/other")) == 1
        assert server.deliver(None, server.frame("c", b"{}", namespace="/nobody")) == 0
        answers = [await client.receive() for _ in range(3)]
        assert answers == ['42["a"]', '42["a",1,"zwei"]', '42/other,["b",{}]']


async def test_deliver_reaches_members_but_those_that_are_skipped() -> None:
    server = room_server()
    async with serving(server) as url, Wire(url) as one, Wire(url) as two, Wire(url) as three:
        sids = [await client.connect() for client in (one, two, three)]
        server.leave(sids[2], "room")
        assert server.deliver("room", server.frame("a", b"1"), skip=frozenset({sids[0]})) == 1
        assert server.deliver("room", server.frame("b", b"2"), skip=frozenset()) == 2
        assert server.deliver_to(sids[2], server.frame("c", b"3"))
        assert not server.deliver_to("nobody", server.frame("c", b"3"))
        assert await one.receive() == '42["b",2]'
        assert [await two.receive(), await two.receive()] == ['42["a",1]', '42["b",2]']
        assert await three.receive() == '42["c",3]'
        assert server.counters.deliveries == 4


async def test_polling_members_get_the_same_packets_in_the_same_order() -> None:
    server = room_server()
    async with serving(server) as url, Polling(url) as polling, Wire(url) as wire:
        await polling.connect()
        await wire.connect()
        for number in range(50):
            assert server.deliver("room", server.frame("n", b"%d" % number)) == 2
        expected = [f'42["n",{number}]' for number in range(50)]
        assert [await polling.receive() for _ in expected] == expected
        assert [await wire.receive() for _ in expected] == expected
        assert server.counters.queued_bytes == 0


async def test_order_holds_across_an_upgrade() -> None:
    server = room_server()
    async with serving(server) as url, Polling(url) as polling:
        sid = await polling.connect()
        send = (server.deliver_to(sid, server.frame("n", b"%d" % number)) for number in range(100))
        assert next(send)
        assert await polling.receive() == '42["n",0]'
        async with Wire(url, query=f"EIO=4&transport=websocket&sid={polling.sid}") as wire:
            assert next(send)
            assert await wire.ask("2probe") == "3probe"
            assert next(send)
            assert await polling.get() == (200, "6")
            await wire.send("5")
            assert await wire.receive() == '42["n",1]'
            for _ in send:
                pass
            answers = [await wire.receive() for _ in range(98)]
            assert answers == [f'42["n",{number}]' for number in range(2, 100)]


async def test_what_is_sent_while_connecting_follows_the_acceptance() -> None:
    server = Server(namespaces=["/", "/other"])
    going_on = asyncio.Event()

    async def connect(connection: Connection, auth: Any) -> None:
        assert connection.sid is not None
        assert server.deliver_to(connection.sid, server.frame("ready", b"1"))
        await going_on.wait()
        await server.emit("ready", 2, to=connection.sid)

    server.on_connect(connect)
    async with serving(server) as url, Wire(url) as client:
        await client.opened()
        await client.ask("40/other")
        await client.send("40")
        await until(lambda: "/" in server.manager.rooms)
        server.deliver(None, server.frame("meanwhile", b"0", namespace="/other"))
        going_on.set()
        assert str(await client.receive()).startswith("40{")
        answers = [await client.receive() for _ in range(3)]
        assert answers == ['42["ready",1]', '42/other,["meanwhile",0]', '42["ready",2]']


async def test_emit_sends_binary_once_encoded_to_everybody() -> None:
    server = room_server()
    async with serving(server) as url, Wire(url) as wire, Polling(url) as polling:
        await wire.connect()
        await polling.connect()
        await server.emit("file", {"parts": [b"\x01", bytearray(b"\x02")]}, room="room")
        body = '452-["file",{"parts":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]}]'
        assert [await wire.receive() for _ in range(3)] == [body, b"\x01", b"\x02"]
        assert [await polling.receive() for _ in range(3)] == [body, "bAQ==", "bAg=="]


@pytest.mark.parametrize("offer", [15, 0])
async def test_deflate_is_used_only_where_both_want_it(offer: int) -> None:
    server = room_server(compression=True)
    text = b'"' + b"calm " * 1000 + b'"'
    async with serving(server) as url, Wire(url, compress=offer) as client, Wire(url) as plain:
        await client.connect()
        await plain.connect()
        assert client.socket.compress == offer
        frame = server.frame("long", text)
        for _ in range(2):
            assert server.deliver("room", frame) == 2
            assert await client.receive() == await plain.receive() == f'42["long",{text.decode()}]'
        assert server.deliver("room", server.frame("short", b"1")) == 2
        assert await client.receive() == '42["short",1]'
        assert len(frame.deflated) < len(frame.websocket) / 20


async def test_a_compressed_message_is_read_and_a_bomb_is_not() -> None:
    server = room_server(compression=True, max_http_buffer_size=10_000)
    got: list[bytes] = []

    def take(connection: Connection, event: str, arguments: bytes, namespace: str) -> bytes:
        got.append(arguments)
        return b"true"

    server.on_raw(take)
    async with serving(server) as url, Wire(url, compress=15) as client:
        await client.connect()
        packet = '421["text","' + "a" * 5000 + '"]'
        assert await client.ask(packet) == "431[true]"
        assert len(got[0]) == 5002
        await client.send('421["text","' + "a" * 500_000 + '"]')
        assert await client.closed() == 1009


def test_a_deflated_frame_is_what_rfc_7692_says() -> None:
    frame = Frame(b"4" + b"z" * 2000)
    assert frame.deflated[0] == 0xC1
    body = zlib.decompressobj(wbits=-15).decompress(frame.deflated[2:] + b"\x00\x00\xff\xff")
    assert body == b"4" + b"z" * 2000


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a self-signed certificate for localhost in one file."""
    import datetime

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(private + signed.public_bytes(pem))
    return path


async def test_everything_works_over_tls(certificate: Path) -> None:
    server = room_server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with serving(server, ssl=context) as url, Wire(url, ssl=False) as client:
        await client.connect()
        text = "x" * 300_000
        assert server.deliver("room", server.frame("big", b'"%b"' % text.encode())) == 1
        assert server.deliver("room", server.frame("small", b"1")) == 1
        assert await client.receive() == f'42["big","{text}"]'
        assert await client.receive() == '42["small",1]'
        server.connection(server.manager.members("/", "room").popitem()[0])
        next(iter(server.connections)).close()
        assert await client.closed() == 1000


async def test_websocket_control_frames_are_answered() -> None:
    server = room_server()
    async with serving(server) as url, Wire(url, autoping=False, autoclose=False) as client:
        await client.connect()
        await client.socket.ping(b"are you there")
        message = await within(client.socket.receive())
        assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"are you there")
        await client.socket._writer.close(4001, b"bye")
        message = await within(client.socket.receive())
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 4001)
        await until(lambda: server.counters.connections == 0)
        assert server.manager.rooms == {}


async def test_a_message_in_fragments_is_one_message() -> None:
    server = room_server()
    server.on_raw(lambda connection, event, arguments, namespace: arguments)
    async with serving(server) as url, Wire(url) as client:
        await client.connect()
        await _fragments(client, b'421["say"', b',"in three ', b'pieces"]')
        assert await client.receive() == '431["in three pieces"]'


async def _fragments(client: Wire, *pieces: bytes) -> None:
    transport = client.socket._writer.transport
    last = len(pieces) - 1
    for index, piece in enumerate(pieces):
        opcode = (0x80 if index == last else 0) | (0 if index else 1)
        transport.write(bytes((opcode, 0x80 | len(piece))) + bytes(4) + piece)


async def test_a_deliver_in_a_handler_of_the_python_client_arrives() -> None:
    server = room_server(bounds=Bounds())
    async with serving(server) as url:
        client = socketio.AsyncClient()
        got: asyncio.Queue[Any] = asyncio.Queue()
        client.on("news", got.put)
        await client.connect(url, wait_timeout=DEADLINE_SECONDS)
        server.deliver("room", server.frame("news", b'{"n":1}'))
        assert await within(got.get()) == {"n": 1}
        await client.disconnect()


async def test_a_transport_that_died_in_secret_costs_nobody_else_the_event() -> None:
    server = room_server()

    def dead(data: bytes) -> None:
        raise RuntimeError("the handler is closed")

    async with serving(server) as url, Wire(url) as one, Wire(url) as two, Wire(url) as three:
        sids = [await client.connect() for client in (one, two, three)]
        broken = server.connection(sids[1])
        assert broken is not None
        broken.write = dead
        assert server.deliver("room", server.frame("a", b"1")) == 3
        assert await one.receive() == await three.receive() == '42["a",1]'
        await until(lambda: server.rooms(sids[1]) == [])


async def test_a_transport_that_dies_while_what_was_held_goes_out_is_counted_once() -> None:
    server = Server()
    writes = itertools.count(1)

    @server.on_connect
    async def connect(connection: Connection, auth: object) -> None:
        write = connection.write

        def once(data: bytes) -> None:
            if next(writes) > 1:
                raise OSError
            write(data)

        connection.write = once
        for _ in range(3):
            connection.send(server.frame("missed", b"1"))

    async with serving(server) as url, Wire(url) as wire:
        await wire.connect()
        await wire.closed()
    assert server.counters.queued_bytes == 0
