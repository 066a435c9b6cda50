"""Doors: what everybody reads of a circle, and how moderation takes that away and gives it back."""

import msgspec

from domain import circles, events
from domain.circles import Circle
from domain.ids import derived_id
from domain.ports import Ports

NAMELESS = "A circle without a name"


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision keeps of a circle whose name it takes away."""

    name: str
    description: str


CLEARED = Door(name=NAMELESS, description="")


def door_of(circle: Circle) -> Door:
    return Door(name=circle.name, description=circle.description)


async def clear(circle_id: str, cause: str, ports: Ports) -> None:
    """The circle stays; its owner may give it another name."""
    await _change(circle_id, CLEARED, cause, ports)


async def put_back(circle_id: str, kept: str, cause: str, ports: Ports) -> None:
    """Unless it has another name by now. `kept` is JSON of a `Door`."""
    circle = await ports.records.circles.get(circle_id)
    if circle is not None and door_of(circle) == CLEARED:
        await _change(circle_id, msgspec.json.decode(kept, type=Door), cause, ports)


async def _change(circle_id: str, door: Door, cause: str, ports: Ports) -> None:
    """Each cause is told once, however often it is done."""
    changed = msgspec.structs.replace(
        circles.changed_event(circle_id, ports), id=derived_id("circle:changed", circle_id, cause)
    )
    async with ports.transaction() as tx:
        circle = await tx.circles.lock(circle_id)
        if circle is None or door_of(circle) == door:
            return
        await tx.circles.edit(circle_id, msgspec.structs.asdict(door))
        await events.record(changed, [], tx)
    ports.announcer.announce(changed)
