"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 1, 31, 12, 0, 0, 199_000, tzinfo=UTC)
"""A millisecond before the end of a fifth of a second, so that what is told at its end is told at once."""


class FakeClock:
    def __init__(self, now: datetime = NOON) -> None:
        self.time = now

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **duration: float) -> datetime:
        """Moves on by a `timedelta`: `advance(hours=1)`."""
        self.time += timedelta(**duration)
        return self.time
