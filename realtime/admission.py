"""Admission: how many clients may be connecting at once, and when the others are to come back."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from domain.errors import Unavailable

COME_BACK_SECONDS = (1.0, 5.0)
CROWD_SECONDS_MAX = 60.0
SMOOTHING = 0.05


class Admission:
    """Who is turned away comes back at a random moment within the time that the crowd needs to get in.

    The crowd is counted by its refusals: who was refused twice counts twice, which spreads it wider.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken = 0
        self._crowd = 0
        self._connect_seconds = 0.0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Held while one client connects; raises `Unavailable` (with `retry_after`) when all are taken."""
        if self._taken >= self._places:
            self._crowd += 1
            raise Unavailable(retry_after=come_back_seconds(self._crowd_seconds()))
        self._taken += 1
        began = time.monotonic()
        try:
            yield
        finally:
            self._taken -= 1
            self._connect_seconds += SMOOTHING * (time.monotonic() - began - self._connect_seconds)
            self._crowd = max(self._crowd - 1, 0) if 2 * self._taken >= self._places else 0

    def _crowd_seconds(self) -> float:
        return self._crowd * self._connect_seconds / self._places


def come_back_seconds(crowd_seconds: float = 0.0) -> float:
    """A random moment, within the usual range or as far out as the crowd reaches."""
    first, last = COME_BACK_SECONDS
    return round(random.uniform(first, min(max(last, crowd_seconds), CROWD_SECONDS_MAX)), 2)
