"""A budget of events: what one account may ask of this server in a while, on all of its sockets together."""

import time


class Budget:
    """A token bucket that begins full and holds a minute's worth. Coming back does not refill it.

    `refused`: how often in a row there was not enough.
    """

    __slots__ = ("_per_minute", "_per_second", "_tokens", "_tokens_at", "refused")

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._per_second = per_minute / 60
        self._tokens = float(per_minute)
        self._tokens_at = time.monotonic()
        self.refused = 0

    def wait_seconds(self, events: int, now: float) -> float:
        """Takes `events` from it and answers 0, or takes nothing and answers when they will be there.

        `now` is the moment on the monotonic clock.
        """
        tokens = self._refill(now)
        if tokens < events:
            self.refused += 1
            return (events - tokens) / self._per_second
        self._tokens = tokens - events
        self.refused = 0
        return 0.0

    @property
    def full(self) -> bool:
        """True when there is nothing left to remember."""
        return self._refill(time.monotonic()) >= self._per_minute

    def _refill(self, now: float) -> float:
        tokens = self._tokens + (now - self._tokens_at) * self._per_second
        if tokens > self._per_minute:
            tokens = float(self._per_minute)
        self._tokens, self._tokens_at = tokens, now
        return tokens
