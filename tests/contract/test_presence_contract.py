"""What `domain.ports.Presence` promises."""

from domain.ids import new_id
from domain.ports import Ports
from tests.contract.deadline import until


async def test_only_the_first_sign_is_an_arrival(ports: Ports) -> None:
    one, two = new_id(), new_id()
    assert set(await ports.presence.touch([one, two])) == {one, two}
    assert await ports.presence.touch([one]) == []
    assert await ports.presence.touch([]) == []


async def test_somebody_is_available_until_they_say_otherwise(ports: Ports) -> None:
    one, stranger = new_id(), new_id()
    await ports.presence.touch([one])
    assert await ports.presence.statuses([one, stranger]) == {one: "available"}
    await ports.presence.set_status(one, "away")
    assert await ports.presence.statuses([one]) == {one: "away"}


async def test_those_who_ask_to_help_are_found_while_they_are_here(ports: Ports) -> None:
    one, two, absent = new_id(), new_id(), new_id()
    await ports.presence.touch([one, two])
    for account_id in (one, absent):
        await ports.presence.set_status(account_id, "helping")
    assert await ports.presence.helping() == [one]


async def test_nobody_is_gone_within_the_grace(ports: Ports) -> None:
    await ports.presence.touch([new_id()])
    assert await ports.presence.pop_expired() == []


async def test_whose_grace_is_over_is_given_once(short_grace: Ports) -> None:
    one = new_id()
    await short_grace.presence.touch([one])

    async def gone() -> bool:
        return await short_grace.presence.statuses([one]) == {}

    await until(gone)
    assert await short_grace.presence.pop_expired() == [one]
    assert await short_grace.presence.pop_expired() == []
    assert await short_grace.presence.touch([one]) == [one]


async def test_a_crowd_comes_and_goes_whole(short_grace: Ports) -> None:
    crowd = [new_id() for _ in range(1_201)]
    assert sorted(await short_grace.presence.touch(crowd)) == sorted(crowd)
    gone: list[str] = []

    async def all_gone() -> bool:
        gone.extend(await short_grace.presence.pop_expired())
        return len(gone) >= len(crowd)

    await until(all_gone)
    assert sorted(gone) == sorted(crowd)
