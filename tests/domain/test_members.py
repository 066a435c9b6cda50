"""Members: roles, removals, and the bar that follows one."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from domain import circles, invitations, members
from domain.accounts import User
from domain.circles import CircleAnswer, EditCircle, JoinCircle, LeaveCircle, MemberRole
from domain.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited
from domain.ids import new_id
from domain.invitations import Invite
from domain.members import LiftBar, RemoveMember, SetRole
from domain.rooms import circle_room, user_room
from tests.domain.world import World


def remove(world: World, circle_id: str, whom: User, by: User) -> Awaitable[CircleAnswer]:
    return members.remove_member(RemoveMember(circle_id=circle_id, user_id=whom.id), by, world.ports)


def make(world: World, circle_id: str, whom: User, role: MemberRole, by: User) -> Awaitable[CircleAnswer]:
    return members.set_role(SetRole(circle_id=circle_id, user_id=whom.id, role=role), by, world.ports)


async def roles(world: World, circle_id: str, *people: User) -> list[MemberRole | None]:
    return [await world.ports.records.circles.role_of(circle_id, person.id) for person in people]


def audited(world: World) -> list[tuple[str, dict[str, str]]]:
    lines = world.fakes.tables.audit.values()
    return [(line.action, line.details) for line in lines if line.target == "circle"]


async def changes(world: World, circle_id: str) -> list[tuple[str, str, str | None]]:
    told = await world.told(circle_room(circle_id))
    data = [event["data"] for event in told if event["event"] == "circle:member"]
    return [(one["member"]["id"], one["action"], one["role"]) for one in data]


async def test_who_is_removed_is_out_told_and_does_not_come_back(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner, member)
    answer = await remove(world, circle.id, member, owner)
    assert answer.circle.member_count == 1
    assert (await changes(world, circle.id))[-1] == (member.id, "removed", None)
    assert (await world.news(member, "circle:member"))[-1]["action"] == "removed"
    with pytest.raises(Forbidden):
        await circles.join_circle(JoinCircle(circle_id=circle.id), member, world.ports)
    assert audited(world) == [("circle.removed", {"account_id": member.id})]


async def test_the_removal_is_told_before_its_answer(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner, member)
    await world.ports.announcer.drain()
    await remove(world, circle.id, member, owner)
    log = await world.ports.rooms.read(circle_room(circle.id), 0, 10)
    assert b'"removed"' in bytes(log.events[-1].body)


async def test_removing_twice_answers_the_same_and_tells_once(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner, member)
    first = await remove(world, circle.id, member, owner)
    before = world.rows()
    assert await remove(world, circle.id, member, owner) == first
    assert world.rows() == before


async def test_of_a_removal_and_a_return_at_once_the_removal_wins(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner, member)
    join = circles.join_circle(JoinCircle(circle_id=circle.id), member, world.ports)
    await asyncio.gather(remove(world, circle.id, member, owner), join, return_exceptions=True)
    assert await roles(world, circle.id, member) == [None]


async def test_a_lifted_bar_lets_somebody_join_again(world: World) -> None:
    owner, moderator, member = [await world.person() for _ in range(3)]
    circle = await world.circle(owner, moderator, member)
    await make(world, circle.id, moderator, "moderator", owner)
    await remove(world, circle.id, member, owner)
    page = await members.list_bars(circle.id, moderator, world.ports, cursor=None, limit=10)
    assert [bar.member.id for bar in page.items] == [member.id]
    lift = LiftBar(circle_id=circle.id, user_id=member.id)
    with pytest.raises(Forbidden):
        await members.lift_bar(lift, member, world.ports)
    for _ in range(2):
        await members.lift_bar(lift, moderator, world.ports)
    await circles.join_circle(JoinCircle(circle_id=circle.id), member, world.ports)
    assert [action for action, _ in audited(world)] == [
        "circle.role_changed",
        "circle.removed",
        "circle.bar_lifted",
    ]


async def test_an_owner_removes_anybody_else_and_a_moderator_members_only(world: World) -> None:
    owner, one, two, member, other = [await world.person() for _ in range(5)]
    circle = await world.circle(owner, one, two, member, other)
    for moderator in (one, two):
        await make(world, circle.id, moderator, "moderator", owner)
    for target in (owner, two):
        with pytest.raises(Forbidden):
            await remove(world, circle.id, target, one)
    with pytest.raises(Forbidden):
        await remove(world, circle.id, other, member)
    with pytest.raises(Conflict):
        await remove(world, circle.id, owner, owner)
    await remove(world, circle.id, member, one)
    await remove(world, circle.id, two, owner)
    assert await roles(world, circle.id, owner, one, two, member) == ["owner", "moderator", None, None]


async def test_somebody_who_was_never_there_is_not_found(world: World) -> None:
    owner, stranger = await world.person(), await world.person()
    circle = await world.circle(owner)
    with pytest.raises(NotFound):
        await remove(world, circle.id, stranger, owner)
    with pytest.raises(NotFound):
        await make(world, circle.id, stranger, "moderator", owner)


async def test_a_role_is_changed_by_the_owner_alone_and_told(world: World) -> None:
    owner, member, other = [await world.person() for _ in range(3)]
    circle = await world.circle(owner, member, other)
    for _ in range(2):
        await make(world, circle.id, member, "moderator", owner)
    assert await roles(world, circle.id, member) == ["moderator"]
    assert (await changes(world, circle.id)).count((member.id, "role_changed", "moderator")) == 1
    with pytest.raises(Forbidden):
        await make(world, circle.id, other, "moderator", member)
    assert audited(world) == [("circle.role_changed", {"account_id": member.id, "role": "moderator"})]


async def test_a_circle_is_handed_over_and_then_may_be_left(world: World) -> None:
    owner, heir = await world.person(), await world.person()
    circle = await world.circle(owner, heir)
    first = await make(world, circle.id, heir, "owner", owner)
    assert await make(world, circle.id, heir, "owner", owner) == first
    assert await roles(world, circle.id, owner, heir) == ["moderator", "owner"]
    assert first.circle.my_role == "moderator"
    left = await circles.leave_circle(LeaveCircle(circle_id=circle.id), owner, world.ports)
    assert (left.circle.member_count, left.circle.my_role) == (1, None)


async def test_of_two_heirs_at_once_there_is_one_owner(world: World) -> None:
    owner, one, two = [await world.person() for _ in range(3)]
    circle = await world.circle(owner, one, two)
    hand_overs = (make(world, circle.id, heir, "owner", owner) for heir in (one, two))
    await asyncio.gather(*hand_overs, return_exceptions=True)
    assert sorted(str(role) for role in await roles(world, circle.id, owner, one, two)) == [
        "member",
        "moderator",
        "owner",
    ]


async def test_an_owner_does_not_step_down_without_an_heir(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner, member)
    with pytest.raises(Conflict):
        await make(world, circle.id, owner, "member", owner)
    assert await roles(world, circle.id, owner) == ["owner"]


async def test_whoever_leaves_last_takes_the_circle_along(world: World) -> None:
    owner, other = await world.person(), await world.person()
    circle = await world.circle(owner)
    await circles.leave_circle(LeaveCircle(circle_id=circle.id), owner, world.ports)
    with pytest.raises(NotFound):
        await circles.join_circle(JoinCircle(circle_id=circle.id), other, world.ports)


async def test_blocked_people_are_in_no_list_and_get_no_role_of_each_other(world: World) -> None:
    owner, blocked, friend = [await world.person() for _ in range(3)]
    circle = await world.circle(owner, blocked, friend)
    await world.block(blocked, owner)
    page = await members.list_members(circle.id, owner, world.ports, cursor=None, limit=10)
    assert {one.member.id for one in page.items} == {owner.id, friend.id}
    with pytest.raises(NotFound):
        await make(world, circle.id, blocked, "moderator", owner)
    await remove(world, circle.id, blocked, owner)
    bars = await members.list_bars(circle.id, owner, world.ports, cursor=None, limit=10)
    assert bars.items == []


async def test_members_come_in_the_order_of_joining_page_by_page(world: World) -> None:
    owner = await world.person()
    circle = await world.circle(owner)
    joined = [owner]
    for _ in range(4):
        world.clock.advance(seconds=1)
        joined.append(await world.person())
        await circles.join_circle(JoinCircle(circle_id=circle.id), joined[-1], world.ports)
    seen, cursor = [], None
    while True:
        page = await members.list_members(circle.id, owner, world.ports, cursor=cursor, limit=2)
        seen += [one.member.id for one in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == [person.id for person in joined]


async def test_members_are_shown_to_members(world: World) -> None:
    owner, stranger = await world.person(), await world.person()
    for is_private, refusal in ((False, Forbidden), (True, NotFound)):
        circle = await world.circle(owner, is_private=is_private)
        with pytest.raises(refusal):
            await members.list_members(circle.id, stranger, world.ports, cursor=None, limit=10)
        world.clock.advance(days=1)


def edit(world: World, circle_id: str, by: User, **fields: Any) -> Awaitable[CircleAnswer]:
    return circles.edit_circle(EditCircle(circle_id=circle_id, **fields), by, world.ports)


async def test_an_owner_changes_what_is_sent_and_everybody_is_told(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner, member, description="Coffee first.")
    answer = await edit(world, circle.id, owner, name=" Late evenings ", filter_level="strict")
    shown = answer.circle
    assert (shown.name, shown.description, shown.filter_level) == ("Late evenings", "Coffee first.", "strict")
    told = [event for event in await world.told(circle_room(circle.id)) if event["event"] == "circle:changed"]
    assert [one["data"]["circle"]["name"] for one in told] == ["Late evenings"]
    assert told[0]["data"]["circle"]["my_role"] is None
    before = world.rows()
    assert await edit(world, circle.id, owner, name="Late evenings", filter_level="strict") == answer
    assert world.rows() == before


async def test_only_the_owner_changes_a_circle(world: World) -> None:
    owner, moderator, stranger = [await world.person() for _ in range(3)]
    circle = await world.circle(owner, moderator)
    await make(world, circle.id, moderator, "moderator", owner)
    for person in (moderator, stranger):
        with pytest.raises(Forbidden):
            await edit(world, circle.id, person, name="Mine now")


async def test_there_are_never_fewer_places_than_members(world: World) -> None:
    owner, *others = [await world.person() for _ in range(3)]
    circle = await world.circle(owner, *others)
    with pytest.raises(Conflict) as refusal:
        await edit(world, circle.id, owner, max_members=2)
    assert refusal.value.field == "max_members"
    assert (await edit(world, circle.id, owner, max_members=3)).circle.max_members == 3


async def test_a_private_circle_stays_private_and_an_open_one_may_close(world: World) -> None:
    owner = await world.person(created_at=world.clock() - timedelta(days=30))
    circle = await world.circle(owner)
    assert (await edit(world, circle.id, owner, is_private=True)).circle.is_private
    with pytest.raises(Conflict) as refusal:
        await edit(world, circle.id, owner, is_private=False)
    assert refusal.value.field == "is_private"


async def test_somebody_new_closes_no_door(world: World) -> None:
    owner = await world.person()
    circle = await world.circle(owner)
    with pytest.raises(Forbidden) as refusal:
        await edit(world, circle.id, owner, is_private=True)
    assert refusal.value.field == "is_private"


UNKIND: list[tuple[dict[str, str], str]] = [
    ({"name": "Fat ugly junkies"}, "name"),
    ({"name": "Call me 555 123 4567"}, "name"),
    ({"description": "You are all worthless scum."}, "description"),
    ({"description": "Write to me at anna@example.org before you join."}, "description"),
    ({"category": "fuck_you"}, "category"),
]


@pytest.mark.parametrize(("fields", "field"), UNKIND)
async def test_what_nobody_should_read_on_the_door_is_refused(
    world: World, fields: dict[str, str], field: str
) -> None:
    owner = await world.person()
    circle = await world.circle(owner)
    with pytest.raises(Invalid) as refusal:
        await edit(world, circle.id, owner, **fields)
    assert refusal.value.field == field
    world.clock.advance(days=1)
    with pytest.raises(Invalid) as refusal:
        await world.circle(owner, **fields)
    assert refusal.value.field == field


async def test_a_name_that_sounds_like_danger_brings_help_and_stays(world: World) -> None:
    owner = await world.person(country="DE")
    circle = await world.circle(owner)
    answer = await edit(world, circle.id, owner, name="I want to die tonight")
    assert answer.circle.name == "I want to die tonight"
    assert answer.crisis is not None
    assert answer.crisis.country == "DE"
    assert (await edit(world, circle.id, owner, name="I want to die tonight")).crisis == answer.crisis
    assert (await edit(world, circle.id, owner, name="Night watch")).crisis is None


async def test_what_a_moderator_promised_goes_with_the_role(world: World) -> None:
    owner, moderator, guest = [await world.person() for _ in range(3)]
    circle = await world.circle(owner, moderator)
    await make(world, circle.id, moderator, "moderator", owner)
    made = await invitations.invite(
        Invite(circle_id=circle.id, client_id="code-0001", uses=5), moderator, world.ports
    )
    await make(world, circle.id, moderator, "member", owner)
    code = made.invitation.code
    with pytest.raises(NotFound):
        await invitations.accept(invitations.Accept(code=code), guest, world.ports)


async def test_a_role_in_a_private_circle_is_nobody_elses_business(world: World) -> None:
    owner, stranger = await world.person(), await world.person()
    circle = await world.circle(owner, is_private=True)
    for circle_id in (circle.id, new_id()):
        for call in (
            remove(world, circle_id, owner, stranger),
            make(world, circle_id, owner, "member", stranger),
            edit(world, circle_id, stranger, name="Let me in"),
        ):
            with pytest.raises(NotFound):
                await call
    assert await world.names(user_room(stranger.id)) == []


@pytest.mark.parametrize("world", [{"circle_changes_per_hour": 3}], indirect=True)
async def test_what_a_whole_circle_hears_is_bounded(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner, member)
    await edit(world, circle.id, owner, name="Late evenings")
    await make(world, circle.id, member, "moderator", owner)
    for _ in range(3):
        await edit(world, circle.id, owner, name="Late evenings")
        await make(world, circle.id, member, "moderator", owner)
    with pytest.raises(RateLimited):
        await edit(world, circle.id, owner, name="Early mornings")
    with pytest.raises(RateLimited):
        await make(world, circle.id, member, "member", owner)
    await remove(world, circle.id, member, owner)
