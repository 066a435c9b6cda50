"""Circles: made, joined, left; the private ones exist for their members only."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from domain import appeals, circles, deciding, doors
from domain.appeals import Appeal
from domain.blocks import AddBlock, add_block
from domain.cases import OneCase
from domain.circles import CircleFilter, CreateCircle, EditCircle, JoinCircle, LeaveCircle, edit_circle
from domain.decisions import Decide
from domain.discovery import get_circle, list_circles
from domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, RateLimited
from domain.ids import new_id
from domain.members import SetRole, list_members, set_role
from domain.reports import CreateReport, create_report
from domain.review import claim_case
from domain.rooms import circle_room, user_room
from tests.domain.world import World


def members(told: list[dict[str, object]]) -> list[object]:
    return [event["data"] for event in told if event["event"] == "circle:member"]


async def test_a_circle_begins_with_its_maker_as_owner(world: World) -> None:
    owner = await world.person()
    circle = await world.circle(owner, name=" Early mornings ", description=" Coffee first. ")
    assert (circle.name, circle.description) == ("Early mornings", "Coffee first.")
    assert (circle.member_count, circle.max_members, circle.my_role) == (1, 100, "owner")


async def test_a_circle_that_is_made_again_is_the_one_there_is(world: World) -> None:
    owner, other = await world.person(), await world.person()
    command = CreateCircle(client_id="a-retry-1", name="Early mornings")
    first = await circles.create_circle(command, owner, world.ports)
    again = msgspec.structs.replace(command, name="Late evenings")
    assert (await circles.create_circle(again, owner, world.ports)).circle == first.circle
    assert (await circles.create_circle(command, other, world.ports)).circle.id != first.circle.id
    assert len(members(await world.told(user_room(owner.id)))) == 1


async def test_making_one_circle_at_once_makes_one(world: World) -> None:
    owner = await world.person(role="helper")
    command = CreateCircle(client_id="a-retry-1", name="Early mornings")
    made = await asyncio.gather(*(circles.create_circle(command, owner, world.ports) for _ in range(4)))
    assert len({answer.circle.id for answer in made}) == 1
    assert len(members(await world.told(user_room(owner.id)))) == 1


async def test_who_was_removed_does_not_look_behind_the_door_by_making_it_again(world: World) -> None:
    owner, heir = await world.person(role="helper"), await world.person()
    command = CreateCircle(client_id="a-retry-1", name="Early mornings")
    circle = (await circles.create_circle(command, owner, world.ports)).circle
    await circles.join_circle(JoinCircle(circle_id=circle.id), heir, world.ports)
    await circles.edit_circle(EditCircle(circle_id=circle.id, is_private=True), owner, world.ports)
    await set_role(SetRole(circle_id=circle.id, user_id=heir.id, role="owner"), owner, world.ports)
    await circles.leave_circle(LeaveCircle(circle_id=circle.id), owner, world.ports)
    with pytest.raises(NotFound):
        await circles.create_circle(command, owner, world.ports)


async def test_joining_is_told_to_the_circle_and_to_each_of_my_phones(world: World) -> None:
    owner, member = await world.person(), await world.person(handle="brave-wren")
    circle = await world.circle(owner, member)
    for room in (circle_room(circle.id), user_room(member.id)):
        told = members(await world.told(room))[-1]
        assert isinstance(told, dict)
        assert (told["action"], told["circle_id"]) == ("joined", circle.id)
        assert told["member"]["handle"] == "brave-wren"


async def test_joining_twice_answers_the_same_and_tells_once(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner)
    command = JoinCircle(circle_id=circle.id)
    first = await circles.join_circle(command, member, world.ports)
    before = world.rows()
    assert await circles.join_circle(command, member, world.ports) == first
    assert (first.circle.member_count, first.circle.my_role) == (2, "member")
    assert world.rows() == before
    assert len(members(await world.told(user_room(member.id)))) == 1


async def test_two_joins_at_once_are_one(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner)
    joins = (circles.join_circle(JoinCircle(circle_id=circle.id), member, world.ports) for _ in range(4))
    answers = await asyncio.gather(*joins)
    assert {answer.circle.member_count for answer in answers} == {2}
    assert len(members(await world.told(user_room(member.id)))) == 1


async def test_a_full_circle_refuses(world: World) -> None:
    owner, member, late = [await world.person() for _ in range(3)]
    circle = await world.circle(owner, member, max_members=2)
    with pytest.raises(Conflict):
        await circles.join_circle(JoinCircle(circle_id=circle.id), late, world.ports)
    assert members(await world.told(user_room(late.id))) == []


async def test_leaving_is_told_and_twice_tells_nothing_more(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner, member)
    await world.ports.announcer.drain()
    left = await circles.leave_circle(LeaveCircle(circle_id=circle.id), member, world.ports)
    assert (left.circle.member_count, left.circle.my_role) == (1, None)
    before = world.rows()
    with pytest.raises(Forbidden):
        await circles.leave_circle(LeaveCircle(circle_id=circle.id), member, world.ports)
    assert world.rows() == before
    actions = [told["action"] for told in await world.news(member, "circle:member")]
    assert actions == ["joined", "left"]


async def test_a_coming_that_is_told_late_puts_nobody_back(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner, member)
    await circles.leave_circle(LeaveCircle(circle_id=circle.id), member, world.ports)
    late = circles.member_event(circle.id, member.id, "joined", world.ports)
    assert await circles.compose_member(late, world.ports) is None
    await circles.join_circle(JoinCircle(circle_id=circle.id), member, world.ports)
    late = circles.member_event(circle.id, member.id, "left", world.ports)
    assert await circles.compose_member(late, world.ports) is None


async def test_an_owner_hands_a_circle_over_before_leaving_it(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner, member)
    with pytest.raises(Conflict):
        await circles.leave_circle(LeaveCircle(circle_id=circle.id), owner, world.ports)
    await circles.leave_circle(LeaveCircle(circle_id=circle.id), member, world.ports)
    left = await circles.leave_circle(LeaveCircle(circle_id=circle.id), owner, world.ports)
    assert left.circle.member_count == 0


UNREACHABLE = [(True, True, NotFound), (False, False, NotFound), (True, False, Forbidden)]


@pytest.mark.parametrize(("exists", "is_private", "refusal"), UNREACHABLE)
async def test_a_stranger_learns_nothing_of_a_private_circle(
    world: World, exists: bool, is_private: bool, refusal: type[DomainError]
) -> None:
    stranger = await world.person()
    circle = await world.circle(await world.person(), is_private=is_private)
    circle_id = circle.id if exists else new_id()
    with pytest.raises(refusal):
        await circles.leave_circle(LeaveCircle(circle_id=circle_id), stranger, world.ports)
    if refusal is NotFound:
        with pytest.raises(NotFound):
            await circles.join_circle(JoinCircle(circle_id=circle_id), stranger, world.ports)


async def test_a_member_of_a_private_circle_joins_again(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner, member, is_private=True)
    again = await circles.join_circle(JoinCircle(circle_id=circle.id), member, world.ports)
    assert again.circle.my_role == "member"


TEXTS = [
    ("name", "a\x00bc"),
    ("name", "\u200b\u200b\u200b"),
    ("name", " ab\u3000"),
    ("description", "a\x00b"),
]


@pytest.mark.parametrize(("field", "text"), TEXTS)
async def test_what_cannot_be_stored_is_refused(world: World, field: str, text: str) -> None:
    owner = await world.person()
    command = msgspec.structs.replace(CreateCircle(name="Early mornings"), **{field: text})
    edit = EditCircle(circle_id=(await world.circle(owner)).id, **{field: text})
    for refused in (
        circles.create_circle(command, owner, world.ports),
        edit_circle(edit, owner, world.ports),
    ):
        with pytest.raises(Invalid) as refusal:
            await refused
        assert refusal.value.field == field


@pytest.mark.parametrize("world", [{"circles_per_day": 2}], indirect=True)
async def test_too_many_circles_a_day_are_refused(world: World) -> None:
    owner = await world.person(created_at=world.clock() - timedelta(days=30))
    for _ in range(2):
        await world.circle(owner)
    with pytest.raises(RateLimited):
        await world.circle(owner)
    world.clock.advance(days=1)
    await world.circle(owner)


@pytest.mark.parametrize("world", [{"circles_per_account": 2}], indirect=True)
async def test_nobody_is_in_more_circles_than_there_may_be(world: World) -> None:
    member = await world.person()
    first, second = [await world.circle(await world.person(), member) for _ in range(2)]
    third = await world.circle(await world.person())
    join = JoinCircle(circle_id=third.id)
    with pytest.raises(Conflict):
        await circles.join_circle(join, member, world.ports)
    with pytest.raises(Conflict):
        await circles.create_circle(CreateCircle(name="One more"), member, world.ports)
    assert (await circles.join_circle(JoinCircle(circle_id=second.id), member, world.ports)).circle.my_role
    await circles.leave_circle(LeaveCircle(circle_id=first.id), member, world.ports)
    assert (await circles.join_circle(join, member, world.ports)).circle.my_role == "member"


async def test_a_reported_circle_is_shown_to_who_decides_about_it(world: World) -> None:
    owner, member, moderator = [await world.person(role=role) for role in ("user", "user", "moderator")]
    circle = await world.circle(owner, member, is_private=True, description="No kindness here.")
    report = CreateReport(target="circle", target_id=circle.id, reason="harassment")
    for reporter, refusal in ((member, None), (await world.person(), NotFound), (owner, Invalid)):
        if refusal is None:
            await create_report(report, reporter, world.ports)
            continue
        with pytest.raises(refusal):
            await create_report(report, reporter, world.ports)
    (case,) = world.fakes.tables.cases.values()
    assert (case.target, case.subject_id) == ("circle", owner.id)
    shown = (await claim_case(OneCase(case_id=case.id), moderator, world.ports)).written
    assert shown is not None
    assert (shown.content, shown.status) == ("Early mornings\n\nNo kindness here.", "private")


async def test_a_name_is_taken_off_the_door_and_an_appeal_brings_it_back(world: World) -> None:
    owner, reporter, one, other = [
        await world.person(role=role) for role in ("user", "user", "moderator", "moderator")
    ]
    circle = await world.circle(owner, name="Only for the strong", description="No tears here.")
    await create_report(
        CreateReport(target="circle", target_id=circle.id, reason="harassment"), reporter, world.ports
    )
    (case,) = world.fakes.tables.cases.values()
    hide = Decide(case_id=case.id, action="hide", reason="Please do not look down on others.")
    await deciding.decide(hide, one, world.ports)
    await world.work("apply_decision")
    cleared = await get_circle(circle.id, reporter, world.ports)
    assert (cleared.name, cleared.description) == (doors.NAMELESS, "")
    changed = [told for told in await world.told(circle_room(circle.id)) if told["event"] == "circle:changed"]
    assert [told["data"]["circle"]["name"] for told in changed] == [doors.NAMELESS]
    (notice,) = await world.news(owner, "moderation:notice")
    assert (notice["target"], notice["action"]) == ("circle", "hide")
    appeal = Appeal(
        decision_id=notice["decision_id"], appeal_code=notice["appeal_code"], note="It is a quote."
    )
    opened = await appeals.appeal(appeal, world.ports)
    await deciding.decide(Decide(case_id=opened.case_id, action="restore"), other, world.ports)
    await world.work("apply_decision")
    assert (await get_circle(circle.id, reporter, world.ports)).name == "Only for the strong"


async def test_a_new_name_is_not_replaced_by_the_old_one(world: World) -> None:
    owner = await world.person()
    circle = await world.circle(owner)
    stored = await world.ports.records.circles.get(circle.id)
    assert stored is not None
    kept = msgspec.json.encode(doors.door_of(stored)).decode()
    for _ in range(2):
        await doors.clear(circle.id, "a decision", world.ports)
    await circles.edit_circle(EditCircle(circle_id=circle.id, name="Better days"), owner, world.ports)
    await doors.put_back(circle.id, kept, "another decision", world.ports)
    assert (await get_circle(circle.id, owner, world.ports)).name == "Better days"
    await doors.clear(new_id(), "a decision", world.ports)
    await doors.put_back(new_id(), kept, "a decision", world.ports)


async def test_a_count_agrees_with_the_list_that_its_reader_sees(world: World) -> None:
    owner, blocker, blocked, guest = [await world.person() for _ in range(4)]
    circle = await world.circle(owner)
    for member in (blocker, blocked):
        await circles.join_circle(JoinCircle(circle_id=circle.id), member, world.ports)
    await add_block(AddBlock(user_id=blocked.id), blocker, world.ports)
    wanted = CircleFilter()
    for reader, count in ((owner, 3), (guest, 3), (blocker, 2), (blocked, 2)):
        seen = await list_circles(wanted, reader, world.ports, limit=10)
        joined = await circles.join_circle(JoinCircle(circle_id=circle.id), reader, world.ports)
        alone = await get_circle(circle.id, reader, world.ports)
        in_list = await list_members(circle.id, reader, world.ports, cursor=None, limit=10)
        more = reader is guest
        counts = [seen.items[0].member_count, joined.circle.member_count, alone.member_count]
        assert counts == [count, count + more, count + more]
        assert len(in_list.items) == count + more
        if more:
            await circles.leave_circle(LeaveCircle(circle_id=circle.id), reader, world.ports)


async def test_an_owner_who_sees_nobody_leaves_the_circle_to_those_who_are_there(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner)
    await circles.join_circle(JoinCircle(circle_id=circle.id), member, world.ports)
    await add_block(AddBlock(user_id=owner.id), member, world.ports)
    left = await circles.leave_circle(LeaveCircle(circle_id=circle.id), owner, world.ports)
    assert left.circle.member_count == 0
    heir = {"action": "role_changed", "role": "owner"}
    assert any(heir.items() <= told.items() for told in members(await world.told(circle_room(circle.id))))
    assert (await get_circle(circle.id, member, world.ports)).my_role == "owner"
