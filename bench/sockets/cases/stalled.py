"""One member stops reading: what the others notice, and what the peer piles up for it.

The member sits in a second room into which the peer pours 4 MB a second, so that its backlog passes every
buffer of the kernel (a few MB on loopback) within the measurement. The same flow runs before, while the
member still reads, for comparison.
"""

from bench.sockets.crowd import Crowd, Reception, opened_crowd
from bench.sockets.latency import percentiles
from bench.sockets.peer import Peer

ROOM, OWN_ROOM = "feed", "trickle"
RATE, SECONDS = 20, 6.0
OWN_RATE, OWN_TEXT = 500, 8_000
WARM_UP_EMITS = 20
BUFFER_BYTES = 65_536


def measure(peer: Peer, members: int, scale: float) -> dict[str, dict[str, float | str]]:
    """`stalled`: the others' latency with the stalled member, without it, and the change in per cent."""
    seconds = max(1.0, SECONDS * scale)
    with opened_crowd(peer.port) as crowd:
        crowd.join(members - 1, rooms=(ROOM,))
        [odd_one] = crowd.join(1, rooms=(ROOM, OWN_ROOM), receive_bytes=BUFFER_BYTES)
        odd_one.sampled = False
        crowd.receive(lambda: peer.emit(ROOM, WARM_UP_EMITS), WARM_UP_EMITS * members)
        before = peer.quiet_stats()
        healthy = percentiles(_flow(peer, crowd, seconds, members, own_reads=True).latencies_ns)
        between = peer.quiet_stats()
        crowd.stall(odd_one)
        others = percentiles(_flow(peer, crowd, seconds, members - 1, own_reads=False).latencies_ns)
        after = peer.quiet_stats()
        figures: dict[str, float | str] = {
            **others,
            "p50_without_ms": healthy["p50_ms"],
            "p99_without_ms": healthy["p99_ms"],
            "p99_change_pct": (others["p99_ms"] / healthy["p99_ms"] - 1) * 100,
            "stalled_closed": float(after.connections < members),
            "cpu_s": after.cpu_s - between.cpu_s,
            "cpu_without_s": between.cpu_s - before.cpu_s,
            "rss_growth_kb": after.rss_kb - between.rss_kb,
        }
    return {"stalled": figures}


def _flow(peer: Peer, crowd: Crowd, seconds: float, readers: int, *, own_reads: bool) -> Reception:
    emits, own_emits = int(RATE * seconds), int(OWN_RATE * seconds)

    def start() -> None:
        peer.emit(OWN_ROOM, own_emits, rate=OWN_RATE, text=OWN_TEXT)
        peer.emit(ROOM, emits, rate=RATE)

    return crowd.receive(start, emits * readers + (own_emits if own_reads else 0))
