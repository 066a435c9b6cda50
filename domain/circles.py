"""Circles: topic rooms with members."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from domain import access, events, limits, rooms, trust
from domain.accounts import PublicAccount, User, public_accounts
from domain.clock import rfc3339
from domain.errors import Conflict, Forbidden, NotFound
from domain.events import Event
from domain.ids import new_id
from domain.ports import Ports
from domain.text import accepted_text, storable_text
from domain.wire import Command, Id, Slug, View

MemberRole = Literal["owner", "moderator", "member"]


class Circle(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `circles` with its member count."""

    id: str
    name: str
    description: str
    category: str
    max_members: int
    is_private: bool
    created_at: datetime
    member_count: int = 1


class Member(msgspec.Struct, frozen=True):
    circle_id: str
    account_id: str
    role: MemberRole


class CircleView(View, frozen=True):
    id: str
    name: str
    description: str
    category: str
    max_members: int
    member_count: int
    is_private: bool
    my_role: MemberRole | None
    created_at: str


class CircleAnswer(View, frozen=True):
    """Ack data of the circle events; `position` is where the circle's room log stands."""

    circle: CircleView
    position: rooms.Position | None = None


class MemberChange(View, frozen=True):
    """Data of `circle:member`."""

    circle_id: str
    member: PublicAccount
    action: Literal["joined", "left"]


class CreateCircle(Command, frozen=True):
    name: Annotated[str, msgspec.Meta(min_length=3, max_length=100)]
    description: Annotated[str, msgspec.Meta(max_length=500)] = ""
    category: Slug = "general"
    max_members: Annotated[int, msgspec.Meta(ge=2, le=10_000)] = 100
    is_private: bool = False


class JoinCircle(Command, frozen=True):
    circle_id: Id


class LeaveCircle(Command, frozen=True):
    circle_id: Id


def circle_view(circle: Circle, role: MemberRole | None) -> CircleView:
    return CircleView(
        id=circle.id,
        name=circle.name,
        description=circle.description,
        category=circle.category,
        max_members=circle.max_members,
        member_count=circle.member_count,
        is_private=circle.is_private,
        my_role=role,
        created_at=rfc3339(circle.created_at),
    )


async def create_circle(command: CreateCircle, user: User, ports: Ports) -> CircleAnswer:
    await limits.check("circles", user.id, await _most_per_day(command, user, ports), limits.DAY, ports)
    circle = Circle(
        id=new_id(),
        name=accepted_text(command.name, "name", characters_max=100),
        description=storable_text(command.description, "description"),
        category=command.category,
        max_members=command.max_members,
        is_private=command.is_private,
        created_at=ports.now(),
    )
    await _check_room_for_one(user, ports)
    told = member_event(circle.id, user.id, "joined", ports)
    async with ports.transaction() as tx:
        await tx.circles.add(circle, user.id)
        await events.record(told, [], tx)
    ports.announcer.announce(told)
    return CircleAnswer(circle=circle_view(circle, "owner"))


async def _most_per_day(command: CreateCircle, user: User, ports: Ports) -> int:
    """Somebody new opens one circle a day, and none behind closed doors."""
    if await trust.trust_of(user.id, ports) != "new":
        return ports.settings.circles_per_day
    if command.is_private:
        raise Forbidden("Private circles open up after a few days here.", field="is_private")
    return ports.settings.new_account_circles_per_day


async def join_circle(command: JoinCircle, user: User, ports: Ports) -> CircleAnswer:
    """Joining again answers the same; a private circle is joined by invitation only."""
    role = await ports.records.circles.role_of(command.circle_id, user.id)
    circle = access.sees_circle(await ports.records.circles.get(command.circle_id), role)
    if role is not None:
        return CircleAnswer(circle=circle_view(circle, role))
    await _check_room_for_one(user, ports)
    told = member_event(circle.id, user.id, "joined", ports)
    async with ports.transaction() as tx:
        joined = await tx.circles.join(circle.id, user.id, ports.now())
        if joined:
            await events.record(told, [], tx)
    if joined:
        ports.announcer.announce(told)
    return await _answer(circle.id, user, ports)


async def _check_room_for_one(user: User, ports: Ports) -> None:
    """Each circle is a room for every phone of its member, and hears whenever the member comes and goes."""
    if len(await ports.records.circles.of_account(user.id)) >= ports.settings.circles_per_account:
        raise Conflict("Please leave one of your circles first.")


async def leave_circle(command: LeaveCircle, user: User, ports: Ports) -> CircleAnswer:
    role = await ports.records.circles.role_of(command.circle_id, user.id)
    circle = access.check_member(await ports.records.circles.get(command.circle_id), role)
    if role == "owner" and circle.member_count > 1:
        raise Conflict("Please hand the circle over before you leave it.")
    told = member_event(circle.id, user.id, "left", ports)
    async with ports.transaction() as tx:
        left = await tx.circles.leave(circle.id, user.id)
        if left:
            await events.record(told, [], tx)
    if left:
        ports.announcer.announce(told)
    return CircleAnswer(
        circle=circle_view(msgspec.structs.replace(circle, member_count=circle.member_count - left), None)
    )


async def _answer(circle_id: str, user: User, ports: Ports) -> CircleAnswer:
    circle = await ports.records.circles.get(circle_id)
    if circle is None:
        raise NotFound
    return CircleAnswer(circle=circle_view(circle, await ports.records.circles.role_of(circle_id, user.id)))


def member_event(circle_id: str, account_id: str, action: str, ports: Ports) -> Event:
    return Event(
        id=new_id(),
        name="circle:member",
        at=ports.now(),
        refs={"circle_id": circle_id, "account_id": account_id, "action": action},
        actor=account_id,
    )


@events.composes("circle:member")
async def compose_member(event: Event, ports: Ports) -> tuple[list[str], object]:
    """Told to the circle, and to the member's own room so that each of its phones follows."""
    account_id = event.refs["account_id"]
    faces = await public_accounts({account_id}, ports)
    change = MemberChange(
        circle_id=event.refs["circle_id"],
        member=faces[account_id],
        action="joined" if event.refs["action"] == "joined" else "left",
    )
    return [rooms.circle_room(change.circle_id), rooms.user_room(account_id)], change
