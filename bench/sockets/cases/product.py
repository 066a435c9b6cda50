"""The whole way of a post: `post:create` over a socket, through every store, to everybody on the feed."""

import json
import math
import time
import uuid
from dataclasses import dataclass, field

from bench.sockets.crowd import PATIENCE_SECONDS, Crowd, Member, opened_crowd
from bench.sockets.latency import percentiles
from bench.sockets.product import Product
from bench.sockets.wire import PING, PONG, event_packet, split_frames

SOCKETS_PER_ACCOUNT = 5
POSTS_PER_S, SECONDS = 5.0, 4.0
WARM_UP_POSTS = 3


@dataclass(slots=True)
class Town:
    """Posts on their way: when each was sent, and what came back for it."""

    crowd: Crowd
    sent_ns: dict[str, int] = field(default_factory=dict)
    acks_ns: list[int] = field(default_factory=list)
    arrivals_ns: list[int] = field(default_factory=list)

    def post(self, author: Member) -> None:
        client_id = str(uuid.uuid4())
        content = f"{client_id} day thirty and still here"
        command = {"client_id": client_id, "type": "check_in", "content": content, "visibility": "public"}
        self.sent_ns[client_id] = time.monotonic_ns()
        author.sock.sendall(event_packet("post:create", command, len(self.sent_ns)))

    def look(self, timeout: float) -> None:
        """Take in what arrives within `timeout` seconds."""
        for fd, _ in self.crowd.readable(time.monotonic() + PATIENCE_SECONDS, timeout):
            member = self.crowd.members[fd]
            payloads, member.tail = split_frames(member.tail + self.crowd.read(member), member.inflate)
            for payload in payloads:
                self._take(member, payload)

    def _take(self, member: Member, payload: bytes) -> None:
        if payload == PING:
            member.sock.send(PONG)
        elif payload.startswith(b"43"):
            answer = json.loads(payload[payload.index(b"[") :])[0]
            if not answer["ok"]:
                raise ValueError(f"the post was refused: {answer['error']}")
            self.acks_ns.append(self._since(answer["data"]["post"]))
        elif payload.startswith(b'42["post:new"'):
            self.arrivals_ns.append(self._since(json.loads(payload[2:])[1]["data"]["post"]))

    def _since(self, post: dict[str, str]) -> int:
        return time.monotonic_ns() - self.sent_ns[post["content"].split()[0]]


def measure(product: Product, members: int, scale: float) -> dict[str, dict[str, float | str]]:
    """`product`: latency from sending to arrival and to the ack, server CPU of the whole path."""
    with opened_crowd(product.port) as crowd:
        for _ in range(math.ceil(members / SOCKETS_PER_ACCOUNT)):
            missing = min(SOCKETS_PER_ACCOUNT, members - len(crowd.members))
            crowd.join(missing, auth={"token": product.register()})
        _publish(Town(crowd), WARM_UP_POSTS)
        town = Town(crowd)
        started, cpu_started = time.monotonic(), product.cpu_s()
        _publish(town, max(2, int(POSTS_PER_S * SECONDS * scale)))
        seconds, cpu_s = time.monotonic() - started, product.cpu_s() - cpu_started
    return {"product": _figures(town, seconds, cpu_s)}


def _publish(town: Town, posts: int) -> None:
    """Post at the fixed rate, then wait until every post has reached everybody and every ack its author."""
    authors = list(town.crowd.members.values())
    started = time.monotonic()
    deadline = started + PATIENCE_SECONDS
    while len(town.acks_ns) < posts or len(town.arrivals_ns) < posts * len(authors):
        nth = len(town.sent_ns)
        wait_s = started + nth / POSTS_PER_S - time.monotonic() if nth < posts else 0.05
        if nth < posts and wait_s <= 0:
            town.post(authors[nth * SOCKETS_PER_ACCOUNT % len(authors)])
        town.look(max(0.0, min(0.05, wait_s)))
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(town.arrivals_ns)} arrivals of {posts * len(authors)}")


def _figures(town: Town, seconds: float, cpu_s: float) -> dict[str, float | str]:
    acks = percentiles(town.acks_ns)
    return {
        "deliveries_per_s": len(town.arrivals_ns) / seconds,
        "posts_per_s": len(town.sent_ns) / seconds,
        "cpu_us_per_delivery": cpu_s / len(town.arrivals_ns) * 1e6,
        "cpu_ms_per_post": cpu_s / len(town.sent_ns) * 1e3,
        **percentiles(town.arrivals_ns),
        "ack_p50_ms": acks["p50_ms"],
        "ack_p99_ms": acks["p99_ms"],
    }
