"""A handler that looks at something for no time at all, after one that did not wait."""

import asyncio

from realtime.engine.carrier import SUSPENDED, Carrier


async def test_a_time_out_of_no_time_is_the_handlers_own_affair() -> None:
    carrier = Carrier()
    finished = asyncio.get_running_loop().create_future()

    async def quick() -> str:
        async with asyncio.timeout(60):  # noqa: ASYNC100 - enters and leaves without waiting
            return "at once"

    async def looks() -> str:
        async with asyncio.timeout(60):
            try:
                async with asyncio.timeout(0):
                    await asyncio.get_running_loop().create_future()
            except TimeoutError:
                return "nothing there"
        return "something there"

    def step() -> None:
        assert carrier.step(quick(), lambda value, error: None) == "at once"
        loop.call_later(0, later)

    def later() -> None:
        answer = carrier.step(looks(), lambda value, error: finished.set_result((value, error)))
        assert answer is SUSPENDED

    loop = asyncio.get_running_loop()
    loop.call_soon(step)
    async with asyncio.timeout(60):
        assert await finished == ("nothing there", None)
    await carrier.stop()
