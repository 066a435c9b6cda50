"""Circles: topic rooms with members. Made, changed, joined, left."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

import msgspec

from domain import access, crisis, events, limits, moderation, naming, rooms, shares, trust
from domain.accounts import PublicAccount, User, public_accounts
from domain.clock import rfc3339
from domain.crisis import CrisisResources
from domain.errors import Conflict, Forbidden, NotFound
from domain.events import Event
from domain.ids import derived_id, new_id
from domain.moderation.policy import FilterLevel
from domain.ports import Ports, Records
from domain.text import accepted_text, storable_text
from domain.wire import ClientId, Command, Id, Slug, View

MemberRole = Literal["owner", "moderator", "member"]
Change = Literal["joined", "left", "removed", "role_changed"]
NAME_MIN, NAME_MAX = 3, 100
Name = Annotated[str, msgspec.Meta(min_length=NAME_MIN, max_length=NAME_MAX)]
Description = Annotated[str, msgspec.Meta(max_length=500)]
MaxMembers = Annotated[int, msgspec.Meta(ge=2, le=10_000)]


class Circle(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `circles` with its member count. `filter_level`: how strictly moderation reads what is said
    in it."""

    id: str
    name: str
    description: str
    category: str
    max_members: int
    is_private: bool
    created_at: datetime
    filter_level: FilterLevel = "standard"
    member_count: int = 1


class Member(msgspec.Struct, frozen=True):
    circle_id: str
    account_id: str
    role: MemberRole


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A member of one circle, and since when."""

    account_id: str
    role: MemberRole
    joined_at: datetime


class CircleFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which circles a page holds, newest first: those everybody may join and mine, or only `mine`.

    `name` is a part of it, in any case; `before` is the id of the last one of the page before. Circles of
    `without_owners` are shown to their members only.
    """

    category: str | None = None
    name: str | None = None
    mine: bool = False
    before: str | None = None
    without_owners: tuple[str, ...] = ()


class Listed(NamedTuple):
    """A circle with the role that the asker has in it."""

    circle: Circle
    role: MemberRole | None


class CircleView(View, frozen=True):
    id: str
    name: str
    description: str
    category: str
    max_members: int
    member_count: int
    is_private: bool
    filter_level: FilterLevel
    my_role: MemberRole | None
    created_at: str


class CircleAnswer(View, frozen=True):
    """Ack data of the circle events; `position` is where the circle's room log stands.

    `crisis` when the name or the description sounds as if its writer were in danger.
    """

    circle: CircleView
    position: rooms.Position | None = None
    crisis: CrisisResources | None = None


class CircleChanged(View, frozen=True):
    """Data of `circle:changed`; `my_role` is null in it: it is told to everybody."""

    circle: CircleView


class MemberChange(View, frozen=True):
    """Data of `circle:member`; `role` is the one that the member has now, null once they are gone."""

    circle_id: str
    member: PublicAccount
    action: Change
    role: MemberRole | None


class CreateCircle(Command, frozen=True):
    """A retry with the same `client_id` answers the same circle."""

    name: Name
    description: Description = ""
    category: Slug = "general"
    max_members: MaxMembers = 100
    is_private: bool = False
    filter_level: FilterLevel = "standard"
    client_id: ClientId | None = None


class EditCircle(Command, frozen=True):
    """Only the fields that are sent change."""

    circle_id: Id
    name: Name | msgspec.UnsetType = msgspec.UNSET
    description: Description | msgspec.UnsetType = msgspec.UNSET
    category: Slug | msgspec.UnsetType = msgspec.UNSET
    max_members: MaxMembers | msgspec.UnsetType = msgspec.UNSET
    is_private: bool | msgspec.UnsetType = msgspec.UNSET
    filter_level: FilterLevel | msgspec.UnsetType = msgspec.UNSET


class JoinCircle(Command, frozen=True):
    circle_id: Id


class LeaveCircle(Command, frozen=True):
    circle_id: Id


async def view_for(account_id: str, circle: Circle, role: MemberRole | None, ports: Ports) -> CircleView:
    return (await views_for(account_id, [Listed(circle, role)], ports))[0]


async def views_for(account_id: str, listed: Sequence[Listed], ports: Ports) -> list[CircleView]:
    """As this account sees them: members it is apart from do not count, as they are not in the list."""
    blocked = await ports.records.blocks.around(account_id)
    circle_ids = [one.circle.id for one in listed]
    hidden = await ports.records.circles.count_of(blocked, circle_ids) if blocked and listed else {}
    return [circle_view(circle, role, hidden.get(circle.id, 0)) for circle, role in listed]


def circle_view(circle: Circle, role: MemberRole | None, hidden: int = 0) -> CircleView:
    return CircleView(
        id=circle.id,
        name=circle.name,
        description=circle.description,
        category=circle.category,
        max_members=circle.max_members,
        member_count=max(0, circle.member_count - hidden),
        is_private=circle.is_private,
        filter_level=circle.filter_level,
        my_role=role,
        created_at=rfc3339(circle.created_at),
    )


async def create_circle(command: CreateCircle, user: User, ports: Ports) -> CircleAnswer:
    creation_id = _creation_id(command, user)
    original = await ports.records.circles.by_creation(creation_id) if creation_id else None
    if original is not None:
        return await _original(original, command, user, ports)
    return await _create(command, creation_id, user, ports)


def _creation_id(command: CreateCircle, user: User) -> str | None:
    return derived_id("circle:create", user.id, command.client_id) if command.client_id else None


async def _original(circle: Circle, command: CreateCircle, user: User, ports: Ports) -> CircleAnswer:
    """As it is now; `not_found` for who may no longer see it."""
    seen = await view_for(user.id, *await seen_circle(circle.id, user, ports), ports)
    return CircleAnswer(circle=seen, crisis=offered_help(command, user))


async def _create(command: CreateCircle, creation_id: str | None, user: User, ports: Ports) -> CircleAnswer:
    circle = _new_circle(command, ports)
    await trust.check_may_write(user, ports)
    await check_rate(user, ports)
    help_offered = _check_words(msgspec.structs.asdict(circle), user)
    await limits.check("circles", user.id, await _most_per_day(command, user, ports), limits.DAY, ports)
    await check_place(user, ports)
    told = member_event(circle.id, user.id, "joined", ports)
    async with ports.transaction() as tx:
        added = await tx.circles.add(circle, user.id, creation_id)
        if added:
            await events.record(told, [], tx)
    if not added:
        return await create_circle(command, user, ports)
    ports.announcer.announce(told)
    return CircleAnswer(circle=circle_view(circle, "owner"), crisis=help_offered)


def _new_circle(command: CreateCircle, ports: Ports) -> Circle:
    return Circle(
        id=new_id(),
        name=accepted_name(command.name),
        description=storable_text(command.description, "description"),
        category=command.category,
        max_members=command.max_members,
        is_private=command.is_private,
        filter_level=command.filter_level,
        created_at=ports.now(),
    )


def accepted_name(name: str) -> str:
    """Without the spaces around it, which do not make it long enough."""
    return accepted_text(name, "name", characters_min=NAME_MIN, characters_max=NAME_MAX)


def _check_words(said: Mapping[str, object], user: User) -> CrisisResources | None:
    """Refuses what nobody should read on the door of a circle; answers help for whom it sounds to need it."""
    texts = {name: str(said[name]) for name in ("name", "description") if name in said}
    danger = [naming.check_text(text, name, "circle") for name, text in texts.items()]
    if "category" in said:
        naming.check_slugs([str(said["category"])], "category")
    return crisis.resources_for(user.country) if any(danger) else None


async def _most_per_day(command: CreateCircle, user: User, ports: Ports) -> int:
    """Somebody new opens one circle a day, and none behind closed doors."""
    if await trust.trust_of(user.id, ports) != "new":
        return ports.settings.circles_per_day
    if command.is_private:
        raise Forbidden(NOT_YET_PRIVATE, field="is_private")
    return ports.settings.new_account_circles_per_day


NOT_YET_PRIVATE = "Private circles open up after a few days here."
STAYS_PRIVATE = "What was said in a private circle was not meant for everybody: it stays private."


async def edit_circle(command: EditCircle, user: User, ports: Ports) -> CircleAnswer:
    """For its owner; what is as it was already is not told again."""
    circle = await _owned(command.circle_id, user, ports.records)
    wanted = _wanted(command)
    changes = changes_of(circle, wanted)
    if not changes:
        same = await view_for(user.id, circle, "owner", ports)
        return CircleAnswer(circle=same, crisis=offered_help(command, user))
    await trust.check_may_write(user, ports)
    await check_rate(user, ports)
    help_offered = _check_words(changes, user)
    await _check_door(changes, user, ports)
    edited = await view_for(user.id, await _edit(circle.id, wanted, user, ports), "owner", ports)
    return CircleAnswer(circle=edited, crisis=help_offered)


def offered_help(command: CreateCircle | EditCircle, user: User) -> CrisisResources | None:
    """Needs no store, as for posts: somebody's cry may be the name of a circle."""
    said = [text for text in (command.name, command.description) if isinstance(text, str)]
    return crisis.resources_for(user.country) if any(map(moderation.quick_check, said)) else None


async def _edit(circle_id: str, wanted: dict[str, object], user: User, ports: Ports) -> Circle:
    told = changed_event(circle_id, ports)
    async with ports.transaction() as tx:
        circle = await _owned(circle_id, user, tx, lock=True)
        changes = changes_of(circle, wanted)
        if changes.get("is_private") is False:
            raise Conflict(STAYS_PRIVATE, field="is_private")
        if changes:
            circle = await tx.circles.edit(circle_id, changes)
            await events.record(told, [], tx)
    if changes:
        ports.announcer.announce(told)
    return circle


def changes_of(circle: Circle, wanted: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in wanted.items() if value != getattr(circle, name)}


async def check_rate(user: User, ports: Ports) -> None:
    """Every member of a circle hears of each coming and of each change."""
    most = ports.settings.circle_changes_per_hour
    await limits.check("circle_changes", user.id, most, limits.HOUR, ports)


async def _owned(circle_id: str, user: User, records: Records, *, lock: bool = False) -> Circle:
    circle = await (records.circles.lock(circle_id) if lock else records.circles.get(circle_id))
    return access.check_circle_owner(circle, await records.circles.role_of(circle_id, user.id))


def _wanted(command: EditCircle) -> dict[str, object]:
    changes = {
        name: value
        for name, value in msgspec.structs.asdict(command).items()
        if name != "circle_id" and value is not msgspec.UNSET
    }
    if isinstance(command.name, str):
        changes["name"] = accepted_name(command.name)
    if isinstance(command.description, str):
        changes["description"] = storable_text(command.description, "description")
    return changes


async def _check_door(changes: dict[str, object], user: User, ports: Ports) -> None:
    """A door that was open is closed by those only who may open a private circle."""
    if changes.get("is_private") and await trust.trust_of(user.id, ports) == "new":
        raise Forbidden(NOT_YET_PRIVATE, field="is_private")


async def join_circle(command: JoinCircle, user: User, ports: Ports) -> CircleAnswer:
    """Joining again answers the same; a private circle is joined by invitation only."""
    circle, role = await seen_circle(command.circle_id, user, ports)
    if role is not None:
        return CircleAnswer(circle=await view_for(user.id, circle, role, ports))
    await check_place(user, ports)
    await check_rate(user, ports)
    told = member_event(circle.id, user.id, "joined", ports)
    async with ports.transaction() as tx:
        locked = await tx.circles.lock(circle.id)
        access.check_joinable(locked, barred=await tx.bars.holds(circle.id, user.id))
        joined = await tx.circles.join(circle.id, user.id, ports.now())
        if joined:
            await events.record(told, [], tx)
    if joined:
        ports.announcer.announce(told)
    return await answer_of(circle.id, user, ports)


async def seen_circle(circle_id: str, user: User, ports: Ports) -> tuple[Circle, MemberRole | None]:
    """The circle and the user's role in it, or `not_found`: a private one is there for whom it lets in."""
    role = await ports.records.circles.role_of(circle_id, user.id)
    circle = await ports.records.circles.get(circle_id)
    invited = circle is not None and circle.is_private and role is None
    invited = invited and await is_invited(circle_id, user, ports)
    return access.sees_circle(circle, role, invited=invited), role


async def is_invited(circle_id: str, user: User, ports: Ports) -> bool:
    """By somebody who is not blocked, and the invitation is still good."""
    found = await ports.records.invitations.to_account(circle_id, user.id)
    if found is None or not found.is_open(ports.now()):
        return False
    return found.inviter_id not in await ports.records.blocks.around(user.id)


async def check_place(user: User, ports: Ports) -> None:
    """Each circle is a room for every phone of its member, and hears whenever the member comes and goes."""
    if len(await ports.records.circles.of_account(user.id)) >= ports.settings.circles_per_account:
        raise Conflict("Please leave one of your circles first.")


async def leave_circle(command: LeaveCircle, user: User, ports: Ports) -> CircleAnswer:
    """Whoever leaves last takes the circle along: one without members would have no owner either.

    An owner who sees nobody in it cannot hand it over; those whom they do not see inherit it.
    """
    told = [member_event(command.circle_id, user.id, "left", ports)]
    async with ports.transaction() as tx:
        circle = await tx.circles.lock(command.circle_id)
        role = await tx.circles.role_of(command.circle_id, user.id)
        hidden = await tx.circles.count_of(await tx.blocks.around(user.id), [command.circle_id])
        circle = access.check_leaves(circle, role, hidden.get(command.circle_id, 0))
        left = await _leave(circle, role, user, tx)
        if role == "owner" and (heir := await tx.circles.inherit(circle.id)):
            told.append(member_event(circle.id, heir, "role_changed", ports))
        for event in told:
            await events.record(event, [], tx)
    ports.announcer.announce(*told)
    return CircleAnswer(circle=await view_for(user.id, left, None, ports))


async def _leave(circle: Circle, role: MemberRole | None, user: User, tx: Records) -> Circle:
    """The circle as it is without them."""
    await tx.circles.leave(circle.id, user.id)
    if role != "member":
        await tx.invitations.revoke_around(circle.id, user.id)
    await tx.circles.close_empty(circle.id)
    return msgspec.structs.replace(circle, member_count=circle.member_count - 1)


async def answer_of(circle_id: str, user: User, ports: Ports) -> CircleAnswer:
    """The circle as it is now, for a member."""
    circle = await ports.records.circles.get(circle_id)
    if circle is None:
        raise NotFound
    role = await ports.records.circles.role_of(circle_id, user.id)
    return CircleAnswer(circle=await view_for(user.id, circle, role, ports))


def changed_event(circle_id: str, ports: Ports) -> Event:
    """Nobody's deed: also those hear of it who have blocked whoever changed it."""
    return Event(id=new_id(), name="circle:changed", at=ports.now(), refs={"circle_id": circle_id})


def member_event(circle_id: str, account_id: str, action: Change, ports: Ports) -> Event:
    """About the member, whoever did it: those who blocked the member do not hear of it."""
    return Event(
        id=new_id(),
        name="circle:member",
        at=ports.now(),
        refs={"circle_id": circle_id, "account_id": account_id, "action": action},
        actor=account_id,
    )


@events.composes("circle:changed")
async def compose_changed(event: Event, ports: Ports) -> tuple[list[str], object, bytes] | None:
    circle = await ports.records.circles.get(event.refs["circle_id"])
    if circle is None:
        return None
    told = CircleChanged(circle=circle_view(circle, None))
    return [rooms.circle_room(circle.id)], told, await shares.of_members(circle.id, ports)


GONE: frozenset[Change] = frozenset({"left", "removed"})


@events.composes("circle:member")
async def compose_member(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    """Told to the circle, and to the member's own room so that each of its phones follows.

    Not what is no longer so: a coming that is told late must not put anybody back who went meanwhile.
    """
    circle_id, account_id = event.refs["circle_id"], event.refs["account_id"]
    action = msgspec.convert(event.refs["action"], Change)
    role = await ports.records.circles.role_of(circle_id, account_id)
    if (role is None) != (action in GONE):
        return None
    faces = await public_accounts({account_id}, ports)
    change = MemberChange(circle_id=circle_id, member=faces[account_id], action=action, role=role)
    return [rooms.circle_room(circle_id), rooms.user_room(account_id)], change
