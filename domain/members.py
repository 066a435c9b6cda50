"""Members: who is in a circle, who looks after it, and who was removed from it.

Whoever is removed hears nothing more of the circle from the next event on, on every server, and does not come
back by themselves: a bar keeps them out until the owner or a moderator lifts it, or invites them again.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from domain import access, audit, circles, events, pages
from domain.accounts import PublicAccount, User, public_accounts
from domain.circles import Circle, CircleAnswer, MemberRole, Membership
from domain.clock import rfc3339
from domain.errors import Conflict, NotFound
from domain.events import Event
from domain.pages import Page, Place
from domain.ports import Ports, Records
from domain.wire import Command, Id, View


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `circle_bars`: somebody was removed from a circle."""

    account_id: str
    created_at: datetime


class RemoveMember(Command, frozen=True):
    circle_id: Id
    user_id: Id


class SetRole(Command, frozen=True):
    circle_id: Id
    user_id: Id
    role: MemberRole


class LiftBar(Command, frozen=True):
    circle_id: Id
    user_id: Id


class MemberView(View, frozen=True):
    member: PublicAccount
    role: MemberRole
    joined_at: str


class BarView(View, frozen=True):
    member: PublicAccount
    removed_at: str


async def remove_member(command: RemoveMember, user: User, ports: Ports) -> CircleAnswer:
    """Removing somebody again answers the same. The circle hears of it before this answers."""
    if command.user_id == user.id:
        raise Conflict("To leave a circle yourself, leave it.", field="user_id")
    told = circles.member_event(command.circle_id, command.user_id, "removed", ports)
    async with ports.transaction() as tx:
        circle, role = await _held(command.circle_id, user, tx)
        access.check_steward(circle, role)
        removed = await _remove(command, role, user, tx, ports)
        if removed:
            await events.record(told, [], tx)
            await _note("circle.removed", user, command.circle_id, command.user_id, tx, ports)
    if removed:
        await ports.announcer.tell(told)
    return await circles.answer_of(command.circle_id, user, ports)


async def _held(circle_id: str, user: User, tx: Records) -> tuple[Circle | None, MemberRole | None]:
    """The circle, held until the transaction ends, and the user's role in it from then on."""
    circle = await tx.circles.lock(circle_id)
    return circle, await tx.circles.role_of(circle_id, user.id)


async def _remove(
    command: RemoveMember, role: MemberRole | None, user: User, tx: Records, ports: Ports
) -> bool:
    """False for who was removed before; `not_found` for who is not there."""
    target = await tx.circles.role_of(command.circle_id, command.user_id)
    if target is None:
        if await tx.bars.holds(command.circle_id, command.user_id):
            return False
        raise NotFound
    access.check_removes(role, target)
    await tx.circles.leave(command.circle_id, command.user_id)
    await tx.bars.add(command.circle_id, command.user_id, ports.now())
    await tx.invitations.revoke_around(command.circle_id, command.user_id)
    return True


async def set_role(command: SetRole, user: User, ports: Ports) -> CircleAnswer:
    """For the owner. Making somebody else the owner hands the circle over, and leaves oneself a moderator.

    What is so already is answered the same to every member: a retry of the one who handed it over, too.
    """
    if command.user_id in await ports.records.blocks.around(user.id):
        raise NotFound
    role = await ports.records.circles.role_of(command.circle_id, user.id)
    access.check_member(await ports.records.circles.get(command.circle_id), role)
    if await ports.records.circles.role_of(command.circle_id, command.user_id) != command.role:
        await circles.check_rate(user, ports)
        ports.announcer.announce(*await _set_role(command, user, ports))
    return await circles.answer_of(command.circle_id, user, ports)


async def _set_role(command: SetRole, user: User, ports: Ports) -> list[Event]:
    async with ports.transaction() as tx:
        access.check_circle_owner(*await _held(command.circle_id, user, tx))
        target = await tx.circles.role_of(command.circle_id, command.user_id)
        return [] if target == command.role else await _change_role(command, target, user, tx, ports)


async def _change_role(
    command: SetRole, target: MemberRole | None, user: User, tx: Records, ports: Ports
) -> list[Event]:
    if target is None:
        raise NotFound
    if command.user_id == user.id:
        raise Conflict("Please make somebody else the owner.", field="role")
    changed = [command.user_id]
    if command.role == "owner":
        await tx.circles.set_role(command.circle_id, user.id, "moderator")
        changed.append(user.id)
    await tx.circles.set_role(command.circle_id, command.user_id, command.role)
    if command.role == "member":
        await tx.invitations.revoke_around(command.circle_id, command.user_id)
    told = [circles.member_event(command.circle_id, one, "role_changed", ports) for one in changed]
    for event in told:
        await events.record(event, [], tx)
    await _note("circle.role_changed", user, command.circle_id, command.user_id, tx, ports, role=command.role)
    return told


async def lift_bar(command: LiftBar, user: User, ports: Ports) -> None:
    """Lets somebody join again who was removed; lifting what is not there changes nothing."""
    async with ports.transaction() as tx:
        access.check_steward(*await _held(command.circle_id, user, tx))
        await lift(command.circle_id, command.user_id, user, tx, ports)


async def lift(circle_id: str, account_id: str, user: User, tx: Records, ports: Ports) -> None:
    if await tx.bars.lift(circle_id, account_id):
        await _note("circle.bar_lifted", user, circle_id, account_id, tx, ports)


async def _note(
    action: str, user: User, circle_id: str, account_id: str, tx: Records, ports: Ports, **details: str
) -> None:
    about = {"account_id": account_id, **details}
    await audit.note(action, user.id, tx, ports, target="circle", target_id=circle_id, **about)


async def list_members(
    circle_id: str, user: User, ports: Ports, *, cursor: str | None, limit: int
) -> Page[MemberView]:
    """For members: who joined first comes first, without blocked people."""
    role = await ports.records.circles.role_of(circle_id, user.id)
    circle = access.check_member(await ports.records.circles.get(circle_id), role)
    apart = sorted(await ports.records.blocks.around(user.id))
    after = pages.place_of(pages.decode_cursor(cursor))
    found = await ports.records.circles.members(circle.id, after, limit + 1, without=apart)
    return Page(
        items=await _member_views(found[:limit], ports),
        next_cursor=pages.next_cursor([place_of_member(one) for one in found], limit),
    )


async def _member_views(found: Sequence[Membership], ports: Ports) -> list[MemberView]:
    faces = await public_accounts({one.account_id for one in found}, ports)
    return [
        MemberView(member=faces[one.account_id], role=one.role, joined_at=rfc3339(one.joined_at))
        for one in found
    ]


def place_of_member(one: Membership) -> Place:
    return Place(one.joined_at, one.account_id)


async def list_bars(
    circle_id: str, user: User, ports: Ports, *, cursor: str | None, limit: int
) -> Page[BarView]:
    """For the owner and moderators: who was removed, newest first, without blocked people."""
    role = await ports.records.circles.role_of(circle_id, user.id)
    circle = access.check_steward(await ports.records.circles.get(circle_id), role)
    apart = sorted(await ports.records.blocks.around(user.id))
    found = await ports.records.bars.page(
        circle.id, pages.place_of(pages.decode_cursor(cursor)), limit + 1, without=apart
    )
    shown = found[:limit]
    faces = await public_accounts({one.account_id for one in shown}, ports)
    return Page(
        items=[BarView(member=faces[one.account_id], removed_at=rfc3339(one.created_at)) for one in shown],
        next_cursor=pages.next_cursor([Place(one.created_at, one.account_id) for one in found], limit),
    )
