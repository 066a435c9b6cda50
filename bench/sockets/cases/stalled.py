"""One member stops reading: what the others notice, and what the peer piles up for it.

The member sits in a second room into which the peer pours 4 MB a second, so that its backlog passes every
buffer of the kernel (a few MB on loopback) within the measurement. The same flow runs before, while the
member still reads, for comparison.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from bench.sockets.crowd import Crowd, Reception, opened_crowd
from bench.sockets.latency import percentiles
from bench.sockets.peer import Peer

ROOM, OWN_ROOM = "feed", "trickle"
RATE, SECONDS, ROUNDS = 20, 1.5, 4
OWN_RATE, OWN_TEXT = 500, 8_000
WARM_UP_EMITS = 20
BUFFER_BYTES = 65_536


def measure(peer: Peer, members: int, scale: float) -> dict[str, dict[str, float | str]]:
    """`stalled`: the others' latency with the stalled member, without it, and the change in per cent.

    Both are looked at in turns, each time with another member that stalls: the machine's own moods are longer
    than one look.
    """
    with_it, without_it, seconds = Look(), Look(), max(0.5, SECONDS * scale)
    with opened_crowd(peer.port) as crowd:
        crowd.join(members - 1, rooms=(ROOM,))
        crowd.receive(lambda: peer.emit(ROOM, WARM_UP_EMITS), WARM_UP_EMITS * (members - 1))
        for _ in range(ROUNDS):
            [odd_one] = crowd.join(1, rooms=(ROOM, OWN_ROOM), receive_bytes=BUFFER_BYTES)
            odd_one.sampled = False
            without_it.take(peer, lambda: _flow(peer, crowd, seconds, members, own_reads=True))
            crowd.stall(odd_one)
            with_it.take(peer, lambda: _flow(peer, crowd, seconds, members - 1, own_reads=False))
            connections = peer.stats().connections
            crowd.drop(odd_one)
        others, healthy = percentiles(with_it.latencies_ns), percentiles(without_it.latencies_ns)
        figures: dict[str, float | str] = {
            **others,
            "p50_without_ms": healthy["p50_ms"],
            "p99_without_ms": healthy["p99_ms"],
            "p99_change_pct": (others["p99_ms"] / healthy["p99_ms"] - 1) * 100,
            "stalled_closed": float(connections < members),
            "cpu_s": with_it.cpu_s,
            "cpu_without_s": without_it.cpu_s,
            "rss_growth_kb": with_it.rss_growth_kb,
        }
    return {"stalled": figures}


@dataclass(slots=True)
class Look:
    """What several looks at the same thing came to; `rss_growth_kb` is the largest."""

    latencies_ns: list[int] = field(default_factory=list)
    cpu_s: float = 0.0
    rss_growth_kb: float = 0.0

    def take(self, peer: Peer, flow: Callable[[], Reception]) -> None:
        before = peer.quiet_stats()
        self.latencies_ns += flow().latencies_ns
        after = peer.quiet_stats()
        self.cpu_s += after.cpu_s - before.cpu_s
        self.rss_growth_kb = max(self.rss_growth_kb, after.rss_kb - before.rss_kb)


def _flow(peer: Peer, crowd: Crowd, seconds: float, readers: int, *, own_reads: bool) -> Reception:
    emits, own_emits = int(RATE * seconds), int(OWN_RATE * seconds)

    def start() -> None:
        peer.emit(OWN_ROOM, own_emits, rate=OWN_RATE, text=OWN_TEXT)
        peer.emit(ROOM, emits, rate=RATE)

    return crowd.receive(start, emits * readers + (own_emits if own_reads else 0))
