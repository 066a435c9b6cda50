"""The parts that carry connections between workers, at their bounds."""

import asyncio
import errno
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from aiohttp import web
from front_harness import within

from realtime.engine import Server
from realtime.front import Front, Place, supervisor
from realtime.front import door as doors
from realtime.front import inbox as inboxes
from realtime.front import line as lines
from realtime.front import parcel as parcels
from realtime.front.inbox import Inbox
from realtime.front.lifeline import Lifeline
from realtime.front.line import Line
from realtime.front.parcel import INLINE_BYTES, Parcel
from realtime.front.port import reserved
from realtime.front.pulse import Pulse
from realtime.front.supervisor import Signals, Worker
from telemetry.signals import stop_signals


@pytest.fixture
def address() -> str:
    return f"\0front-test-{secrets.token_hex(8)}"


@pytest.fixture
def listener(address: str) -> Iterator[socket.socket]:
    """Another worker, as far as a line can see."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(address)
        listening.listen()
        yield listening


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's end of a connection, and ours."""
    ends = socket.socketpair()
    yield ends
    for end in ends:
        end.close()


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Front, int]]:
    """The only worker of a front, in this process, and its port."""
    with reserved("127.0.0.1", 0) as port:
        front, app, engine = (
            Front(Place(0, 1, secrets.token_hex(8), "127.0.0.1", port)),
            web.Application(),
            Server(),
        )
        engine.attach(app)
        front.join(app, engine)
        runner = web.AppRunner(app)
        await runner.setup()
        await front.listen(runner)
        try:
            yield front, port
        finally:
            await runner.cleanup()


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES, INLINE_BYTES + 1, 3_000_000])
def test_a_parcel_brings_the_connection_and_every_byte(
    size: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    client, ours = pair
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with here, there:
        data = secrets.token_bytes(size)
        Parcel(ours.fileno(), data).post(here)
        received = parcels.receive(there)
    assert received is not None
    with received[0] as connection:
        assert received[1] == data
        connection.sendall(b"hello")
    assert client.recv(5) == b"hello"


async def test_nobody_at_the_end_of_a_line_leaves_the_connection_with_us(
    address: str, pair: tuple[socket.socket, socket.socket]
) -> None:
    parcel = Parcel(pair[1].fileno(), b"")
    assert not Line(address).send(parcel)
    parcel.close()


async def test_a_busy_worker_gets_what_waited_for_it_in_order(
    address: str,
    listener: socket.socket,
    pair: tuple[socket.socket, socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "WAITING_MAX", 5)
    line, sent = Line(address), 0
    while line.send(parcel := Parcel(pair[1].fileno(), b"%d" % sent)):
        sent += 1
    parcel.close()
    other, _ = listener.accept()
    numbers, all_here = [], asyncio.Event()

    def read() -> None:
        received = parcels.receive(other)
        assert received is not None
        received[0].close()
        numbers.append(int(received[1]))
        if len(numbers) == sent:
            all_here.set()

    asyncio.get_running_loop().add_reader(other, read)
    await within(all_here.wait())
    assert numbers == list(range(sent))
    asyncio.get_running_loop().remove_reader(other)
    line.close()
    other.close()


async def test_connections_that_waited_for_a_dead_worker_are_closed(
    address: str, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "WAITING_MAX", 1)
    line, ends = Line(address), [socket.socketpair()]
    while line.send(parcel := Parcel(ends[-1][1].fileno(), b"x" * INLINE_BYTES)):
        ends[-1][1].close()
        ends.append(socket.socketpair())
    parcel.close()
    ends[-1][1].close()
    listener.accept()[0].close()
    loop = asyncio.get_running_loop()
    for client, _ in ends:
        client.setblocking(False)
        assert await within(loop.sock_recv(client, 1)) == b""
        client.close()


async def test_a_line_finds_a_worker_that_was_started_again(
    address: str, pair: tuple[socket.socket, socket.socket]
) -> None:
    line = Line(address)
    for _ in range(2):
        arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def adopt(connection: socket.socket, data: bytes, arrived: "asyncio.Future[bytes]" = arrived) -> None:
            connection.close()
            arrived.set_result(data)

        inbox = Inbox(address, adopt)
        inbox.open()
        assert line.send(Parcel(pair[1].fileno(), b"again"))
        assert await within(arrived) == b"again"
        inbox.close()
    line.close()


async def test_another_user_of_the_machine_hands_nothing_over(
    address: str, pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inboxes, "_user_of", lambda line: 4_711)
    inbox = Inbox(address, lambda connection, data: pytest.fail("it was taken"))
    inbox.open()
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.setblocking(False)
    client.connect(address)
    Parcel(pair[1].fileno(), b"").post(client)
    try:
        ended = await within(asyncio.get_running_loop().sock_recv(client, 1))
    except ConnectionResetError:
        ended = b""
    assert ended == b""
    client.close()
    inbox.close()


async def test_a_silent_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "SILENT_SECONDS_MAX", 0.02)
    async with served() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /")
        assert await within(reader.read()) == b""
        writer.close()


async def test_a_connection_that_has_said_nothing_does_not_hold_up_the_end() -> None:
    async with served() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await within(reader.read()) == b""
    writer.close()


async def test_a_worker_that_stops_accepting_serves_the_connections_it_has() -> None:
    async with served() as (front, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n"
        for _ in range(2):
            writer.write(request)
            assert (await within(reader.readline())).split()[1] == b"200"
            head = await within(reader.readuntil(b"\r\n\r\n"))
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            assert (await within(reader.readexactly(length))).startswith(b'0{"sid":"00-')
            front.stop_accepting()
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


def test_a_reserved_port_is_refused_to_a_server_that_would_share_it() -> None:
    with reserved("127.0.0.1", 0) as port, socket.socket() as serving:
        serving.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        serving.bind(("127.0.0.1", port))
        serving.listen()
        with pytest.raises(OSError, match="in use"), reserved("127.0.0.1", port):
            pytest.fail("it was shared")


async def test_silence_is_a_bad_sign_only_from_who_has_beaten_and_was_heard() -> None:
    pulse, now = Pulse(hung_seconds=60.0), time.monotonic()
    assert not pulse.hangs(heard_since=now - 3600)
    pulse.begin()
    assert not pulse.hangs(heard_since=now - 3600)
    pulse.hung_seconds = -60.0
    assert pulse.hangs(heard_since=now)
    assert not pulse.hangs(heard_since=now + 3600)
    pulse.end()
    assert not pulse.hangs(heard_since=now)


def test_what_is_no_signal_that_was_waited_for_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = frozenset({signal.SIGTERM})
    for number, heard in (
        (signal.SIGTERM, signal.SIGTERM),
        (signal.SIGCHLD, signal.SIGCHLD),
        (1347439584, None),
    ):
        found = SimpleNamespace(si_signo=int(number))
        monkeypatch.setattr(signal, "sigtimedwait", lambda *_, found=found: found)
        assert Signals(stop).next(1.0) == heard


def test_the_end_of_the_terminal_stops_unless_it_is_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert signal.SIGHUP in stop_signals()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert stop_signals() == {signal.SIGINT, signal.SIGTERM}
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_worker_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(process: object) -> None:
        raise OSError(errno.EAGAIN, "too many processes")

    monkeypatch.setattr(supervisor._processes.Process, "start", refuse)
    lifeline = Lifeline()
    worker = Worker(Place(0, 1, "alone", "127.0.0.1", 0), lambda _: None, lifeline, 1.0)
    worker.start()
    assert not worker.alive
    assert worker.failures == 1
    assert worker.seconds_until_due() > 0
    lifeline.close()


def test_a_connection_that_cannot_be_carried_is_let_go_of(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> int:
        raise OSError(errno.EMFILE, "too many files")

    monkeypatch.setattr("os.memfd_create", refuse)
    client, ours = pair
    with pytest.raises(OSError, match="too many"):
        Parcel(ours.fileno(), bytes(INLINE_BYTES + 1))
    ours.close()
    client.settimeout(60)
    assert client.recv(1) == b""


async def test_a_full_table_of_files_is_not_asked_again_at_once(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuse(listener: socket.socket) -> None:
        asked.append(listener)
        raise OSError(errno.EMFILE, "too many files")

    monkeypatch.setattr(socket.socket, "accept", refuse)
    inbox = Inbox(address, lambda connection, data: pytest.fail("nothing was sent"))
    inbox.open()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.connect(address)
        for _ in range(50):
            await asyncio.sleep(0)
    inbox.close()
    assert len(asked) == 1
