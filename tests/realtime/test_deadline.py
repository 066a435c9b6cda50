"""The time-out of handlers: free for what does not wait, and as good as asyncio's for what does."""

import asyncio

import pytest

from realtime.deadline import within


async def test_what_does_not_wait_is_never_timed() -> None:
    async def at_once() -> int:
        return 7

    assert await within(0.0, at_once()) == 7


async def test_what_waits_too_long_is_cancelled_and_told_as_a_time_out() -> None:
    seen: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    with pytest.raises(TimeoutError):
        await within(0.01, slow())
    assert seen == ["cancelled"]


async def test_a_shorter_time_out_inside_is_its_own_affair() -> None:
    async def looks() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            return "nothing there"
        return "something there"

    assert await within(5.0, looks()) == "nothing there"


async def test_what_is_raised_after_a_wait_comes_through() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise LookupError

    with pytest.raises(LookupError):
        await within(5.0, fails())


async def test_cancelling_from_outside_cancels_the_work() -> None:
    begun = asyncio.Event()
    seen: list[str] = []

    async def endless() -> None:
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            seen.append("ended")

    async def waiter() -> None:
        await within(5.0, endless())

    task = asyncio.create_task(waiter())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["ended"]
