"""Invitations: to one person or by a code; not between blocked people, and not for who was removed."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from domain import circles, doors, invitations, members
from domain.accounts import User
from domain.circles import CircleAnswer, CreateCircle, EditCircle, JoinCircle
from domain.discovery import get_circle
from domain.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited
from domain.ids import new_id
from domain.invitations import Accept, Decline, Invite, Invited, ReceivedView, Revoke
from domain.members import RemoveMember
from domain.resume import room_events
from domain.rooms import Position, user_room
from tests.domain.world import World


def invite(world: World, circle_id: str, by: User, **fields: Any) -> Awaitable[Invited]:
    return invitations.invite(Invite(circle_id=circle_id, **fields), by, world.ports)


def accept(world: World, by: User, **fields: Any) -> Awaitable[CircleAnswer]:
    return invitations.accept(Accept(**fields), by, world.ports)


async def received(world: World, person: User) -> list[ReceivedView]:
    return (await invitations.my_invitations(person, world.ports, cursor=None, limit=10)).items


async def code_of(world: World, circle_id: str, by: User, **fields: Any) -> str:
    code = (await invite(world, circle_id, by, **fields)).invitation.code
    assert code is not None
    return code


async def test_whoever_is_invited_reads_no_name_that_was_taken_off_the_door(world: World) -> None:
    owner, guest = await world.person(), await world.person()
    circle = await world.circle(owner, name="Only for the strong")
    await invite(world, circle.id, owner, user_id=guest.id)
    before = await world.told(user_room(guest.id))
    for _ in range(2):
        await doors.clear(circle.id, "a decision", world.ports)
    names = [told["invitation"]["circle"]["name"] for told in await world.news(guest, "circle:invited")]
    assert names == ["Only for the strong", doors.NAMELESS]
    room, epoch = user_room(guest.id), before[0]["epoch"]
    answer = await room_events(room, Position(epoch=epoch, seq=0), guest, world.ports)
    assert not [event for event in answer.events if b"strong" in bytes(event)]
    assert len(answer.events) == len(before) + 1


async def test_the_invited_are_told_see_the_circle_and_join_it(world: World) -> None:
    owner, guest = await world.person(handle="brave-wren"), await world.person()
    circle = await world.circle(owner, is_private=True)
    with pytest.raises(NotFound):
        await get_circle(circle.id, guest, world.ports)
    made = (await invite(world, circle.id, owner, user_id=guest.id)).invitation
    assert (made.invited and made.invited.id, made.code) == (guest.id, None)
    (told,) = await world.news(guest, "circle:invited")
    assert (told["invitation"]["id"], told["invitation"]["circle"]["id"]) == (made.id, circle.id)
    assert told["invitation"]["inviter"]["handle"] == "brave-wren"
    assert (await get_circle(circle.id, guest, world.ports)).my_role is None
    with pytest.raises(Forbidden):
        await circles.join_circle(JoinCircle(circle_id=circle.id), guest, world.ports)
    answer = await accept(world, guest, invitation_id=made.id)
    assert (answer.circle.my_role, answer.circle.member_count) == ("member", 2)
    assert await received(world, guest) == []


async def test_an_invitation_is_notified_once(world: World) -> None:
    owner, guest = await world.person(), await world.person()
    circle = await world.circle(owner)
    for _ in range(2):
        await invite(world, circle.id, owner, user_id=guest.id)
    await world.work("notify", times=2)
    kinds = [told["notification"]["kind"] for told in await world.news(guest, "notification:new")]
    assert kinds == ["invitation"]
    assert len(await world.news(guest, "circle:invited")) == 1


async def test_accepting_again_answers_the_same(world: World) -> None:
    owner, guest = await world.person(), await world.person()
    circle = await world.circle(owner)
    made = (await invite(world, circle.id, owner, user_id=guest.id)).invitation
    first = await accept(world, guest, invitation_id=made.id)
    before = world.rows()
    assert await accept(world, guest, invitation_id=made.id) == first
    assert world.rows() == before


async def test_an_invitation_is_for_one_person(world: World) -> None:
    owner, guest, other = [await world.person() for _ in range(3)]
    circle = await world.circle(owner, is_private=True)
    made = (await invite(world, circle.id, owner, user_id=guest.id)).invitation
    for id in (made.id, new_id()):
        with pytest.raises(NotFound):
            await accept(world, other, invitation_id=id)
        with pytest.raises(NotFound):
            await invitations.decline(Decline(invitation_id=id), other, world.ports)


async def test_an_invitation_lapses_is_taken_back_or_declined(world: World) -> None:
    owner, *guests = [await world.person() for _ in range(4)]
    circle = await world.circle(owner, is_private=True)
    made = [
        (await invite(world, circle.id, owner, user_id=guest.id, expires_in_hours=hours)).invitation
        for guest, hours in zip(guests, (1, 48, 48), strict=True)
    ]
    world.clock.advance(hours=1)
    await invitations.revoke(Revoke(circle_id=circle.id, invitation_id=made[1].id), owner, world.ports)
    await invitations.decline(Decline(invitation_id=made[2].id), guests[2], world.ports)
    for guest, one in zip(guests, made, strict=True):
        with pytest.raises(NotFound):
            await accept(world, guest, invitation_id=one.id)
        with pytest.raises(NotFound):
            await get_circle(circle.id, guest, world.ports)
    page = await invitations.list_invitations(circle.id, owner, world.ports, cursor=None, limit=10)
    assert page.items == []
    again = (await invite(world, circle.id, owner, user_id=guests[0].id)).invitation
    assert (await accept(world, guests[0], invitation_id=again.id)).circle.my_role == "member"


async def test_only_who_looks_after_a_circle_invites(world: World) -> None:
    owner, member, guest = [await world.person() for _ in range(3)]
    circle = await world.circle(owner, member)
    for person in (member, guest):
        with pytest.raises(Forbidden):
            await invite(world, circle.id, person, user_id=guest.id)
        with pytest.raises(Forbidden):
            await invitations.list_invitations(circle.id, person, world.ports, cursor=None, limit=10)
    with pytest.raises(Conflict):
        await invite(world, circle.id, owner, user_id=member.id)


async def test_blocked_people_are_not_there_to_be_invited(world: World) -> None:
    owner, guest = await world.person(), await world.person()
    circle = await world.circle(owner)
    await world.block(guest, owner)
    for id in (guest.id, new_id()):
        with pytest.raises(NotFound):
            await invite(world, circle.id, owner, user_id=id)


async def test_a_block_takes_an_open_invitation_out_of_sight(world: World) -> None:
    owner, guest = await world.person(), await world.person()
    circle = await world.circle(owner, is_private=True)
    made = (await invite(world, circle.id, owner, user_id=guest.id)).invitation
    code = await code_of(world, circle.id, owner)
    await world.block(guest, owner)
    assert await received(world, guest) == []
    page = await invitations.list_invitations(circle.id, owner, world.ports, cursor=None, limit=10)
    assert [one.code for one in page.items] == [code]
    for named in ({"invitation_id": made.id}, {"code": code}):
        with pytest.raises(NotFound):
            await accept(world, guest, **named)
    with pytest.raises(NotFound):
        await get_circle(circle.id, guest, world.ports)


async def test_a_code_lets_in_as_many_as_it_says_however_it_is_typed(world: World) -> None:
    owner, *guests = [await world.person() for _ in range(4)]
    circle = await world.circle(owner, is_private=True)
    code = await code_of(world, circle.id, owner, uses=2)
    typed = (code, code.lower().replace("-", " "), code.replace("-", ""))
    for _ in range(2):
        await accept(world, guests[0], code=typed[0])
    await accept(world, guests[1], code=typed[1])
    with pytest.raises(NotFound):
        await accept(world, guests[2], code=typed[2])


async def test_of_many_at_once_a_code_lets_in_as_many_as_it_says(world: World) -> None:
    owner, *guests = [await world.person() for _ in range(6)]
    circle = await world.circle(owner, is_private=True)
    code = await code_of(world, circle.id, owner, uses=3)
    tries = (accept(world, guest, code=code) for guest in guests)
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, CircleAnswer) for outcome in outcomes) == 3
    assert sum(isinstance(outcome, NotFound) for outcome in outcomes) == 2


async def test_a_retry_answers_the_same_code_and_who_looks_after_it_sees_it_again(world: World) -> None:
    owner = await world.person()
    circle = await world.circle(owner)
    code = await code_of(world, circle.id, owner, client_id="my-code-1")
    assert await code_of(world, circle.id, owner, client_id="my-code-1") == code
    assert await code_of(world, circle.id, owner) != code
    page = await invitations.list_invitations(circle.id, owner, world.ports, cursor=None, limit=10)
    assert code in [one.code for one in page.items]
    assert code not in str(world.fakes.tables.invitations)


async def test_a_code_that_was_taken_back_opens_nothing(world: World) -> None:
    owner, guest = await world.person(), await world.person()
    circle = await world.circle(owner, is_private=True)
    made = (await invite(world, circle.id, owner)).invitation
    elsewhere = Revoke(circle_id=new_id(), invitation_id=made.id)
    with pytest.raises(NotFound):
        await invitations.revoke(elsewhere, owner, world.ports)
    await invitations.revoke(Revoke(circle_id=circle.id, invitation_id=made.id), owner, world.ports)
    with pytest.raises(NotFound):
        await accept(world, guest, code=made.code)


async def test_who_was_removed_comes_back_by_invitation_only(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner, member, is_private=True)
    code = await code_of(world, circle.id, owner, uses=5)
    old = (await invite(world, circle.id, owner, user_id=(await world.person()).id)).invitation
    await members.remove_member(RemoveMember(circle_id=circle.id, user_id=member.id), owner, world.ports)
    for named in ({"code": code}, {"invitation_id": old.id}):
        with pytest.raises(NotFound):
            await accept(world, member, **named)
    made = (await invite(world, circle.id, owner, user_id=member.id)).invitation
    assert (await accept(world, member, invitation_id=made.id)).circle.my_role == "member"


async def test_an_invitation_into_a_full_circle_waits(world: World) -> None:
    owner, member, guest = [await world.person() for _ in range(3)]
    circle = await world.circle(owner, member, max_members=2)
    made = (await invite(world, circle.id, owner, user_id=guest.id)).invitation
    with pytest.raises(Conflict):
        await accept(world, guest, invitation_id=made.id)
    await circles.leave_circle(circles.LeaveCircle(circle_id=circle.id), member, world.ports)
    assert (await accept(world, guest, invitation_id=made.id)).circle.member_count == 2


@pytest.mark.parametrize("world", [{"circle_codes_max": 2, "invitations_per_day": 3}], indirect=True)
async def test_codes_and_invitations_are_bounded(world: World) -> None:
    owner, guest = await world.person(), await world.person()
    circle = await world.circle(owner)
    for _ in range(2):
        await invite(world, circle.id, owner)
    with pytest.raises(Conflict):
        await invite(world, circle.id, owner)
    with pytest.raises(RateLimited):
        await invite(world, circle.id, owner, user_id=guest.id)


@pytest.mark.parametrize("world", [{"circle_codes_tried_per_hour": 3}], indirect=True)
async def test_nobody_tries_codes_for_long(world: World) -> None:
    guest = await world.person()
    for _ in range(3):
        with pytest.raises(NotFound):
            await accept(world, guest, code="ABCD-EFGH-IJKL-MNOP")
    with pytest.raises(RateLimited):
        await accept(world, guest, code="ABCD-EFGH-IJKL-MNOP")


@pytest.mark.parametrize("named", [{}, {"invitation_id": new_id(), "code": "ABCD-EFGH-IJKL-MNOP"}])
async def test_one_thing_is_accepted_at_a_time(world: World, named: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        await accept(world, await world.person(), **named)


async def test_what_was_taken_back_is_told_to_nobody(world: World) -> None:
    owner, guest = await world.person(), await world.person()
    circle = await world.circle(owner)
    made = (await invite(world, circle.id, owner, user_id=guest.id)).invitation
    stored = await world.ports.records.invitations.get(made.id)
    assert stored is not None
    await invitations.revoke(Revoke(circle_id=circle.id, invitation_id=made.id), owner, world.ports)
    assert await invitations.compose_invited(invitations.invited_event(stored), world.ports) is None


async def test_whoever_declines_is_left_in_peace_after_a_while(world: World) -> None:
    owner, guest = await world.person(), await world.person()
    circle = await world.circle(owner)
    for _ in range(invitations.AGAIN_MAX):
        made = (await invite(world, circle.id, owner, user_id=guest.id)).invitation
        await invitations.decline(Decline(invitation_id=made.id), guest, world.ports)
    with pytest.raises(RateLimited):
        await invite(world, circle.id, owner, user_id=guest.id)


async def test_the_muted_invite_nobody_and_write_on_no_door(world: World) -> None:
    owner, guest = await world.person(), await world.person()
    circle = await world.circle(owner)
    until = {"muted_until": world.clock() + timedelta(hours=1)}
    await world.ports.records.standings.update(owner.id, until)
    for call in (
        invite(world, circle.id, owner, user_id=guest.id),
        invite(world, circle.id, owner),
        circles.edit_circle(EditCircle(circle_id=circle.id, name="My answer"), owner, world.ports),
        circles.create_circle(CreateCircle(name="My answer"), owner, world.ports),
    ):
        with pytest.raises(Forbidden):
            await call
