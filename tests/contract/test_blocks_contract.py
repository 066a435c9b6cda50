"""What `domain.ports.Blocks` promises."""

from domain.clock import utc_now
from domain.ports import Ports
from tests.contract.makers import Makers


async def test_a_block_stands_around_both(ports: Ports, make: Makers) -> None:
    one, two, three = [await make.account() for _ in range(3)]
    blocks = ports.records.blocks
    assert await blocks.add(one.id, two.id, utc_now())
    assert await blocks.add(three.id, one.id, utc_now())
    assert await blocks.around(one.id) == {two.id, three.id}
    assert await blocks.around(two.id) == {one.id}
    assert await blocks.around(three.id) == {one.id}


async def test_blocking_and_unblocking_twice_changes_nothing(ports: Ports, make: Makers) -> None:
    one, two = await make.account(), await make.account()
    blocks = ports.records.blocks
    assert await blocks.add(one.id, two.id, utc_now())
    assert not await blocks.add(one.id, two.id, utc_now())
    assert await blocks.remove(one.id, two.id)
    assert not await blocks.remove(one.id, two.id)
    assert await blocks.around(two.id) == frozenset()


async def test_taking_back_my_block_leaves_theirs(ports: Ports, make: Makers) -> None:
    one, two = await make.account(), await make.account()
    await ports.records.blocks.add(one.id, two.id, utc_now())
    await ports.records.blocks.add(two.id, one.id, utc_now())
    await ports.records.blocks.remove(one.id, two.id)
    assert await ports.records.blocks.around(one.id) == {two.id}


async def test_those_with_any_block_are_found_among_many(ports: Ports, make: Makers) -> None:
    one, two, three = [await make.account() for _ in range(3)]
    await ports.records.blocks.add(one.id, two.id, utc_now())
    among = ports.records.blocks.among
    assert await among([one.id, two.id, three.id]) == {one.id, two.id}
    assert await among([two.id, three.id]) == {two.id}
    assert await among([]) == frozenset()


async def test_those_who_are_apart_within_a_circle_are_found(ports: Ports, make: Makers) -> None:
    owner, one, two, outside = [await make.account() for _ in range(4)]
    circle = await make.circle(owner.id)
    for member in (one, two):
        await ports.records.circles.join(circle.id, member.id, utc_now())
    await ports.records.blocks.add(owner.id, outside.id, utc_now())
    assert await ports.records.blocks.within(circle.id) == frozenset()
    await ports.records.blocks.add(two.id, one.id, utc_now())
    assert await ports.records.blocks.within(circle.id) == {one.id, two.id}
