"""Running coroutines without paying for a task when they do not wait.

Most handlers of a busy server finish without ever waiting. `Carrier.step` runs a coroutine at once,
in the middle of the event loop callback that received the message, and only if it really waits does it go on
as a task. To the coroutine it always looks like a task: `asyncio.current_task()`, `asyncio.timeout` and
cancellation work from its first line, because a spare task lends its identity and takes the
coroutine over when it suspends.
"""

import asyncio
import contextvars
import types
from asyncio import _enter_task, _leave_task
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final


class _Suspended:
    """The type of `SUSPENDED`."""


SUSPENDED: Final = _Suspended()

Handler = Coroutine[Any, Any, Any]
Outcome = Callable[[Any, BaseException | None], None]


@types.coroutine
def resumed(coroutine: Handler, waiting: Any, error: BaseException | None) -> Generator[Any, Any, Any]:
    """Go on with a started coroutine: first the wait it asked for (or `error` instead), then the rest."""
    sent = None
    while True:
        try:
            if error is None:
                sent = yield waiting
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - belongs to the coroutine, cancellation included
            error = thrown
        try:
            waiting = coroutine.send(sent) if error is None else coroutine.throw(error)
        except StopIteration as stop:
            return stop.value
        error = None


def _let_go(waiting: Any) -> None:
    """What cancelling a task does to the future it waits for."""
    if waiting is not None:
        waiting._asyncio_future_blocking = False
        waiting.cancel()


class _Spare:
    """A task that is waiting for a coroutine to take over."""

    __slots__ = ("context", "loop", "task", "wake", "work")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # An empty context tells exactly whether a handler left a variable behind: it is not empty then.
        self.context = contextvars.Context()
        self.loop = loop
        self.wake: asyncio.Future[None] | None = None
        self.work: tuple[Handler, Any, Outcome] | None = None
        self.task = loop.create_task(self._carry(loop), name="engine carrier", context=self.context)

    def take(self, coroutine: Handler, waiting: Any, outcome: Outcome) -> None:
        """Make this task the one that finishes `coroutine`."""
        self.work = coroutine, waiting, outcome
        self.task.add_done_callback(self._lost)
        if self.wake is not None and not self.wake.done():
            self.wake.set_result(None)

    async def _carry(self, loop: asyncio.AbstractEventLoop) -> None:
        cancelled = await self._awake(loop) if self.work is None else None
        assert self.work is not None  # noqa: S101 - only `take` wakes it
        coroutine, waiting, outcome = self.work
        self.work = None
        try:
            if cancelled is not None:
                _let_go(waiting)
            value = await resumed(coroutine, waiting, cancelled)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - handed on, not swallowed
            outcome(None, error)
        else:
            outcome(value, None)

    async def _awake(self, loop: asyncio.AbstractEventLoop) -> asyncio.CancelledError | None:
        """Wait for work. A cancellation that came right behind it belongs to the coroutine: a time-out of no
        time, as redis-py uses to look at its socket, fires before this task is awake."""
        self.wake = loop.create_future()
        try:
            await self.wake
        except asyncio.CancelledError as cancelled:
            if self.work is None:
                raise
            return cancelled
        return None

    def _lost(self, task: asyncio.Task[None]) -> None:
        # Cancelled before its very first step.
        if self.work is not None:
            coroutine, _, outcome = self.work
            self.work = None
            coroutine.close()
            outcome(None, asyncio.CancelledError())


class Carrier:
    """Steps coroutines; keeps one spare task ready and knows those that are under way."""

    def __init__(self) -> None:
        self._spare: _Spare | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def step(self, coroutine: Handler, outcome: Outcome) -> Any:
        """Run `coroutine` until it ends or waits. Only for event loop callbacks, not inside a task.

        Its value, if it ended (what it raised is raised); else `SUSPENDED`, and `outcome(value, error)` is
        called when it ends. Context variables that one handler sets are never seen by another.
        """
        spare = self._spare or self._prepare()
        loop = spare.loop
        _enter_task(loop, spare.task)
        try:
            waiting = spare.context.run(coroutine.send, None)
        except StopIteration as stop:
            return stop.value
        else:
            self._hand_over(spare, coroutine, waiting, outcome)
            return SUSPENDED
        finally:
            _leave_task(loop, spare.task)
            if spare.context:
                self._renew(spare)

    async def stop(self) -> None:
        """Cancel what is under way and wait for it."""
        spare, self._spare = self._spare, None
        tasks = [*self._under_way, *([spare.task] if spare else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _prepare(self) -> _Spare:
        self._spare = _Spare(asyncio.get_running_loop())
        return self._spare

    def _hand_over(self, spare: _Spare, coroutine: Handler, waiting: Any, outcome: Outcome) -> None:
        self._spare = None
        self._under_way.add(spare.task)
        spare.task.add_done_callback(self._under_way.discard)
        spare.take(coroutine, waiting, outcome)

    def _renew(self, spare: _Spare) -> None:
        """A handler left context variables in the spare: the next one gets a clean task."""
        if self._spare is spare:
            self._spare = None
            spare.task.cancel()
