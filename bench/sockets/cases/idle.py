"""Memory of a connection that does nothing, with and without a client that offers permessage-deflate."""

from bench.sockets.crowd import opened_crowd
from bench.sockets.peer import Peer

WARM_UP_MEMBERS = 50


def measure(peer: Peer, members: int, scale: float, *, deflate: bool) -> dict[str, dict[str, float | str]]:
    """`kb_per_connection`: growth of the resident set, in units of 1,024 bytes, after collecting garbage."""
    with opened_crowd(peer.port) as crowd:
        crowd.join(WARM_UP_MEMBERS, deflate=deflate)
        peer.quiet_stats()
        before = peer.stats(settle=True)
        crowd.join(members, deflate=deflate)
        peer.quiet_stats()
        after = peer.stats(settle=True)
    figures: dict[str, float | str] = {"kb_per_connection": (after.rss_kb - before.rss_kb) / members}
    return {"idle_deflate" if deflate else "idle": figures}
