"""One timer for all deadlines: a hashed wheel, coarse and cheap."""

import asyncio
from collections.abc import Callable


class Deadline:
    """One callback that is still to come."""

    __slots__ = ("_bucket", "callback")

    def __init__(self, callback: Callable[[], None], bucket: "set[Deadline]") -> None:
        self.callback: Callable[[], None] | None = callback
        self._bucket = bucket

    def cancel(self) -> None:
        """Forget it; costs the same whether ten or a hundred thousand are waiting."""
        self._bucket.discard(self)
        self.callback = None


class Wheel:
    """Calls back once per deadline, never early, at most two ticks late if the loop is not.

    A tick lasts `tick_seconds`. The event loop sees one timer, whatever the number of deadlines,
    and none while there is no deadline.
    """

    def __init__(self, tick_seconds: float) -> None:
        self._tick_seconds = tick_seconds
        self._buckets: dict[int, set[Deadline]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._passed = 0

    def after(self, seconds: float, callback: Callable[[], None]) -> Deadline:
        """Call `callback` in `seconds`. What it raises goes to the loop's exception handler."""
        loop = asyncio.get_running_loop()
        due = int((loop.time() + seconds) / self._tick_seconds) + 1
        bucket = self._buckets.setdefault(due, set())
        deadline = Deadline(callback, bucket)
        bucket.add(deadline)
        if self._timer is None:
            self._passed = int(loop.time() / self._tick_seconds)
            self._arm(loop)
        return deadline

    @property
    def waiting(self) -> bool:
        """Is any deadline still to come?"""
        return any(self._buckets.values())

    def stop(self) -> None:
        """Drop every deadline."""
        self._buckets.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_at((self._passed + 1) * self._tick_seconds, self._turn, loop)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        now = int(loop.time() / self._tick_seconds)
        for tick in range(self._passed + 1, now + 1):
            self._fire(self._buckets.pop(tick, ()))
        self._passed = max(now, self._passed)
        self._timer = None
        if self._buckets:
            self._arm(loop)

    def _fire(self, bucket: "set[Deadline] | tuple[()]") -> None:
        # Callbacks may cancel their neighbours: take one at a time.
        while bucket:
            deadline = bucket.pop()
            callback, deadline.callback = deadline.callback, None
            if callback is not None:
                self._call(callback)

    @staticmethod
    def _call(callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - reported, and the wheel turns on
            context = {"message": "a deadline's callback failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
