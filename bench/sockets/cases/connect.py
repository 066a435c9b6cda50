"""A connect storm: what it costs to let somebody in, and how long they wait while 128 knock at once."""

import time

from bench.sockets.crowd import opened_crowd
from bench.sockets.latency import percentiles
from bench.sockets.load import Load
from bench.sockets.peer import Peer

WARM_UP_MEMBERS = 50


def measure(peer: Peer, members: int, scale: float) -> dict[str, dict[str, float | str]]:
    """`connect`: TCP, upgrade, Engine.IO open, namespace connected and one room joined."""
    with opened_crowd(peer.port) as crowd:
        crowd.join(WARM_UP_MEMBERS, rooms=("feed",))
        before = peer.quiet_stats()
        started, cpu_started = time.monotonic(), time.process_time()
        joined = crowd.join(members, rooms=("feed",))
        seconds, client_cpu_s = time.monotonic() - started, time.process_time() - cpu_started
        after = peer.quiet_stats()
        waits = percentiles(member.ready_ns - member.started_ns for member in joined)
    load = Load.between(before, after, count=members, seconds=seconds, client_cpu_s=client_cpu_s)
    return {"connect": load.figures("connect", "connects") | waits}
