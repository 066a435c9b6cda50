"""What Prometheus sees of the sockets. Labels are names of ours, never ids."""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

EVENTS = Counter("socket_events_total", "Client events by outcome", ["event", "outcome"])
EVENT_SECONDS = Histogram("socket_event_seconds", "From received to acknowledged", ["event"], buckets=SECONDS)
CONNECTS = Counter("socket_connects_total", "Connects by outcome", ["outcome"])
CLOSED = Counter("socket_closed_total", "Sockets that we ended", ["code"])
REPLAYED = Counter("room_events_replayed_total", "Events sent again to a client that came back")
RESUMES = Counter("room_resumes_total", "Rooms that a client came back to", ["recovered"])
GAPS = Counter("room_gaps_total", "Holes in what a server heard, filled from the room log")
ROOMS = Gauge("rooms_subscribed", "Rooms with members on this server")
TAIL_BYTES = Gauge("room_tail_bytes", "Bytes of recent events kept for replay")
