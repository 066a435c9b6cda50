"""Rate limits in memory: a window that slides with the clock."""

from collections import defaultdict
from datetime import datetime, timedelta

from domain.clock import Clock


class FakeRateLimits:
    def __init__(self, now: Clock) -> None:
        self._now = now
        self._hits: dict[tuple[str, str], list[datetime]] = defaultdict(list)

    async def wait_seconds(self, scope: str, key: str, limit: int, window_seconds: int) -> float:
        now, window = self._now(), timedelta(seconds=window_seconds)
        hits = self._hits[scope, key] = [hit for hit in self._hits[scope, key] if now - hit < window]
        if len(hits) < limit:
            hits.append(now)
            return 0.0
        return (hits[-limit] + window - now).total_seconds()
