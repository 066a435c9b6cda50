"""Resuming: what was missed in a room since a position, whole or refused."""

from collections.abc import Sequence

import msgspec

from domain import access, posts, rooms
from domain.accounts import User
from domain.errors import NotFound
from domain.ports import Ports
from domain.rooms import Logged, Position, Resume, RoomEvents

INTERNAL = "~"
"""Events of this prefix are for servers only."""


async def resume(command: Resume, user: User, ports: Ports) -> dict[str, RoomEvents]:
    """Room by room; a room the user may not hear is left out as if it did not exist."""
    answers: dict[str, RoomEvents] = {}
    for room, position in command.positions.items():
        try:
            answers[room] = await room_events(room, position, user, ports)
        except NotFound:
            continue
    return answers


async def room_events(room: str, position: Position | None, user: User, ports: Ports) -> RoomEvents:
    """The events after `position`, without those of blocked people; `NotFound` for a room not to be heard."""
    await check_hears(room, user, ports)
    after = position.seq if position else 0
    log = await ports.rooms.read(room, after, ports.settings.room_replay_events_max)
    missed = rooms.missed(log, position)
    blocked = await ports.records.blocks.around(user.id) if missed else frozenset[str]()
    return RoomEvents(
        room=room,
        epoch=log.epoch,
        seq=log.seq,
        recovered=missed is not None,
        events=[msgspec.Raw(event.body) for event in without_removed(missed or []) if shown(event, blocked)],
    )


class Refs(msgspec.Struct):
    """The ids in the data of an event, wherever they stand."""

    post_id: str | None = None
    response_id: str | None = None
    post: "Named | None" = None
    response: "Named | None" = None


class Named(msgspec.Struct):
    id: str
    post_id: str | None = None


class Told(msgspec.Struct):
    data: Refs


REMOVALS = frozenset({"post:removed", "response:removed"})
_told = msgspec.json.Decoder(Told)


def without_removed(events: Sequence[Logged]) -> Sequence[Logged]:
    """Leaves out what was said before it was removed: nobody is told again what is gone.

    A log holds events as they were told. The removal itself stays, for those who heard what came before it.
    """
    if not any(event.event in REMOVALS for event in events):
        return events
    gone: set[str] = set()
    kept: list[Logged] = []
    for event in reversed(events):
        about = ids_of(event)
        if event.event in REMOVALS:
            gone.add(about[0])
        elif gone & set(about):
            continue
        kept.append(event)
    return kept[::-1]


def ids_of(event: Logged) -> list[str]:
    """The response and the post that an event is about; the smaller thing first."""
    refs = _told.decode(event.body).data
    post = refs.post.id if refs.post else refs.post_id or (refs.response.post_id if refs.response else None)
    return [id for id in (refs.response.id if refs.response else refs.response_id, post) if id]


def shown(event: Logged, blocked: frozenset[str]) -> bool:
    return event.actor not in blocked and not event.event.startswith(INTERNAL)


async def check_hears(room: str, user: User, ports: Ports) -> None:
    kind, id = rooms.split(room)
    if kind == "post":
        await posts.visible_post(id, user, ports)
        return
    role = await ports.records.circles.role_of(id, user.id) if kind == "circle" else None
    if not access.hears_room(kind, id, user, role=role):
        raise NotFound
