"""A crowd of Socket.IO clients in one thread: bare sockets, one epoll, frames counted by their length.

It is this cheap so that one client core can drink what one server core pours: no event loop, no task, no
object per frame. A read that holds a whole number of deliveries is counted without being parsed.
"""

import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.peers.workload import FRAME_BYTES, HEADER_BYTES, STAMP_DIGITS, STAMP_OFFSET
from bench.sockets.wire import PING, PONG, connect_packet, inflater, split_frames, upgrade_request

READ_BYTES = 800 * FRAME_BYTES
MAX_READY = 8192
HANDSHAKES_AT_ONCE = 128
PATIENCE_SECONDS = 120.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_DELIVERY_START = b"\x81\x7e" + (FRAME_BYTES - HEADER_BYTES).to_bytes(2, "big") + b"42["


class PeerClosedError(Exception):
    """The peer closed a socket that the measurement needs."""


class Member:
    """One client: its socket, what of the stream is not yet whole, and whether its latencies are sampled."""

    __slots__ = (
        "greeting",
        "inflate",
        "ready_ns",
        "recv_into",
        "sampled",
        "sock",
        "started_ns",
        "tail",
        "upgraded",
    )

    def __init__(self, sock: socket.socket, greeting: bytes) -> None:
        self.sock = sock
        self.recv_into = sock.recv_into
        self.greeting = greeting
        self.tail = b""
        self.upgraded = False
        self.inflate = inflater()
        self.sampled = True
        self.started_ns = time.monotonic_ns()
        self.ready_ns = 0


@dataclass(slots=True)
class Reception:
    """What arrived: deliveries, the seconds it took, the client's CPU seconds, sampled latencies."""

    deliveries: int = 0
    seconds: float = 0.0
    client_cpu_s: float = 0.0
    latencies_ns: list[int] = field(default_factory=list)


class Crowd:
    """All clients of one measurement. Use `opened_crowd` to be sure that none is left behind."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.members: dict[int, Member] = {}
        self._epoll = select.epoll()
        self._buffer = bytearray(READ_BYTES)
        self._view = memoryview(self._buffer)

    def join(
        self,
        count: int,
        *,
        rooms: tuple[str, ...] = (),
        auth: dict[str, object] | None = None,
        deflate: bool = False,
        receive_bytes: int = 0,
    ) -> list[Member]:
        """Connect `count` clients through the whole handshake, at most `HANDSHAKES_AT_ONCE` at a time.

        rooms: what a peer lets them join; auth: what they say instead, to the product.
        receive_bytes: their receive buffer, where the kernel's own choice (0) would hide a stalled reader.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        greeting = connect_packet(auth or {"rooms": list(rooms)})
        joined: list[Member] = []
        waiting: set[int] = set()
        while len(joined) < count or waiting:
            while len(joined) < count and len(waiting) < HANDSHAKES_AT_ONCE:
                member = self._knock(greeting, deflate, receive_bytes)
                joined.append(member)
                waiting.add(member.sock.fileno())
            waiting.difference_update(self._shake_hands(deadline))
        return joined

    def _knock(self, greeting: bytes, deflate: bool, receive_bytes: int) -> Member:
        sock = socket.socket()
        if receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.connect(("127.0.0.1", self.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        member = Member(sock, greeting)
        self.members[sock.fileno()] = member
        self._epoll.register(sock.fileno(), select.EPOLLIN)
        sock.sendall(upgrade_request(self.port, deflate=deflate))
        return member

    def _shake_hands(self, deadline: float) -> Iterator[int]:
        """Serve whoever is readable; gives the descriptors of those whose handshake is complete."""
        for fd, _ in self.readable(deadline):
            member = self.members[fd]
            member.tail += self.read(member)
            if not member.upgraded:
                member.upgraded = _switched(member)
            if member.upgraded and self._greet(member):
                member.ready_ns = time.monotonic_ns()
                yield fd

    def _greet(self, member: Member) -> bool:
        """Answer the Engine.IO open packet; true once the namespace is connected."""
        payloads, member.tail = split_frames(member.tail, member.inflate)
        connected = False
        for payload in payloads:
            if payload.startswith(b"0"):
                member.sock.sendall(member.greeting)
            elif payload.startswith(b"40"):
                connected = True
            elif payload.startswith(b"44"):
                raise PeerClosedError(f"connection refused: {payload!r}")
        return connected

    def readable(self, deadline: float, timeout: float = 0.05) -> list[tuple[int, int]]:
        """Wait at most `timeout` seconds for readable sockets. Raises TimeoutError past the deadline."""
        if time.monotonic() > deadline:
            raise TimeoutError("the peer did not deliver in time")
        return self._epoll.poll(timeout, MAX_READY)

    def read(self, member: Member) -> bytes:
        """What can be read now. Raises PeerClosedError at the end of the stream."""
        return bytes(self._view[: self._fill(member)])

    def receive(self, start: Callable[[], None], expected: int) -> Reception:
        """Run `start`, then count deliveries until `expected` have arrived, or TimeoutError."""
        reception = Reception()
        started, cpu_started = time.monotonic(), time.process_time()
        start()
        while reception.deliveries < expected:
            for fd, _ in self.readable(started + PATIENCE_SECONDS):
                reception.deliveries += self._count(self.members[fd], reception.latencies_ns)
        reception.seconds = time.monotonic() - started
        reception.client_cpu_s = time.process_time() - cpu_started
        return reception

    def _count(self, member: Member, latencies_ns: list[int]) -> int:
        size = self._fill(member)
        buffer = self._buffer
        if member.tail or size % FRAME_BYTES or not buffer.startswith(_DELIVERY_START):
            return self._count_parsed(member, bytes(self._view[:size]), latencies_ns)
        if member.sampled:
            now = time.monotonic_ns()
            stamps = range(STAMP_OFFSET, size, FRAME_BYTES)
            latencies_ns.extend(now - int(buffer[at : at + STAMP_DIGITS]) for at in stamps)
        return size // FRAME_BYTES

    def _fill(self, member: Member) -> int:
        """Read into the shared buffer. Raises PeerClosedError at the end of the stream."""
        size = member.recv_into(self._view)
        if size == 0:
            raise PeerClosedError("the peer closed a connection in the middle of a measurement")
        return size

    def _count_parsed(self, member: Member, chunk: bytes, latencies_ns: list[int]) -> int:
        """The slow way, for cut frames and for anything that is not a delivery, such as a ping."""
        payloads, member.tail = split_frames(member.tail + chunk, member.inflate)
        if PING in payloads:
            member.sock.send(PONG)
        deliveries = [payload for payload in payloads if payload.startswith(b"42[")]
        if member.sampled:
            now, at = time.monotonic_ns(), STAMP_OFFSET - HEADER_BYTES
            latencies_ns.extend(now - int(payload[at : at + STAMP_DIGITS]) for payload in deliveries)
        return len(deliveries)

    def stall(self, member: Member) -> None:
        """Stop reading this member's socket."""
        self._epoll.unregister(member.sock.fileno())

    def drop(self, member: Member) -> None:
        """Close the socket of a member that stalls."""
        del self.members[member.sock.fileno()]
        member.sock.close()

    def leave(self) -> None:
        """Close every socket at once, as a crowd does when a mast goes down."""
        for member in self.members.values():
            member.sock.close()
        self.members.clear()

    def close(self) -> None:
        """Leave without a trace: a reset keeps thousands of ports out of TIME_WAIT."""
        for member in self.members.values():
            member.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.leave()
        self._epoll.close()


def _switched(member: Member) -> bool:
    """Whether the HTTP answer is whole; the tail keeps what follows it. Raises PeerClosedError unless 101."""
    head, separator, rest = member.tail.partition(b"\r\n\r\n")
    if not separator:
        return False
    if not head.startswith(b"HTTP/1.1 101"):
        raise PeerClosedError(f"upgrade refused: {head.splitlines()[0]!r}")
    member.tail = rest
    return True


@contextmanager
def opened_crowd(port: int) -> Iterator[Crowd]:
    """A crowd whose sockets are closed at the end, whatever happens."""
    crowd = Crowd(port)
    try:
        yield crowd
    finally:
        crowd.close()
