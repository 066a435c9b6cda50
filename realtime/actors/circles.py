"""Circles."""

import msgspec

from domain import circles, invitations, members
from domain.circles import CircleAnswer, CreateCircle, EditCircle, JoinCircle, LeaveCircle
from domain.invitations import Accept, Invite, Invited
from domain.members import RemoveMember, SetRole
from domain.ports import Ports
from domain.rooms import Position
from realtime.actor import on
from realtime.circles import enter_circle, leave_circle
from realtime.client import Client
from realtime.rooms import Rooms


def crisis_help(command: CreateCircle | EditCircle, client: Client) -> dict[str, object] | None:
    """The numbers go out with a refusal too, when the words call for it."""
    resources = circles.offered_help(command, client.user)
    return {"crisis": resources} if resources else None


class CircleActor:
    def __init__(self, ports: Ports, rooms: Rooms) -> None:
        self.ports = ports
        self.rooms = rooms

    @on("circle:create", CreateCircle, console=crisis_help)
    async def create(self, client: Client, command: CreateCircle) -> CircleAnswer:
        return await self._heard(client, await circles.create_circle(command, client.user, self.ports))

    @on("circle:edit", EditCircle, console=crisis_help)
    async def edit(self, client: Client, command: EditCircle) -> CircleAnswer:
        return await circles.edit_circle(command, client.user, self.ports)

    @on("circle:join", JoinCircle)
    async def join(self, client: Client, command: JoinCircle) -> CircleAnswer:
        return await self._heard(client, await circles.join_circle(command, client.user, self.ports))

    @on("circle:leave", LeaveCircle)
    async def leave(self, client: Client, command: LeaveCircle) -> CircleAnswer:
        answer = await circles.leave_circle(command, client.user, self.ports)
        leave_circle(client, command.circle_id, self.rooms)
        client.left.pop(command.circle_id, None)
        return answer

    @on("circle:invite", Invite)
    async def invite(self, client: Client, command: Invite) -> Invited:
        return await invitations.invite(command, client.user, self.ports)

    @on("circle:accept", Accept)
    async def accept(self, client: Client, command: Accept) -> CircleAnswer:
        return await self._heard(client, await invitations.accept(command, client.user, self.ports))

    @on("circle:remove_member", RemoveMember)
    async def remove_member(self, client: Client, command: RemoveMember) -> CircleAnswer:
        return await members.remove_member(command, client.user, self.ports)

    @on("circle:set_role", SetRole)
    async def set_role(self, client: Client, command: SetRole) -> CircleAnswer:
        return await members.set_role(command, client.user, self.ports)

    async def _heard(self, client: Client, answer: CircleAnswer) -> CircleAnswer:
        state = await enter_circle(client, answer.circle.id, self.rooms, self.ports)
        position = Position(epoch=state.epoch, seq=state.seq) if state.epoch else None
        return msgspec.structs.replace(answer, position=position)
