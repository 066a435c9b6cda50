import sys

from bench.sockets.cases import product
from bench.sockets.product import started_product


def test_a_post_is_timed_to_its_author_and_to_everybody() -> None:
    with started_product([sys.executable, "-m", "tests.bench.product_double"]) as server:
        figures = product.measure(server, 7, 0.1)["product"]
    assert figures.keys() >= {"p50_ms", "p99_ms", "ack_p50_ms", "cpu_ms_per_post", "deliveries_per_s"}
    assert all(isinstance(value, float) and value >= 0 for value in figures.values())
