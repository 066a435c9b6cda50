"""The server that answers, in the words of its Prometheus gauges: all the processes of its port."""

from collections.abc import Iterable

from domain.wire import View
from telemetry.exposition import Exposition

SOCKETS, ROOMS = "sockets_connections", "rooms_subscribed"
RSS_BYTES, STARTED_AT = "process_resident_memory_bytes", "process_start_time_seconds"


class Process(View, frozen=True):
    """Sums over `processes`; `started_at` is of the oldest. None where no process has such a gauge (yet).

    A room that has members in two processes counts in both.
    """

    processes: int
    sockets: float | None
    rooms: float | None
    rss_bytes: float | None
    started_at: float | None


async def this_server(exposition: Exposition) -> Process:
    found = await exposition.values(SOCKETS, ROOMS, RSS_BYTES, STARTED_AT)
    return Process(
        processes=len(found),
        sockets=total(one[SOCKETS] for one in found),
        rooms=total(one[ROOMS] for one in found),
        rss_bytes=total(one[RSS_BYTES] for one in found),
        started_at=min((at for one in found if (at := one[STARTED_AT]) is not None), default=None),
    )


def total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
