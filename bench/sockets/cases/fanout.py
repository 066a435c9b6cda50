"""One emit to a room: what a delivery costs, how many fit into a second, how late they are."""

from bench.sockets.crowd import Crowd, opened_crowd
from bench.sockets.latency import percentiles
from bench.sockets.load import Load
from bench.sockets.peer import Peer

ROOM = "feed"
WARM_UP_EMITS = 40
# A round must fit into the bounded outbound buffers of the members: 500 frames are 163 KB.
MAX_ROUND_EMITS, ROUND_DELIVERIES = 500, 100_000
ENOUGH_CPU_SECONDS, MAX_ROUNDS = 0.5, 6
PACED_DELIVERIES_PER_S, PACED_SECONDS = 10_000, 2.0
BURST_SAMPLED_EVERY = 8


def measure(peer: Peer, members: int, scale: float) -> dict[str, dict[str, float | str]]:
    """`fanout`: emits back to back. `fanout_paced`: 10,000 deliveries a second, as latency is lived."""
    with opened_crowd(peer.port) as crowd:
        crowd.join(members, rooms=(ROOM,))
        _round(peer, crowd, WARM_UP_EMITS, 0)
        burst_emits = max(10, int(min(MAX_ROUND_EMITS, ROUND_DELIVERIES // members) * scale))
        rate = PACED_DELIVERIES_PER_S / members
        paced, paced_latencies = _round(peer, crowd, max(5, int(rate * PACED_SECONDS * scale)), rate)
        for position, member in enumerate(crowd.members.values()):
            member.sampled = position % BURST_SAMPLED_EVERY == 0
        burst, burst_latencies = _burst(peer, crowd, burst_emits)
    return {
        "fanout": burst.figures("delivery", "deliveries") | percentiles(burst_latencies),
        "fanout_paced": paced.figures("delivery", "deliveries") | percentiles(paced_latencies),
    }


def _burst(peer: Peer, crowd: Crowd, emits: int) -> tuple[Load, list[int]]:
    """Rounds until the server has used enough CPU time for a steady figure."""
    load, latencies = _round(peer, crowd, emits, 0)
    for _ in range(1, MAX_ROUNDS):
        if load.server_cpu_s >= ENOUGH_CPU_SECONDS:
            break
        more, more_latencies = _round(peer, crowd, emits, 0)
        load += more
        latencies += more_latencies
    return load, latencies


def _round(peer: Peer, crowd: Crowd, emits: int, rate: float) -> tuple[Load, list[int]]:
    expected = emits * len(crowd.members)
    before = peer.quiet_stats()
    reception = crowd.receive(lambda: peer.emit(ROOM, emits, rate), expected)
    used = peer.quiet_stats().cpu_s - before.cpu_s
    return Load(expected, reception.seconds, used, reception.client_cpu_s), reception.latencies_ns
