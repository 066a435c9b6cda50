"""Circles' rooms: a client is in one for as long as its account is a member, whatever happens meanwhile."""

from domain import resume, rooms
from domain.errors import DomainError
from domain.ports import Ports
from domain.posts import Post
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


def leave_circle(client: Client, circle_id: str, here: Rooms) -> list[str]:
    """Leaves the circle's room and its open threads, at once; returns their names."""
    threads = [room for room, circle in client.circle_threads.items() if circle == circle_id]
    left = [rooms.circle_room(circle_id), *threads]
    for room in left:
        client.circle_threads.pop(room, None)
        if client.connection.sid is not None:
            here.leave(client, room)
    return left


def note_thread(client: Client, post: Post) -> str:
    """The room of a post's thread; one that only a circle sees is left with the circle."""
    room = rooms.post_room(post.id)
    if post.visibility == "circle" and post.circle_id is not None:
        client.circle_threads[room] = post.circle_id
    return room
