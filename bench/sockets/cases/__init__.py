"""What is measured: one module per question, all with the same shape.

`measure(peer, members, scale)` drives one fresh peer and gives figures by line name. `scale` (0 to 1]
shortens the work without changing its shape.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bench.sockets.cases import connect, disconnect, fanout, idle, inbound, product, reconnect, stalled
from bench.sockets.peer import Peer
from bench.sockets.product import Product

Figures = dict[str, float | str]
QUICK_SCALE = 0.2


@dataclass(frozen=True, slots=True)
class Case:
    """One question: the sizes of the crowd it is asked for, and how it is answered."""

    measure: Callable[[Peer, int, float], dict[str, Figures]]
    sizes: tuple[int, ...]
    quick_sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ProductCase:
    """A question to the whole product, which has no peers to be compared with."""

    measure: Callable[[Product, int, float], dict[str, Figures]]
    sizes: tuple[int, ...]
    quick_sizes: tuple[int, ...]


CASES = {
    "fanout": Case(fanout.measure, (100, 500, 2000), (100,)),
    "inbound": Case(inbound.measure, (100,), (50,)),
    "connect": Case(connect.measure, (1000,), (200,)),
    "idle": Case(partial(idle.measure, deflate=False), (2000,), (300,)),
    "idle_deflate": Case(partial(idle.measure, deflate=True), (2000,), (300,)),
    "disconnect": Case(disconnect.measure, (1000, 4000, 10000), (500,)),
    "stalled": Case(stalled.measure, (500,), (100,)),
}

PRODUCT_CASES = {
    "product": ProductCase(product.measure, (500,), (50,)),
    "reconnect": ProductCase(reconnect.measure, (10_000,), (200,)),
}

# The figure that the ratios of a line compare. Lower is better for every one of them.
PRIMARY = {
    "fanout": "cpu_us_per_delivery",
    "fanout_batch": "cpu_us_per_delivery",
    "fanout_paced": "cpu_us_per_delivery",
    "inbound": "cpu_us_per_event",
    "inbound_paced": "cpu_us_per_event",
    "connect": "cpu_us_per_connect",
    "idle": "kb_per_connection",
    "idle_deflate": "kb_per_connection",
    "disconnect": "cpu_us_per_disconnect",
    "stalled": "p99_ms",
    "product": "p99_ms",
    "reconnect": "cpu_ms_per_return",
}
