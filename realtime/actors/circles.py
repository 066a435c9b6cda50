"""Circles."""

import msgspec

from domain import circles, rooms
from domain.circles import CircleAnswer, CreateCircle, JoinCircle, LeaveCircle
from domain.ports import Ports
from domain.rooms import Position
from realtime.actor import on
from realtime.client import Client
from realtime.rooms import Rooms


class CircleActor:
    def __init__(self, ports: Ports, rooms: Rooms) -> None:
        self.ports = ports
        self.rooms = rooms

    @on("circle:create", CreateCircle)
    async def create(self, client: Client, command: CreateCircle) -> CircleAnswer:
        return await self._heard(client, await circles.create_circle(command, client.user, self.ports))

    @on("circle:join", JoinCircle)
    async def join(self, client: Client, command: JoinCircle) -> CircleAnswer:
        return await self._heard(client, await circles.join_circle(command, client.user, self.ports))

    @on("circle:leave", LeaveCircle)
    async def leave(self, client: Client, command: LeaveCircle) -> CircleAnswer:
        answer = await circles.leave_circle(command, client.user, self.ports)
        self.rooms.leave(client, rooms.circle_room(command.circle_id))
        return answer

    async def _heard(self, client: Client, answer: CircleAnswer) -> CircleAnswer:
        state = await self.rooms.join(client, rooms.circle_room(answer.circle.id))
        position = Position(epoch=state.epoch, seq=state.seq) if state.epoch else None
        return msgspec.structs.replace(answer, position=position)
