"""A whole town comes back at once: the server under its phones is killed while posts go on elsewhere.

Every phone keeps its positions, tries again after a while as the official clients do, waits as long as it is
told to when it is refused, and has to hear every post that it missed, once and in order.
"""

import heapq
import json
import math
import random
import select
import socket
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.sockets.crowd import PATIENCE_SECONDS
from bench.sockets.latency import percentiles
from bench.sockets.product import Product, started_server
from bench.sockets.wire import (
    PING,
    PONG,
    connect_packet,
    event_packet,
    inflater,
    split_frames,
    upgrade_request,
)

SOCKETS_PER_ACCOUNT = 20
SETTINGS = {"SOCKETS_PER_ACCOUNT": "1000"}
MISSED_POSTS = 20
COME_BACK_SECONDS = (1.0, 5.0)
FIRST_CONNECT_SECONDS = 10.0
"""What a crowd may take to come in at first, for each thousand."""
POLL_SECONDS = 0.02
READ_BYTES = 262_144


class Phone:
    """One client: what it needs to come back, and what it heard since it was last asked."""

    __slots__ = (
        "came_ns",
        "heard",
        "positions",
        "ready_ns",
        "recovered",
        "sock",
        "tail",
        "token",
        "upgraded",
    )

    def __init__(self, token: str) -> None:
        self.token = token
        self.positions: dict[str, dict[str, object]] = {}
        self.heard: list[int] = []
        self.sock: socket.socket | None = None
        self.forget()

    def forget(self) -> None:
        """As after an interruption: connected to nobody, nothing counted."""
        self.close()
        self.tail, self.upgraded, self.recovered = b"", False, False
        self.came_ns = self.ready_ns = 0

    def close(self) -> None:
        if self.sock is not None:
            self.sock.close()
            self.sock = None


@dataclass(slots=True)
class Town:
    """All phones of one server, and the moments at which those that are away try again."""

    port: int
    phones: list[Phone]
    refused: int = 0
    due: list[tuple[float, int]] = field(default_factory=list)
    by_fd: dict[int, int] = field(default_factory=dict)
    epoll: select.epoll = field(default_factory=select.epoll)

    def scatter(self, first: float, last: float) -> None:
        """Everybody tries at a random moment between `first` and `last` seconds from now."""
        now = time.monotonic()
        self.due = [(now + random.uniform(first, last), index) for index in range(len(self.phones))]
        heapq.heapify(self.due)

    def gather(self) -> None:
        """Until everybody is in. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE_SECONDS + FIRST_CONNECT_SECONDS * len(self.phones) / 1000
        waiting = len(self.phones)
        while waiting:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{waiting} phones are not back")
            self._knock_who_is_due()
            waiting -= sum(self.take(fd) for fd, _ in self.epoll.poll(POLL_SECONDS))

    def interrupt(self) -> None:
        """The server is gone."""
        for phone in self.phones:
            phone.forget()
        self.by_fd.clear()

    def _knock_who_is_due(self) -> None:
        while self.due and self.due[0][0] <= time.monotonic():
            self._knock(heapq.heappop(self.due)[1])

    def _knock(self, index: int) -> None:
        phone = self.phones[index]
        try:
            sock = socket.create_connection(("127.0.0.1", self.port), timeout=POLL_SECONDS * 50)
            sock.sendall(upgrade_request(self.port, deflate=False))
        except OSError:
            self._again(index, random.uniform(*COME_BACK_SECONDS))
            return
        sock.setblocking(False)
        phone.sock, phone.came_ns = sock, phone.came_ns or time.monotonic_ns()
        self.by_fd[sock.fileno()] = index
        self.epoll.register(sock.fileno(), select.EPOLLIN)

    def _again(self, index: int, seconds: float) -> None:
        phone = self.phones[index]
        if phone.sock is not None:
            del self.by_fd[phone.sock.fileno()]
        phone.close()
        phone.tail, phone.upgraded = b"", False
        heapq.heappush(self.due, (time.monotonic() + seconds, index))

    def take(self, fd: int) -> bool:
        """What one phone received; True when that made it ready."""
        index = self.by_fd[fd]
        phone = self.phones[index]
        data = _read(phone)
        if data is None:
            self._again(index, random.uniform(*COME_BACK_SECONDS))
            return False
        phone.tail += data
        if not phone.upgraded:
            head, separator, rest = phone.tail.partition(b"\r\n\r\n")
            phone.upgraded = bool(separator)
            phone.tail = rest if separator else head
        return phone.upgraded and self._read_packets(index, phone)

    def _read_packets(self, index: int, phone: Phone) -> bool:
        assert phone.sock is not None
        payloads, phone.tail = split_frames(phone.tail, inflater())
        ready = False
        for payload in payloads:
            if payload == PING:
                phone.sock.send(PONG)
            elif payload.startswith(b"0"):
                phone.sock.sendall(connect_packet({"token": phone.token, "positions": phone.positions}))
            elif payload.startswith(b"44"):
                self.refused += 1
                self._again(index, json.loads(payload[2:])["retry_after"])
                return False
            elif payload.startswith(b"42["):
                ready = _hear(phone, *json.loads(payload[2:])) or ready
        return ready


def _read(phone: Phone) -> bytes | None:
    """None when the connection is gone."""
    assert phone.sock is not None
    try:
        return phone.sock.recv(READ_BYTES) or None
    except ConnectionError:
        return None


def _hear(phone: Phone, event: str, told: dict[str, object]) -> bool:
    """Keeps positions as a client does; True when the phone is ready."""
    if event == "post:new" and told["room"] == "feed":
        phone.heard.append(int(str(told["seq"])))
    if event != "ready":
        return False
    rooms: dict[str, dict[str, object]] = told["rooms"]  # type: ignore[assignment]
    phone.recovered = all(state["recovered"] for state in rooms.values())
    phone.positions = {room: {"epoch": state["epoch"], "seq": state["seq"]} for room, state in rooms.items()}
    phone.ready_ns = time.monotonic_ns()
    return True


def measure(product: Product, members: int, scale: float) -> dict[str, dict[str, float | str]]:
    """`reconnect`: how long it takes until all are back and have heard all, and what that costs the server.

    `product` holds the stores and publishes; the phones are on another server, which is killed and replaced.
    """
    accounts = [product.register() for _ in range(math.ceil(members / SOCKETS_PER_ACCOUNT))]
    with opened_town([Phone(accounts[index // SOCKETS_PER_ACCOUNT]) for index in range(members)]) as town:
        with started_server(product.folder, **SETTINGS) as first:
            town.port = first.port
            town.scatter(0, FIRST_CONNECT_SECONDS * members / 2000)
            town.gather()
            first.kill()
        town.interrupt()
        town.refused = 0
        seqs = _publish(product, MISSED_POSTS)
        with started_server(product.folder, port=town.port, **SETTINGS) as second:
            cpu_s, began_ns = second.cpu_s(), time.monotonic_ns()
            town.scatter(*COME_BACK_SECONDS)
            town.gather()
            cpu_s = second.cpu_s() - cpu_s
            figures = _figures(town, seqs, began_ns, cpu_s)
            reads, rooms = second.metric("room_log_reads_total"), second.metric("rooms_subscribed")
    return {"reconnect": {**figures, "log_reads": reads, "rooms": rooms}}


@contextmanager
def opened_town(phones: list[Phone]) -> Iterator[Town]:
    town = Town(0, phones)
    try:
        yield town
    finally:
        town.interrupt()
        town.epoll.close()


def _publish(product: Product, posts: int) -> list[int]:
    """Posts by somebody on the other server; gives the seqs that the feed gave them."""
    author = Phone(product.register())
    with opened_town([author]) as town:
        town.port = product.port
        town.scatter(0, 0)
        town.gather()
        deadline = time.monotonic() + PATIENCE_SECONDS
        for number in range(posts):
            client_id = str(uuid.uuid4())
            command = {"client_id": client_id, "type": "check_in", "content": f"{client_id} still here"}
            assert author.sock is not None
            author.sock.sendall(event_packet("post:create", command, number))
        while len(author.heard) < posts:
            if time.monotonic() > deadline:
                raise TimeoutError("the posts were not published")
            for fd, _ in town.epoll.poll(POLL_SECONDS):
                town.take(fd)
        return sorted(author.heard)


def _figures(town: Town, seqs: list[int], began_ns: int, cpu_s: float) -> dict[str, float | str]:
    phones = town.phones
    return {
        **percentiles(phone.ready_ns - phone.came_ns for phone in phones),
        "all_back_s": (max(phone.ready_ns for phone in phones) - began_ns) / 1e9,
        "cpu_ms_per_return": cpu_s / len(phones) * 1e3,
        "refused_for_now": float(town.refused),
        "not_recovered": float(sum(not phone.recovered for phone in phones)),
        "missed": float(sum(len(_missing(seqs, phone.heard)) for phone in phones)),
        "out_of_order_or_twice": float(sum(phone.heard != sorted(set(phone.heard)) for phone in phones)),
    }


def _missing(seqs: Iterable[int], heard: Iterable[int]) -> set[int]:
    return set(seqs) - set(heard)
