"""What `domain.ports.RateLimits` and `domain.ports.Leadership` promise."""

import asyncio

import pytest

from domain.ports import Ports
from tests.contract.deadline import until

HOUR = 3600


async def test_as_many_as_the_limit_pass_then_there_is_a_wait(ports: Ports) -> None:
    waits = [await ports.limits.wait_seconds("posts", "me", 3, HOUR) for _ in range(5)]
    assert waits[:3] == [0, 0, 0]
    assert all(0 < wait <= HOUR for wait in waits[3:])


async def test_many_at_once_do_not_slip_through(ports: Ports) -> None:
    waits = await asyncio.gather(*(ports.limits.wait_seconds("posts", "me", 5, HOUR) for _ in range(20)))
    assert waits.count(0) == 5


async def test_people_and_scopes_are_counted_apart(ports: Ports) -> None:
    wait = ports.limits.wait_seconds
    assert await wait("posts", "me", 1, HOUR) == 0
    assert await wait("posts", "you", 1, HOUR) == 0
    assert await wait("posts:sos", "me", 1, HOUR) == 0
    assert await wait("posts", "me", 1, HOUR) > 0


async def test_after_the_wait_there_is_room_again(ports: Ports) -> None:
    async def passes() -> bool:
        return await ports.limits.wait_seconds("taps", "me", 1, 1) == 0

    assert await passes()
    assert not await passes()
    await until(passes)


async def test_one_leads_and_the_next_one_may_when_it_stops(ports: Ports) -> None:
    lead = ports.leadership.lead
    async with lead("relay") as first, lead("relay") as second, lead("sweep") as other:
        assert (await first(), await second(), await other()) == (True, False, True)
    async with lead("relay") as again:
        assert await again()


async def test_a_follower_that_leaves_takes_nothing_from_the_leader(ports: Ports) -> None:
    lead = ports.leadership.lead
    async with lead("relay") as first:
        async with lead("relay") as second:
            pass
        async with lead("relay") as third:
            assert (await first(), await second(), await third()) == (True, False, False)


async def test_a_leader_that_fails_frees_the_name(ports: Ports) -> None:
    with pytest.raises(ZeroDivisionError):
        await lead_and_fail(ports)
    async with ports.leadership.lead("relay") as leads:
        assert await leads()


async def lead_and_fail(ports: Ports) -> None:
    async with ports.leadership.lead("relay"):
        raise ZeroDivisionError
