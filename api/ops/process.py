"""This server process in the words of its own Prometheus gauges."""

from prometheus_client import REGISTRY

from domain.wire import View


class Process(View, frozen=True):
    """None where the process has no such gauge (yet)."""

    sockets: float | None
    rooms: float | None
    rss_bytes: float | None
    started_at: float | None


def this_process() -> Process:
    return Process(
        sockets=REGISTRY.get_sample_value("sockets_connections"),
        rooms=REGISTRY.get_sample_value("rooms_subscribed"),
        rss_bytes=REGISTRY.get_sample_value("process_resident_memory_bytes"),
        started_at=REGISTRY.get_sample_value("process_start_time_seconds"),
    )
