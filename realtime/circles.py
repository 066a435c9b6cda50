"""Circles' rooms: a client is in one for as long as its account is a member, whatever happens meanwhile."""

from domain import resume, rooms
from domain.errors import DomainError
from domain.ports import Ports
from domain.rooms import RoomState
from realtime.client import Client
from realtime.rooms import Rooms


async def enter_circle(client: Client, circle_id: str, here: Rooms, ports: Ports) -> RoomState:
    """Enters first, asks then: a removal in between is seen here, a later one is told.

    Raises `NotFound` for who is no member any more.
    """
    room = rooms.circle_room(circle_id)
    state = await here.join(client, room)
    try:
        await resume.check_hears(room, client.user, ports)
    except DomainError:
        leave_circle(client, circle_id, here)
        raise
    return state


def leave_circle(client: Client, circle_id: str, here: Rooms) -> None:
    if client.connection.sid is not None:
        here.leave(client, rooms.circle_room(circle_id))
