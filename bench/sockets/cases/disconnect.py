"""Everybody leaves at once: what each one costs, and for how long the peer answers nobody else meanwhile."""

import time

from bench.sockets.crowd import PATIENCE_SECONDS, opened_crowd
from bench.sockets.peer import Peer

LOOK_EVERY_SECONDS = 0.02


def measure(peer: Peer, members: int, scale: float) -> dict[str, dict[str, float | str]]:
    """`disconnect`: CPU per socket, seconds until all are gone, the longest wait for an unrelated request."""
    with opened_crowd(peer.port) as crowd:
        crowd.join(members, rooms=("feed",))
        before = peer.quiet_stats()
        started = time.monotonic()
        crowd.leave()
        longest_s = _wait_until_empty(peer)
        seconds = time.monotonic() - started
        used = peer.quiet_stats().cpu_s - before.cpu_s
    figures: dict[str, float | str] = {
        "cpu_us_per_disconnect": used / members * 1e6,
        "seconds": seconds,
        "longest_stall_ms": longest_s * 1000,
    }
    return {"disconnect": figures}


def _wait_until_empty(peer: Peer) -> float:
    """Ask until nobody is connected; gives the longest time an answer took, in seconds."""
    deadline, longest = time.monotonic() + PATIENCE_SECONDS, 0.0
    while time.monotonic() < deadline:
        asked = time.monotonic()
        connections = peer.stats().connections
        longest = max(longest, time.monotonic() - asked)
        if connections == 0:
            return longest
        time.sleep(LOOK_EVERY_SECONDS)
    raise TimeoutError("the peer keeps connections of clients that are gone")
