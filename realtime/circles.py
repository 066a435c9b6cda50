"""Circles' rooms: a client is in one for as long as its account is a member, whatever happens meanwhile."""

from contextlib import suppress

from domain import resume, rooms
from domain.errors import NotFound
from domain.ports import Ports
from domain.posts import Post, visible_post
from domain.rooms import Position, RoomState
from realtime.client import Client
from realtime.rooms import Rooms


async def enter_circle(
    client: Client, circle_id: str, here: Rooms, ports: Ports, position: Position | None = None
) -> RoomState:
    """For who hears their own room, in which every removal is told; raises `NotFound` for no member.

    A departure that is heard meanwhile may be older than the membership: it is looked again then.
    """
    while True:
        before = client.departures.get(circle_id, 0)
        await resume.check_hears(rooms.circle_room(circle_id), client.user, ports)
        try:
            return await enter_as_member(client, circle_id, here, before, position)
        except NotFound:
            if client.departures.get(circle_id, 0) == before:
                raise


async def return_to_circle(client: Client, circle_id: str, here: Rooms, ports: Ports) -> bool:
    """For who may have been let out wrongly: goes on where they were. False where that cannot be proved.

    What one server tells of a circle may come after what another one told later: a departure is heard, and
    obeyed, when its member is back already. Raises `NotFound` for no member.
    """
    left = client.left.get(circle_id, {})
    room = rooms.circle_room(circle_id)
    states = [await enter_circle(client, circle_id, here, ports, left.get(room))]
    for thread in left.keys() - {room}:
        with suppress(NotFound):
            states.append(await _return_to_thread(client, thread, here, ports, left[thread]))
    client.left.pop(circle_id, None)
    return not left or all(state.recovered for state in states)


async def _return_to_thread(
    client: Client, room: str, here: Rooms, ports: Ports, position: Position
) -> RoomState:
    note_thread(client, await visible_post(rooms.split(room)[1], client.user, ports))
    return await join_thread(client, room, here, position)


async def enter_as_member(
    client: Client, circle_id: str, here: Rooms, before: int, position: Position | None = None
) -> RoomState:
    """For who was a member when they had left the circle `before` times.

    Raises `NotFound` for who has left it meanwhile, before anything is replayed.
    """

    def still() -> bool:
        return client.departures.get(circle_id, 0) == before

    return await here.join(client, rooms.circle_room(circle_id), position, still=still)


def leave_circle(client: Client, circle_id: str, here: Rooms) -> bool:
    """Leaves the circle's room and its open threads, at once. False for who heard none of them."""
    client.departures[circle_id] = client.departures.get(circle_id, 0) + 1
    threads = [room for room, circle in client.circle_threads.items() if circle == circle_id]
    heard = [room for room in [rooms.circle_room(circle_id), *threads] if here.hears(client, room)]
    for room in heard:
        client.left.setdefault(circle_id, {})[room] = here.position(room)
        here.leave(client, room)
    for room in threads:
        del client.circle_threads[room]
    return bool(heard)


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


async def leave_unseen_threads(client: Client, here: Rooms, ports: Ports) -> None:
    """A thread that was open may now be one that this person may not see."""
    for room in here.threads_of(client):
        try:
            await visible_post(rooms.split(room)[1], client.user, ports)
        except NotFound:
            if client.here:
                here.leave(client, room)
