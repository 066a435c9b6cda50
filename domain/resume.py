"""Resuming: what was missed in a room since a position, whole or refused."""

import msgspec

from domain import access, limits, posts, replay, rooms, shares
from domain.accounts import User
from domain.errors import NotFound
from domain.ports import Ports
from domain.rooms import INTERNAL, Logged, Position, Resume, RoomEvents, Slice


async def resume(command: Resume, user: User, ports: Ports) -> dict[str, RoomEvents]:
    """Room by room; a room the user may not hear is left out as if it did not exist.

    A few bytes can ask for megabytes: all rooms together are replayed no more than one, and not too often.
    """
    await limits.check("replays", user.id, ports.settings.replays_per_minute, limits.MINUTE, ports)
    answers: dict[str, RoomEvents] = {}
    left = ports.settings.room_replay_events_max
    for room, position in command.positions.items():
        try:
            await check_hears(room, user, ports)
            log = await ports.rooms.read(room, position.seq, left)
            left -= len(log.events)
            answers[room] = await _answer(room, log, position, user, ports)
        except NotFound:
            continue
    return answers


async def room_events(room: str, position: Position | None, user: User, ports: Ports) -> RoomEvents:
    """The events after `position`, without those of blocked people; `NotFound` for a room not to be heard."""
    await check_hears(room, user, ports)
    if position is None:
        return await _answer(room, await ports.rooms.read(room, 0, 0), None, user, ports)
    log = await ports.rooms.read(room, position.seq, ports.settings.room_replay_events_max)
    return await _answer(room, log, position, user, ports)


async def events_after(room: str, after: int, user: User, ports: Ports) -> RoomEvents:
    """As `room_events`, for who knows a seq alone; one ahead of the log was counted in another epoch."""
    await check_hears(room, user, ports)
    log = await ports.rooms.read(room, after, ports.settings.room_replay_events_max)
    position = Position(epoch=log.epoch, seq=after) if after <= log.seq else None
    return await _answer(room, log, position, user, ports)


async def _answer(room: str, log: Slice, position: Position | None, user: User, ports: Ports) -> RoomEvents:
    """Read first, checked then: nobody who was let out meanwhile hears what came after."""
    missed = rooms.missed(log, position)
    if missed:
        await check_hears(room, user, ports)
    blocked = await ports.records.blocks.around(user.id) if missed else frozenset[str]()
    return RoomEvents(
        room=room,
        epoch=log.epoch,
        seq=log.seq,
        recovered=missed is not None,
        events=[
            msgspec.Raw(shares.as_seen_by(event, blocked).body)
            for event in replay.as_it_is(missed or [])
            if shown(event, blocked)
        ],
    )


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
