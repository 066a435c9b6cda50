"""Circles' rooms: a client is in one for as long as its account is a member, whatever happens meanwhile."""

from domain import resume, rooms
from domain.ports import Ports
from domain.posts import Post
from domain.rooms import Position, RoomState
from realtime.client import Client
from realtime.rooms import Rooms


async def enter_circle(client: Client, circle_id: str, here: Rooms, ports: Ports) -> RoomState:
    """For who hears their own room, in which every removal is told; raises `NotFound` for no member."""
    before = client.departures.get(circle_id, 0)
    await resume.check_hears(rooms.circle_room(circle_id), client.user, ports)
    return await enter_as_member(client, circle_id, here, before)


async def enter_as_member(
    client: Client, circle_id: str, here: Rooms, before: int, position: Position | None = None
) -> RoomState:
    """For who was a member when they had left the circle `before` times.

    Raises `NotFound` for who has left it meanwhile, before anything is replayed.
    """

    def still() -> bool:
        return client.departures.get(circle_id, 0) == before

    return await here.join(client, rooms.circle_room(circle_id), position, still=still)


def leave_circle(client: Client, circle_id: str, here: Rooms) -> None:
    """Leaves the circle's room and its open threads, at once."""
    client.departures[circle_id] = client.departures.get(circle_id, 0) + 1
    threads = [room for room, circle in client.circle_threads.items() if circle == circle_id]
    for room in [rooms.circle_room(circle_id), *threads]:
        client.circle_threads.pop(room, None)
        if client.connection.sid is not None:
            here.leave(client, room)


def note_thread(client: Client, post: Post) -> str:
    """The room of a post's thread; one that only a circle sees is left with the circle."""
    room = rooms.post_room(post.id)
    if post.visibility == "circle" and post.circle_id is not None:
        client.circle_threads[room] = post.circle_id
    return room


async def join_thread(client: Client, room: str, here: Rooms, position: Position | None = None) -> RoomState:
    """A thread, or any room that no circle guards; as `enter_as_member` for one of a circle."""
    guarded = room in client.circle_threads
    return await here.join(client, room, position, still=lambda: not guarded or room in client.circle_threads)
