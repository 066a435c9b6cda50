"""Doors: what everybody reads of a circle, and how moderation takes that away and gives it back."""

import msgspec

from domain import circles, invitations
from domain.circles import Circle
from domain.events import Event
from domain.ids import derived_id
from domain.ports import Ports, Records

NAMELESS = "A circle without a name"
INVITED_MAX = 500
"""The newest open invitations; who was invited before them reads the door of now when they look."""


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
    """Each cause is told once, however often it is done; also to those who were invited and read the name."""
    changed = msgspec.structs.replace(
        circles.changed_event(circle_id, ports), id=derived_id("circle:changed", circle_id, cause)
    )
    async with ports.transaction() as tx:
        circle = await tx.circles.lock(circle_id)
        if circle is None or door_of(circle) == door:
            return
        await tx.circles.edit(circle_id, msgspec.structs.asdict(door))
        invited = await _invited_again(circle_id, cause, tx, ports)
        await tx.outbox.add_many([changed, *invited])
    ports.announcer.announce(changed, *invited)


async def _invited_again(circle_id: str, cause: str, tx: Records, ports: Ports) -> list[Event]:
    """The same invitations with the door as it is now: a phone puts each in the place of the one it has."""
    found = await tx.invitations.of_circle(circle_id, ports.now(), None, INVITED_MAX, without=())
    told = [invitations.invited_event(one) for one in found if one.account_id is not None]
    return [
        msgspec.structs.replace(one, id=derived_id("circle:invited", one.id, cause), at=ports.now())
        for one in told
    ]
