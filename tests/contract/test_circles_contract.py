"""What `domain.ports.Circles` promises."""

import asyncio
from datetime import timedelta

import pytest

from domain.circles import Member
from domain.clock import utc_now
from domain.errors import Conflict
from domain.ids import new_id
from domain.ports import Ports
from tests.contract.makers import Makers


async def test_a_circle_begins_with_its_owner(ports: Ports, make: Makers) -> None:
    owner = await make.account()
    circle = await make.circle(owner.id, description="Coffee first.", is_private=True)
    assert await ports.records.circles.get(circle.id) == circle
    assert circle.member_count == 1
    assert await ports.records.circles.role_of(circle.id, owner.id) == "owner"
    assert await ports.records.circles.role_of(circle.id, new_id()) is None
    assert await ports.records.circles.get(new_id()) is None


async def test_joining_counts_once(ports: Ports, make: Makers) -> None:
    circle = await make.circle((await make.account()).id)
    member = await make.account()
    assert await ports.records.circles.join(circle.id, member.id, utc_now())
    assert not await ports.records.circles.join(circle.id, member.id, utc_now())
    assert await member_count(ports, circle.id) == 2
    assert await ports.records.circles.role_of(circle.id, member.id) == "member"


async def test_leaving_counts_once(ports: Ports, make: Makers) -> None:
    circle = await make.circle((await make.account()).id)
    member = await make.account()
    await ports.records.circles.join(circle.id, member.id, utc_now())
    assert await ports.records.circles.leave(circle.id, member.id)
    assert not await ports.records.circles.leave(circle.id, member.id)
    assert await member_count(ports, circle.id) == 1
    assert await ports.records.circles.role_of(circle.id, member.id) is None


async def test_a_full_circle_refuses_and_takes_again_when_somebody_left(ports: Ports, make: Makers) -> None:
    circle = await make.circle((await make.account()).id, max_members=2)
    first, second = await make.account(), await make.account()
    await ports.records.circles.join(circle.id, first.id, utc_now())
    with pytest.raises(Conflict):
        await ports.records.circles.join(circle.id, second.id, utc_now())
    assert await ports.records.circles.role_of(circle.id, second.id) is None
    assert not await ports.records.circles.join(circle.id, first.id, utc_now())
    await ports.records.circles.leave(circle.id, first.id)
    assert await ports.records.circles.join(circle.id, second.id, utc_now())


async def test_of_twenty_at_once_as_many_join_as_there_are_places(ports: Ports, make: Makers) -> None:
    circle = await make.circle((await make.account()).id, max_members=6)
    people = [await make.account() for _ in range(20)]
    outcomes = await asyncio.gather(
        *(ports.records.circles.join(circle.id, person.id, utc_now()) for person in people),
        return_exceptions=True,
    )
    assert outcomes.count(True) == 5
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 15
    assert await member_count(ports, circle.id) == 6
    roles = [await ports.records.circles.role_of(circle.id, person.id) for person in people]
    assert roles.count("member") == 5


async def test_one_person_who_joins_at_once_from_many_phones_is_one_member(
    ports: Ports, make: Makers
) -> None:
    circle = await make.circle((await make.account()).id)
    member = await make.account()
    joins = (ports.records.circles.join(circle.id, member.id, utc_now()) for _ in range(5))
    assert sorted(await asyncio.gather(*joins)) == [False, False, False, False, True]
    assert await member_count(ports, circle.id) == 2


async def test_memberships_come_in_the_order_of_joining(ports: Ports, make: Makers) -> None:
    account, other = await make.account(), await make.account()
    now = utc_now()
    later = await make.circle(other.id)
    own = await make.circle(account.id, created_at=now)
    await ports.records.circles.join(later.id, account.id, now + timedelta(seconds=1))
    assert await ports.records.circles.of_account(account.id) == [
        Member(own.id, account.id, "owner"),
        Member(later.id, account.id, "member"),
    ]
    assert await ports.records.circles.of_account(new_id()) == []


async def member_count(ports: Ports, circle_id: str) -> int:
    circle = await ports.records.circles.get(circle_id)
    assert circle is not None
    return circle.member_count
