"""People who do what they like with one circle, and what has to be true of it whatever they do."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from domain import circles, invitations, members
from domain.accounts import User
from domain.circles import CreateCircle, EditCircle, JoinCircle, LeaveCircle, MemberRole
from domain.errors import Conflict, Forbidden, NotFound, RateLimited
from domain.invitations import Accept, Invite
from domain.members import LiftBar, RemoveMember, SetRole
from domain.ports import Ports

MAX_MEMBERS = 4
Deed = tuple[str, int, int]
"""What somebody does, who (by number), and to whom."""


@dataclass
class Life:
    """`people[0]` made the circle; `code` lets in two."""

    ports: Ports
    people: Sequence[User]
    circle_id: str
    code: str

    async def do(self, deed: Deed) -> None:
        """Refusals are fine: they are what keeps the circle whole."""
        what, who, whom = deed
        with suppress(Forbidden, NotFound, Conflict, RateLimited):
            await DEEDS[what](self, self.people[who], self.people[whom])

    async def check(self) -> None:
        """One owner as long as there is anybody; as many members as are counted; nobody barred inside."""
        records = self.ports.records
        circle = await records.circles.get(self.circle_id)
        found = await records.circles.members(self.circle_id, None, 100, without=[])
        if circle is None:
            assert found == []
            return
        assert circle.member_count == len(found) <= circle.max_members
        assert [member.role for member in found].count("owner") == 1
        for member in found:
            assert not await records.bars.holds(self.circle_id, member.account_id)
        by_code = await records.invitations.by_code(invitations.hash_of(self.code, self.ports))
        assert by_code is None or by_code.uses <= by_code.uses_max


async def begun(ports: Ports, people: Sequence[User]) -> Life:
    made = await circles.create_circle(
        CreateCircle(name="Night watch", max_members=MAX_MEMBERS), people[0], ports
    )
    invited = await invitations.invite(Invite(circle_id=made.circle.id, uses=2), people[0], ports)
    return Life(ports, people, made.circle.id, invited.invitation.code or "")


async def join(life: Life, who: User, _: User) -> None:
    await circles.join_circle(JoinCircle(circle_id=life.circle_id), who, life.ports)


async def leave(life: Life, who: User, _: User) -> None:
    await circles.leave_circle(LeaveCircle(circle_id=life.circle_id), who, life.ports)


async def remove(life: Life, who: User, whom: User) -> None:
    command = RemoveMember(circle_id=life.circle_id, user_id=whom.id)
    await members.remove_member(command, who, life.ports)


async def lift(life: Life, who: User, whom: User) -> None:
    await members.lift_bar(LiftBar(circle_id=life.circle_id, user_id=whom.id), who, life.ports)


def role(name: MemberRole) -> Callable[[Life, User, User], Awaitable[None]]:
    async def give(life: Life, who: User, whom: User) -> None:
        command = SetRole(circle_id=life.circle_id, user_id=whom.id, role=name)
        await members.set_role(command, who, life.ports)

    return give


async def invite_and_accept(life: Life, who: User, whom: User) -> None:
    made = await invitations.invite(Invite(circle_id=life.circle_id, user_id=whom.id), who, life.ports)
    await asyncio.sleep(0)
    await invitations.accept(Accept(invitation_id=made.invitation.id), whom, life.ports)


async def by_code(life: Life, who: User, _: User) -> None:
    await invitations.accept(Accept(code=life.code), who, life.ports)


async def shrink(life: Life, who: User, _: User) -> None:
    await circles.edit_circle(EditCircle(circle_id=life.circle_id, max_members=3), who, life.ports)


async def grow(life: Life, who: User, _: User) -> None:
    await circles.edit_circle(EditCircle(circle_id=life.circle_id, max_members=5), who, life.ports)


DEEDS: dict[str, Callable[[Life, User, User], Awaitable[None]]] = {
    "join": join,
    "leave": leave,
    "remove": remove,
    "lift": lift,
    "hand over": role("owner"),
    "promote": role("moderator"),
    "demote": role("member"),
    "invite": invite_and_accept,
    "code": by_code,
    "shrink": shrink,
    "grow": grow,
}
