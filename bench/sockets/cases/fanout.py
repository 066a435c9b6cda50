"""One emit to a room: what a delivery costs, how many fit into a second, how late they are."""

from dataclasses import dataclass

from bench.sockets.crowd import Crowd, opened_crowd
from bench.sockets.latency import percentiles
from bench.sockets.load import Load
from bench.sockets.peer import Peer

ROOM = "feed"
WARM_UP_DELIVERIES = 8_000
# A round must fit into the bounded outbound buffers of the members: 500 frames are 163 KB.
MAX_ROUND_EMITS, ROUND_DELIVERIES = 500, 50_000
ENOUGH_CPU_SECONDS, MAX_ROUNDS = 0.4, 4
BATCH = 8
PACED_DELIVERIES_PER_S, PACED_SECONDS = 10_000, 1.5
SAMPLED_EVERY = 8

Figures = dict[str, float | str]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How a round is emitted: `emits`, at a rate a second, or at rate 0 some in each turn of the loop."""

    emits: int
    rate: float = 0
    batch: int = 1


def measure(peer: Peer, members: int, scale: float) -> dict[str, Figures]:
    """`fanout`: one emit a loop turn. `fanout_batch`: 8 a turn. `fanout_paced`: 10,000 deliveries/s."""
    emits = max(BATCH, int(min(MAX_ROUND_EMITS, ROUND_DELIVERIES // members) * scale))
    rate = PACED_DELIVERIES_PER_S / members
    paced_emits = max(5, int(rate * PACED_SECONDS * scale))
    with opened_crowd(peer.port) as crowd:
        crowd.join(members, rooms=(ROOM,))
        _round(peer, crowd, Rhythm(max(4, WARM_UP_DELIVERIES // members)))
        paced = _figures(*_round(peer, crowd, Rhythm(paced_emits, rate=rate)))
        for position, member in enumerate(crowd.members.values()):
            member.sampled = position % SAMPLED_EVERY == 0
        burst = _rounds(peer, crowd, Rhythm(emits))
        batch = _rounds(peer, crowd, Rhythm(emits, batch=BATCH))
    return {"fanout": burst, "fanout_batch": batch, "fanout_paced": paced}


def _rounds(peer: Peer, crowd: Crowd, rhythm: Rhythm) -> Figures:
    """Rounds until the server has used enough CPU time for a steady figure."""
    load, latencies = _round(peer, crowd, rhythm)
    for _ in range(1, MAX_ROUNDS):
        if load.server_cpu_s >= ENOUGH_CPU_SECONDS:
            break
        more, more_latencies = _round(peer, crowd, rhythm)
        load += more
        latencies += more_latencies
    return _figures(load, latencies)


def _round(peer: Peer, crowd: Crowd, rhythm: Rhythm) -> tuple[Load, list[int]]:
    expected = rhythm.emits * len(crowd.members)
    before = peer.quiet_stats()
    reception = crowd.receive(
        lambda: peer.emit(ROOM, rhythm.emits, rate=rhythm.rate, batch=rhythm.batch), expected
    )
    load = Load.between(
        before,
        peer.quiet_stats(),
        count=expected,
        seconds=reception.seconds,
        client_cpu_s=reception.client_cpu_s,
    )
    return load, reception.latencies_ns


def _figures(load: Load, latencies: list[int]) -> Figures:
    return load.figures("delivery", "deliveries") | percentiles(latencies)
