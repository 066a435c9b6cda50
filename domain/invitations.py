"""Invitations into circles: to one person, or by a code for whoever it is given to.

Owner and moderators invite. An invitation is good until it expires, is used up or is taken back, and goes
with whoever made it: once they look after the circle no longer, nobody comes in on their word.
"""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from domain import access, circles, events, limits, members, pages, rooms, trust
from domain.accounts import PublicAccount, User, public_accounts
from domain.circles import Circle, CircleAnswer, CircleView, Listed
from domain.clock import rfc3339
from domain.errors import Conflict, Invalid, NotFound
from domain.events import Event
from domain.ids import derived_id, new_id
from domain.jobs import Job
from domain.pages import Page, Place
from domain.ports import Ports, Records
from domain.wire import END, ClientId, Command, Id, View

CODE_BYTES = 10
"""80 bits, which are 16 characters of base32: nobody finds one by trying."""
HOURS_MAX = 30 * 24
AGAIN_MAX, AGAIN_WINDOW = 3, 7 * limits.DAY
"""Whoever declines is left in peace: a circle invites one person so often in a week."""

Code = Annotated[str, msgspec.Meta(min_length=16, max_length=24, pattern=r"^[A-Za-z2-7 -]+" + END)]


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `circle_invitations`: for one account, or for who knows the code behind `code_hash`."""

    id: str
    circle_id: str
    inviter_id: str
    account_id: str | None
    code_hash: bytes | None
    uses_max: int
    uses: int
    created_at: datetime
    expires_at: datetime

    def is_open(self, now: datetime) -> bool:
        return self.uses < self.uses_max and now < self.expires_at


class Invite(Command, frozen=True):
    """With `user_id` one person is invited; without it a code is made, for `uses` people.

    A retry with the same `client_id` answers the same code.
    """

    circle_id: Id
    user_id: Id | None = None
    client_id: ClientId | None = None
    uses: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    expires_in_hours: Annotated[int, msgspec.Meta(ge=1, le=HOURS_MAX)] = 7 * 24


class Accept(Command, frozen=True):
    """One of both: the id of an invitation to oneself, or a code. Blanks, dashes and case of a code do not
    matter."""

    invitation_id: Id | None = None
    code: Code | None = None


class Revoke(Command, frozen=True):
    circle_id: Id
    invitation_id: Id


class Decline(Command, frozen=True):
    invitation_id: Id


class InvitationView(View, frozen=True):
    """As the circle's owner and moderators see it: whom it is for, or the code."""

    id: str
    circle_id: str
    inviter: PublicAccount
    invited: PublicAccount | None
    code: str | None
    uses: int
    uses_max: int
    created_at: str
    expires_at: str


class Invited(View, frozen=True):
    """Ack data of `circle:invite`."""

    circle: CircleView
    invitation: InvitationView


class ReceivedView(View, frozen=True):
    """An invitation as the person sees it whom it is for."""

    id: str
    circle: CircleView
    inviter: PublicAccount
    created_at: str
    expires_at: str


class CircleInvited(View, frozen=True):
    """Data of `circle:invited`."""

    invitation: ReceivedView


async def invite(command: Invite, user: User, ports: Ports) -> Invited:
    """Inviting somebody again who has not answered changes nothing; it lifts the bar of who was removed."""
    circle = await _looked_after(command.circle_id, user, ports.records)
    if command.user_id is None:
        made = await _with_code(command, user, ports)
    else:
        made = await _to_person(command, command.user_id, user, ports)
    (view,) = await _views([made], ports)
    role = await ports.records.circles.role_of(circle.id, user.id)
    return Invited(circle=await circles.view_for(user.id, circle, role, ports), invitation=view)


async def _looked_after(circle_id: str, user: User, records: Records) -> Circle:
    role = await records.circles.role_of(circle_id, user.id)
    return access.check_steward(await records.circles.get(circle_id), role)


async def _to_person(command: Invite, account_id: str, user: User, ports: Ports) -> Invitation:
    await _check_reachable(account_id, user, ports)
    known = await ports.records.invitations.to_account(command.circle_id, account_id)
    if known is not None and known.is_open(ports.now()):
        return known
    await _check_rate(user, ports)
    await limits.check(
        "invitations:again", f"{command.circle_id}:{account_id}", AGAIN_MAX, AGAIN_WINDOW, ports
    )
    made = new_invitation(command, user, ports, account_id=account_id)
    told = invited_event(made)
    async with ports.transaction() as tx:
        await tx.circles.lock(command.circle_id)
        await _looked_after(command.circle_id, user, tx)
        if await tx.circles.role_of(command.circle_id, account_id) is not None:
            raise Conflict("They are in this circle already.", field="user_id")
        await tx.invitations.put(made)
        owed = await events.record(told, [notify_job(made, told)], tx)
        await members.lift(command.circle_id, account_id, user, tx, ports)
    ports.announcer.announce(told, jobs=owed)
    return made


async def _check_reachable(account_id: str, user: User, ports: Ports) -> None:
    """Who is blocked, on either side, is as little there as who never was."""
    account = await ports.records.accounts.get(account_id)
    if account is None or account.status != "active":
        raise NotFound
    if account_id in await ports.records.blocks.around(user.id):
        raise NotFound


async def _check_rate(user: User, ports: Ports) -> None:
    await trust.check_may_write(user, ports)
    await limits.check("invitations", user.id, ports.settings.invitations_per_day, limits.DAY, ports)


async def _with_code(command: Invite, user: User, ports: Ports) -> Invitation:
    made = new_invitation(command, user, ports, account_id=None)
    known = await ports.records.invitations.get(made.id)
    if known is not None:
        return known
    await _check_rate(user, ports)
    async with ports.transaction() as tx:
        await tx.circles.lock(command.circle_id)
        await _looked_after(command.circle_id, user, tx)
        if await tx.invitations.codes(command.circle_id, ports.now()) >= ports.settings.circle_codes_max:
            raise Conflict("Please take back one of the codes first.")
        if await tx.invitations.get(made.id) is None:
            await tx.invitations.put(made)
    return made


def new_invitation(command: Invite, user: User, ports: Ports, *, account_id: str | None) -> Invitation:
    by_retry = command.client_id is not None and account_id is None
    id = derived_id("code", command.circle_id, user.id, command.client_id or "") if by_retry else new_id()
    return Invitation(
        id=id,
        circle_id=command.circle_id,
        inviter_id=user.id,
        account_id=account_id,
        code_hash=None if account_id else hash_of(code_of(id, ports), ports),
        uses_max=1 if account_id else command.uses,
        uses=0,
        created_at=ports.now(),
        expires_at=ports.now() + timedelta(hours=command.expires_in_hours),
    )


def code_of(invitation_id: str, ports: Ports) -> str:
    """The code of an invitation, in groups that a person can read out. It follows from our key: it can be
    shown again, and is kept nowhere."""
    digest = ports.cipher.lookup(f"circle-code:{invitation_id}".encode())
    text = base64.b32encode(digest[:CODE_BYTES]).decode()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def hash_of(code: str, ports: Ports) -> bytes:
    plain = code.upper().replace("-", "").replace(" ", "")
    return ports.cipher.lookup(f"circle-code-hash:{plain}".encode())


async def accept(command: Accept, user: User, ports: Ports) -> CircleAnswer:
    """Accepting again answers the same, and takes no second place of a code."""
    found = await _named(command, user, ports)
    if await ports.records.circles.role_of(found.circle_id, user.id) is not None:
        return await circles.answer_of(found.circle_id, user, ports)
    await circles.check_place(user, ports)
    await circles.check_rate(user, ports)
    told = circles.member_event(found.circle_id, user.id, "joined", ports)
    async with ports.transaction() as tx:
        joined = await _join(found, user, tx, ports)
        if joined:
            await events.record(told, [], tx)
    if joined:
        ports.announcer.announce(told)
    return await circles.answer_of(found.circle_id, user, ports)


async def _named(command: Accept, user: User, ports: Ports) -> Invitation:
    """The invitation that is meant, open or not; `not_found` for one to somebody else."""
    if (command.invitation_id is None) == (command.code is None):
        raise Invalid("Please send an invitation_id or a code.", field="invitation_id")
    if command.code is not None:
        most = ports.settings.circle_codes_tried_per_hour
        await limits.check("circle_codes", user.id, most, limits.HOUR, ports)
        found = await ports.records.invitations.by_code(hash_of(command.code, ports))
    else:
        found = await ports.records.invitations.get(command.invitation_id or "")
    if found is None or (command.code is None and found.account_id != user.id):
        raise NotFound
    return found


async def _join(found: Invitation, user: User, tx: Records, ports: Ports) -> bool:
    """Looks again while the circle is held: the invitation may be used up or taken back meanwhile."""
    await tx.circles.lock(found.circle_id)
    invitation = await tx.invitations.get(found.id)
    barred = await tx.bars.holds(found.circle_id, user.id)
    apart = await tx.blocks.around(user.id)
    if invitation is None or barred or invitation.inviter_id in apart:
        raise NotFound
    if await tx.circles.role_of(found.circle_id, user.id) is not None:
        return False
    if not invitation.is_open(ports.now()):
        raise NotFound
    joined = await tx.circles.join(found.circle_id, user.id, ports.now())
    await tx.invitations.use(found.id)
    return joined


async def revoke(command: Revoke, user: User, ports: Ports) -> None:
    """For the circle's owner and moderators, whoever of them made it."""
    await _looked_after(command.circle_id, user, ports.records)
    found = await ports.records.invitations.get(command.invitation_id)
    if found is None or found.circle_id != command.circle_id:
        raise NotFound
    await ports.records.invitations.revoke(found.id)


async def decline(command: Decline, user: User, ports: Ports) -> None:
    """Nobody is told; whoever invited sees it no longer among those that are open."""
    found = await ports.records.invitations.get(command.invitation_id)
    if found is None or found.account_id != user.id:
        raise NotFound
    await ports.records.invitations.revoke(found.id)


async def list_invitations(
    circle_id: str, user: User, ports: Ports, *, cursor: str | None, limit: int
) -> Page[InvitationView]:
    """The open ones of a circle, newest first, for its owner and moderators; without blocked people."""
    circle = await _looked_after(circle_id, user, ports.records)
    apart = sorted(await ports.records.blocks.around(user.id))
    after = pages.place_of(pages.decode_cursor(cursor))
    found = await ports.records.invitations.of_circle(circle.id, ports.now(), after, limit + 1, without=apart)
    return Page(
        items=await _views(found[:limit], ports),
        next_cursor=pages.next_cursor([place_of(one) for one in found], limit),
    )


async def my_invitations(user: User, ports: Ports, *, cursor: str | None, limit: int) -> Page[ReceivedView]:
    """Those that I can accept, newest first, without those of blocked people."""
    apart = sorted(await ports.records.blocks.around(user.id))
    after = pages.place_of(pages.decode_cursor(cursor))
    found = await ports.records.invitations.of_account(user.id, ports.now(), after, limit + 1, without=apart)
    return Page(
        items=await _received(user.id, found[:limit], ports),
        next_cursor=pages.next_cursor([place_of(one) for one in found], limit),
    )


def place_of(invitation: Invitation) -> Place:
    return Place(invitation.created_at, invitation.id)


async def _views(found: Sequence[Invitation], ports: Ports) -> list[InvitationView]:
    people = {id for one in found for id in (one.inviter_id, one.account_id) if id}
    faces = await public_accounts(people, ports)
    return [
        InvitationView(
            id=one.id,
            circle_id=one.circle_id,
            inviter=faces[one.inviter_id],
            invited=faces[one.account_id] if one.account_id else None,
            code=None if one.account_id else code_of(one.id, ports),
            uses=one.uses,
            uses_max=one.uses_max,
            created_at=rfc3339(one.created_at),
            expires_at=rfc3339(one.expires_at),
        )
        for one in found
    ]


async def _received(account_id: str, found: Sequence[Invitation], ports: Ports) -> list[ReceivedView]:
    """As the account sees them that was invited."""
    faces = await public_accounts({one.inviter_id for one in found}, ports)
    into = await ports.records.circles.get_many([one.circle_id for one in found])
    seen = await circles.views_for(account_id, [Listed(circle, None) for circle in into.values()], ports)
    views = {view.id: view for view in seen}
    return [
        ReceivedView(
            id=one.id,
            circle=views[one.circle_id],
            inviter=faces[one.inviter_id],
            created_at=rfc3339(one.created_at),
            expires_at=rfc3339(one.expires_at),
        )
        for one in found
        if one.circle_id in views
    ]


def invited_event(invitation: Invitation) -> Event:
    return Event(
        id=derived_id("circle:invited", invitation.id),
        name="circle:invited",
        at=invitation.created_at,
        refs={"invitation_id": invitation.id},
        actor=invitation.inviter_id,
    )


def notify_job(invitation: Invitation, told: Event) -> Job:
    args = {
        "account_id": invitation.account_id or "",
        "kind": "invitation",
        "event_id": told.id,
        "post_id": "",
        "actor_id": invitation.inviter_id,
    }
    key = f"notify:{invitation.account_id}:{told.id}"
    return Job(name="notify", args=args, key=key, lane="default")


@events.composes("circle:invited")
async def compose_invited(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    """Not for what was taken back, used or has expired meanwhile."""
    found = await ports.records.invitations.get(event.refs["invitation_id"])
    if found is None or found.account_id is None or not found.is_open(ports.now()):
        return None
    (view,) = await _received(found.account_id, [found], ports)
    return [rooms.user_room(found.account_id)], CircleInvited(invitation=view)
