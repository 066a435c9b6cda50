"""Deadlines are met, in their order, never early, and cancelled for good."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from engine_harness import until

from realtime.engine.wheel import Wheel

TICK_SECONDS = 0.005


@pytest.fixture
def wheel() -> Iterator[Wheel]:
    wheel = Wheel(TICK_SECONDS)
    yield wheel
    wheel.stop()


async def test_deadlines_fire_in_order_and_not_early(wheel: Wheel) -> None:
    loop = asyncio.get_running_loop()
    fired: list[tuple[float, float]] = []
    started = loop.time()
    for seconds in (0.03, 0.0, 0.011, 0.05):
        wheel.after(seconds, lambda seconds=seconds: fired.append((seconds, loop.time() - started)))
    await until(lambda: len(fired) == 4)
    assert [seconds for seconds, _ in fired] == [0.0, 0.011, 0.03, 0.05]
    assert all(passed >= seconds for seconds, passed in fired)


async def test_a_cancelled_deadline_never_fires_even_when_its_neighbour_cancels_it(wheel: Wheel) -> None:
    fired: list[str] = []
    cancelled = wheel.after(0.01, lambda: fired.append("cancelled"))
    cancelled.cancel()
    pair = []
    pair += [wheel.after(0.01, lambda: (fired.append("one"), pair[1].cancel())[0])]
    pair += [wheel.after(0.01, lambda: (fired.append("one"), pair[0].cancel())[0])]
    wheel.after(0.03, lambda: fired.append("last"))
    await until(lambda: "last" in fired)
    assert fired == ["one", "last"]
    assert not wheel.waiting


async def test_a_callback_may_set_the_next_deadline(wheel: Wheel) -> None:
    rounds: list[int] = []

    def again() -> None:
        rounds.append(len(rounds))
        if len(rounds) < 5:
            wheel.after(0.0, again)

    wheel.after(0.0, again)
    await until(lambda: len(rounds) == 5)


async def test_without_deadlines_there_is_no_timer(wheel: Wheel) -> None:
    done = asyncio.Event()
    wheel.after(0.0, done.set)
    await done.wait()
    await until(lambda: wheel._timer is None)


async def test_a_stopped_wheel_forgets_and_can_be_used_again(wheel: Wheel) -> None:
    fired: list[str] = []
    wheel.after(0.0, lambda: fired.append("forgotten"))
    wheel.stop()
    wheel.after(0.02, lambda: fired.append("kept"))
    await until(lambda: fired)
    assert fired == ["kept"]


async def test_a_failing_callback_is_reported_and_costs_the_others_nothing(
    wheel: Wheel, unhandled: list[dict[str, Any]]
) -> None:
    fired: list[str] = []

    def fail() -> None:
        raise RuntimeError("on purpose")

    wheel.after(0.0, fail)
    wheel.after(0.0, lambda: fired.append("same tick"))
    wheel.after(0.02, lambda: fired.append("later"))
    await until(lambda: len(fired) == 2)
    assert [str(context["exception"]) for context in unhandled] == ["on purpose"]
    unhandled.clear()
