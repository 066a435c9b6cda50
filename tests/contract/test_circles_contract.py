"""What `domain.ports.Circles` promises."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.circles import CircleFilter, Member, Membership
from domain.clock import utc_now
from domain.errors import Conflict, NotFound
from domain.ids import new_id
from domain.members import Bar
from domain.pages import Place
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


async def test_of_circles_with_one_creation_the_first_stays(ports: Ports, make: Makers) -> None:
    owner, creation_id = await make.account(), new_id()
    first = await make.circle(owner.id, creation_id=creation_id)
    again = replace(first, id=new_id(), name="Late evenings")
    assert not await ports.records.circles.add(again, owner.id, creation_id)
    assert await ports.records.circles.by_creation(creation_id) == first
    assert await ports.records.circles.by_creation(new_id()) is None
    assert [member.circle_id for member in await ports.records.circles.of_account(owner.id)] == [first.id]


async def test_joining_counts_once(ports: Ports, make: Makers) -> None:
    circle = await make.circle((await make.account()).id)
    member = await make.account()
    assert await ports.records.circles.join(circle.id, member.id, utc_now())
    assert not await ports.records.circles.join(circle.id, member.id, utc_now())
    assert await member_count(ports, circle.id) == 2
    assert await ports.records.circles.role_of(circle.id, member.id) == "member"


async def test_some_members_are_counted_in_each_circle(ports: Ports, make: Makers) -> None:
    one, two, three = [await make.account() for _ in range(3)]
    first, second, third = [await make.circle(owner.id) for owner in (one, one, three)]
    await ports.records.circles.join(first.id, two.id, utc_now())
    wanted = [first.id, second.id, third.id]
    assert await ports.records.circles.count_of({one.id, two.id}, wanted) == {first.id: 2, second.id: 1}
    assert await ports.records.circles.count_of([], wanted) == {}
    assert await ports.records.circles.count_of({one.id}, []) == {}


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


async def test_a_circle_is_changed_but_not_to_fewer_places_than_members(ports: Ports, make: Makers) -> None:
    circle = await make.circle((await make.account()).id)
    for _ in range(2):
        await ports.records.circles.join(circle.id, (await make.account()).id, utc_now())
    changes: dict[str, object] = {"name": "Late evenings", "filter_level": "strict", "max_members": 3}
    changed = await ports.records.circles.edit(circle.id, changes)
    expected = replace(circle, name="Late evenings", filter_level="strict", max_members=3, member_count=3)
    assert changed == await ports.records.circles.get(circle.id) == expected
    with pytest.raises(Conflict) as refusal:
        await ports.records.circles.edit(circle.id, {"max_members": 2})
    assert refusal.value.field == "max_members"
    with pytest.raises(NotFound):
        await ports.records.circles.edit(new_id(), {"max_members": 2})


async def test_a_held_circle_waits_for_nobody_twice(ports: Ports, make: Makers) -> None:
    circle = await make.circle((await make.account()).id, max_members=50)
    people = [await make.account() for _ in range(8)]
    counts: list[int] = []

    async def join(account_id: str) -> None:
        async with ports.transaction() as tx:
            held = await tx.circles.lock(circle.id)
            assert held is not None
            counts.append(held.member_count)
            await tx.circles.join(circle.id, account_id, utc_now())

    await asyncio.gather(*(join(person.id) for person in people))
    assert counts == list(range(1, 9))
    async with ports.transaction() as tx:
        assert await tx.circles.lock(new_id()) is None


async def test_a_closed_circle_takes_everything_of_it_along(ports: Ports, make: Makers) -> None:
    owner, guest = await make.account(), await make.account()
    circle = await make.circle(owner.id)
    invitation = await make.invitation(circle.id, owner.id, account_id=guest.id)
    await ports.records.bars.add(circle.id, guest.id, utc_now())
    await ports.records.circles.leave(circle.id, owner.id)
    assert await ports.records.circles.close_empty(circle.id)
    assert await ports.records.circles.get(circle.id) is None
    assert await ports.records.invitations.get(invitation.id) is None
    assert not await ports.records.bars.holds(circle.id, guest.id)


async def test_there_is_one_owner_who_steps_down_first(ports: Ports, make: Makers) -> None:
    owner, heir = await make.account(), await make.account()
    circle = await make.circle(owner.id)
    circles = ports.records.circles
    await circles.join(circle.id, heir.id, utc_now())
    assert await circles.set_role(circle.id, owner.id, "moderator")
    assert await circles.set_role(circle.id, heir.id, "owner")
    assert not await circles.set_role(circle.id, new_id(), "member")
    assert await circles.owner_of(circle.id) == heir.id
    assert await circles.role_of(circle.id, owner.id) == "moderator"


async def test_members_come_page_by_page_in_the_order_of_joining(ports: Ports, make: Makers) -> None:
    now = utc_now()
    people = [await make.account() for _ in range(5)]
    circle = await make.circle(people[0].id, created_at=now)
    for person in people[1:]:
        # All at one moment: ids decide.
        await ports.records.circles.join(circle.id, person.id, now + timedelta(seconds=1))
    order = [people[0].id, *sorted(person.id for person in people[1:])]
    seen: list[Membership] = []
    after: Place | None = None
    while page := await ports.records.circles.members(circle.id, after, 2, without=[order[2]]):
        seen += page
        after = Place(page[-1].joined_at, page[-1].account_id)
    assert [one.account_id for one in seen] == [order[0], order[1], order[3], order[4]]
    assert [one.role for one in seen] == ["owner", "member", "member", "member"]


async def test_circles_are_found_by_what_is_asked(ports: Ports, make: Makers) -> None:
    me, other = await make.account(), await make.account()
    made = {
        "mine": await make.circle(me.id, id=make.id(), name="Early Mornings"),
        "theirs": await make.circle(other.id, id=make.id(), name="100% sober_minds", category="gambling"),
        "hidden": await make.circle(other.id, id=make.id(), is_private=True),
        "my hidden": await make.circle(me.id, id=make.id(), is_private=True, name="Quiet room"),
    }
    names = {circle.id: name for name, circle in made.items()}
    asked: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["my hidden", "theirs", "mine"]),
        ({"mine": True}, ["my hidden", "mine"]),
        ({"category": "gambling"}, ["theirs"]),
        ({"name": "morn"}, ["mine"]),
        ({"name": "quiet", "mine": True}, ["my hidden"]),
        ({"name": "quiet"}, ["my hidden"]),
        ({"name": "0% sober_m"}, ["theirs"]),
        ({"name": "0%_sober"}, []),
        ({"before": made["my hidden"].id}, ["theirs", "mine"]),
        ({"before": made["theirs"].id, "mine": True}, ["mine"]),
        ({"without_owners": (other.id,)}, ["my hidden", "mine"]),
        ({"without_owners": (me.id,)}, ["my hidden", "theirs", "mine"]),
        ({"name": "sober", "category": "gambling", "without_owners": (new_id(),)}, ["theirs"]),
    ]
    for wanted, expected in asked:
        found = await ports.records.circles.page(me.id, CircleFilter(**wanted), 10)
        assert (wanted, [names[one.circle.id] for one in found]) == (wanted, expected)
    roles = [one.role for one in await ports.records.circles.page(me.id, CircleFilter(), 10)]
    assert roles == ["owner", None, "owner"]
    assert len(await ports.records.circles.page(me.id, CircleFilter(), 2)) == 2


async def test_many_circles_are_read_at_once_and_their_categories_once(ports: Ports, make: Makers) -> None:
    me = await make.account()
    made = [await make.circle(me.id, category=category) for category in ("b", "a", "b")]
    found = await ports.records.circles.get_many([*(circle.id for circle in made), new_id()])
    assert found == {circle.id: circle for circle in made}
    assert await ports.records.circles.categories_of(me.id) == ["a", "b"]
    assert await ports.records.circles.categories_of(new_id()) == []


async def test_a_bar_holds_until_it_is_lifted(ports: Ports, make: Makers) -> None:
    circle = await make.circle((await make.account()).id)
    person, bars = await make.account(), ports.records.bars
    assert not await bars.holds(circle.id, person.id)
    assert await bars.add(circle.id, person.id, utc_now())
    assert not await bars.add(circle.id, person.id, utc_now())
    assert await bars.holds(circle.id, person.id)
    assert await bars.lift(circle.id, person.id)
    assert not await bars.lift(circle.id, person.id)
    assert not await bars.holds(circle.id, person.id)


async def test_bars_come_newest_first(ports: Ports, make: Makers) -> None:
    circle = await make.circle((await make.account()).id)
    now, people = utc_now(), [await make.account() for _ in range(4)]
    for age, person in enumerate(people):
        await ports.records.bars.add(circle.id, person.id, now - timedelta(seconds=age))
    without = [people[1].id]
    first = await ports.records.bars.page(circle.id, None, 1, without=without)
    assert first == [Bar(account_id=people[0].id, created_at=now)]
    after = Place(first[0].created_at, first[0].account_id)
    rest = await ports.records.bars.page(circle.id, after, 10, without=without)
    assert [one.account_id for one in rest] == [people[2].id, people[3].id]


async def member_count(ports: Ports, circle_id: str) -> int:
    circle = await ports.records.circles.get(circle_id)
    assert circle is not None
    return circle.member_count
