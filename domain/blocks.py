"""Blocks: two people who never meet here again, and cannot tell who of them wanted it."""

from domain import events, ladder, limits, rooms
from domain.accounts import PublicAccount, User, public_accounts
from domain.errors import Conflict, Invalid, NotFound
from domain.events import Event
from domain.ids import new_id
from domain.jobs import Job
from domain.ports import Ports
from domain.wire import Command, Id, View

CHANGED = "~block:changed"
"""For servers only: they read anew who is blocked around the account of the room."""

BLOCKS_MAX = 5_000
"""Of one account. Every list that somebody asks for leaves out whom they blocked, each time."""


class AddBlock(Command, frozen=True):
    user_id: Id


class RemoveBlock(Command, frozen=True):
    user_id: Id


class Blocked(View, frozen=True):
    """Whom I blocked, newest first; never who blocked me."""

    items: list[PublicAccount]


class BlockChanged(View, frozen=True):
    """Data of `~block:changed`."""


async def add_block(command: AddBlock, user: User, ports: Ports) -> None:
    """Blocking again changes nothing; somebody who blocked me can be blocked like anybody else."""
    if command.user_id == user.id:
        raise Invalid("This is you.", field="user_id")
    if await ports.records.accounts.get(command.user_id) is None:
        raise NotFound
    await limits.check("blocks", user.id, ports.settings.blocks_per_hour, limits.HOUR, ports)
    made = await ports.records.blocks.made_by(user.id)
    if len(made) >= BLOCKS_MAX and command.user_id not in made:
        raise Conflict("Please take back some of your blocks first.")
    event = changed_event(user.id, command.user_id, ports)
    owed: list[Job] = []
    async with ports.transaction() as tx:
        if added := await tx.blocks.add(user.id, command.user_id, ports.now()):
            owed = await events.record(event, [set_apart_job(event)], tx)
            owed += await ladder.note_parting(user.id, command.user_id, ports.now(), tx)
    if added:
        ports.announcer.announce(event, jobs=owed)


async def remove_block(command: RemoveBlock, user: User, ports: Ports) -> None:
    """Taking back what is not there changes nothing, for an account that is there."""
    if await ports.records.accounts.get(command.user_id) is None:
        raise NotFound
    event = changed_event(user.id, command.user_id, ports)
    async with ports.transaction() as tx:
        if removed := await tx.blocks.remove(user.id, command.user_id):
            await events.record(event, [], tx)
    if removed:
        ports.announcer.announce(event)


async def my_blocks(user: User, ports: Ports) -> Blocked:
    ids = await ports.records.blocks.made_by(user.id)
    faces = await public_accounts(set(ids), ports)
    return Blocked(items=[faces[id] for id in ids])


def changed_event(one: str, other: str, ports: Ports) -> Event:
    return Event(id=new_id(), name=CHANGED, at=ports.now(), refs={"one": one, "other": other})


def set_apart_job(event: Event) -> Job:
    return Job(name="set_apart", args=event.refs, key=f"set_apart:{event.id}", lane="default")


@events.composes(CHANGED)
async def compose_changed(event: Event, ports: Ports) -> tuple[list[str], object]:
    return [rooms.user_room(event.refs["one"]), rooms.user_room(event.refs["other"])], BlockChanged()
