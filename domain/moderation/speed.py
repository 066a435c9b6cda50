"""`python -m domain.moderation.speed`: milliseconds per message and per longest message, and memory of a
process that only scans, as JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from domain.moderation import corpus
from domain.moderation.quick import quick_check
from domain.moderation.scanner import scan

LONGEST_CHARACTERS = 5000
LONG_TEXTS = 8


def main() -> None:
    """Scan the development set and the longest posts, once to warm up and once against the clock."""
    texts = [example.text for example in corpus.development()]
    full, pre = _milliseconds(scan, texts), _milliseconds(quick_check, texts)
    long_full, long_pre = (_milliseconds(call, _long(texts)) for call in (scan, quick_check))
    figures = {
        "scan_p50": float(np.median(full)),
        "scan_p95": float(np.quantile(full, 0.95)),
        "quick_p50": float(np.median(pre)),
        "quick_p95": float(np.quantile(pre, 0.95)),
        "long_scan_p50": float(np.median(long_full)),
        "long_quick_p50": float(np.median(long_pre)),
        "rss_mb": _resident_megabytes(),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _long(texts: list[str]) -> list[str]:
    """Posts of the greatest length, each put together from other texts."""
    return [" ".join(texts[start::LONG_TEXTS] * 2)[:LONGEST_CHARACTERS] for start in range(LONG_TEXTS)]


def _milliseconds(call: Callable[[str], object], texts: list[str]) -> list[float]:
    for text in texts:
        call(text)
    return [_once(call, text) for text in texts]


def _once(call: Callable[[str], object], text: str) -> float:
    began = time.perf_counter()
    call(text)
    return (time.perf_counter() - began) * 1000


def _resident_megabytes() -> float:
    """Resident memory now. `getrusage` would report the parent's peak: it survives fork and exec on Linux."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kilobytes) / 1024


if __name__ == "__main__":
    main()
