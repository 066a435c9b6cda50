"""Percentiles of latencies, through an HDR histogram of three significant digits."""

from collections.abc import Iterable
from typing import Any

from hdrh.histogram import HdrHistogram

LOWEST_US, HIGHEST_US, DIGITS = 1, 120_000_000, 3


def percentiles(latencies_ns: Iterable[int]) -> dict[str, float]:
    """`p50_ms` and `p99_ms` of latencies in nanoseconds; empty when there are none."""
    histogram: Any = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)  # type: ignore[no-untyped-call]
    for latency_ns in latencies_ns:
        histogram.record_value(max(LOWEST_US, latency_ns // 1000))
    if not histogram.get_total_count():
        return {}
    return {f"p{q}_ms": histogram.get_value_at_percentile(q) / 1000 for q in (50, 99)}
