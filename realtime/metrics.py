"""What Prometheus sees of the sockets. Labels are names of ours, never ids."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from itertools import accumulate

import prometheus_client
from prometheus_client import Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from realtime.engine import Server

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
LABELS = (*map(str, SECONDS), "+Inf")

CONNECTS = prometheus_client.Counter("socket_connects_total", "Connects by outcome", ["outcome"])
CLOSED = prometheus_client.Counter("socket_closed_total", "Sockets that we ended", ["code"])
END_TO_CLOSE_SECONDS = Histogram(
    "session_end_to_close_seconds",
    "From the end of a session, wherever that was, to the end of its sockets here",
    ["reason"],
    buckets=(0.25, 0.5, 1, 2, 3, 4, 5, 7.5, 10, 30),
)
REPLAYED = prometheus_client.Counter(
    "room_events_replayed_total", "Events sent again to a client that came back"
)
RESUMES = prometheus_client.Counter("room_resumes_total", "Rooms that a client came back to", ["recovered"])
LOG_READS = prometheus_client.Counter(
    "room_log_reads_total", "Reads of room logs, to catch up or to replay to who came back", ["why"]
)
GAPS = prometheus_client.Counter("room_gaps_total", "Holes in what a server heard, filled from the room log")
ROOMS = Gauge("rooms_subscribed", "Rooms with members on this server")
TAIL_BYTES = Gauge("room_tail_bytes", "Bytes of recent events kept for replay")

ENGINE_GAUGES = {
    "connections": "Open sessions, polling ones too",
    "congested": "Sockets whose transport is full at the moment",
    "queued_bytes": "Bytes that wait in queues of ours, beside those in transports",
}
ENGINE_TOTALS = {
    "opened": "Sessions opened",
    "upgraded": "Sessions that moved from polling to a WebSocket",
    "refused": "Connects that were refused",
    "received": "Packets from clients",
    "deliveries": "Events written or queued for a client, one for each client",
    "dropped_ephemeral": "Ephemeral events dropped because a client was behind",
    "slow_consumers_closed": "Clients closed because they did not read",
    "ping_timeouts": "Clients that stopped answering",
    "protocol_errors": "Clients closed because they broke the protocol",
    "handler_errors": "Handlers and hooks that raised",
}


class Tally:
    """How often one client event ended how, and how long it took; integers, because every event counts."""

    __slots__ = ("outcomes", "seconds", "slots")

    def __init__(self) -> None:
        self.outcomes: defaultdict[str, int] = defaultdict(int)  # half the price of a Counter
        self.slots = [0] * len(LABELS)
        self.seconds = 0.0

    def count(self, outcome: str, seconds: float) -> None:
        self.outcomes[outcome] += 1
        self.slots[bisect_left(SECONDS, seconds)] += 1
        self.seconds += seconds


class EventCollector(Collector):
    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}

    def tally(self, event: str) -> Tally:
        """The tally of a client event, the same for all servers of the process."""
        return self._tallies.setdefault(event, Tally())

    def collect(self) -> Iterator[Metric]:
        outcomes = CounterMetricFamily(
            "socket_events", "Client events by outcome", labels=["event", "outcome"]
        )
        seconds = HistogramMetricFamily(
            "socket_event_seconds", "From received to acknowledged", labels=["event"]
        )
        for event, tally in self._tallies.items():
            for outcome, count in tally.outcomes.items():
                outcomes.add_metric([event, outcome], count)
            slots = list(zip(LABELS, accumulate(tally.slots), strict=True))
            seconds.add_metric([event], slots, tally.seconds)
        yield outcomes
        yield seconds


EVENTS = EventCollector()
prometheus_client.REGISTRY.register(EVENTS)


class EngineCollector(Collector):
    """Engines count in plain integers on their hot path; they become metrics when somebody asks."""

    def __init__(self) -> None:
        self.engines: set[Server] = set()

    def collect(self) -> Iterator[Metric]:
        totals = Counter[str]()
        for engine in self.engines:
            totals.update(asdict(engine.counters))
        for name, help_text in ENGINE_GAUGES.items():
            yield GaugeMetricFamily(f"sockets_{name}", help_text, totals[name])
        for name, help_text in ENGINE_TOTALS.items():
            yield CounterMetricFamily(f"sockets_{name}", help_text, totals[name])
        waiting = sum(engine.buffered_bytes for engine in self.engines)
        yield GaugeMetricFamily("sockets_buffered_bytes", "Bytes on their way to clients", waiting)


ENGINES = EngineCollector()
prometheus_client.REGISTRY.register(ENGINES)
