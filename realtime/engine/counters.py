"""What the engine counted, for somebody else to export."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Gauges (`connections`, `queued_bytes`, `congested`) and totals since the start."""

    connections: int = 0
    queued_bytes: int = 0
    congested: int = 0
    opened: int = 0
    upgraded: int = 0
    refused: int = 0
    received: int = 0
    deliveries: int = 0
    dropped_ephemeral: int = 0
    slow_consumers_closed: int = 0
    ping_timeouts: int = 0
    protocol_errors: int = 0
    handler_errors: int = 0
