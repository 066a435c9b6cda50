"""Held handles: nobody answers to a name that somebody else was known by until lately."""

import uuid

import pytest

from domain import accounts, erasure, held_handles, sessions
from domain.accounts import EditAccount, User
from domain.erasure import EraseMe
from domain.errors import Conflict, RateLimited
from domain.sessions import RegisterAnonymous
from tests.domain.world import World

CODE = "ABCD-EFGH-JKLM-NPQR-STUV-WXYZ"


async def rename(world: World, user: User, handle: str) -> None:
    await accounts.edit_me(EditAccount(handle=handle), user, world.ports)


async def refused(world: World, handle: str) -> bool:
    """Whether somebody new is told that the handle is taken."""
    before = world.rows()
    try:
        await sessions.register_anonymous(RegisterAnonymous(handle=handle), world.ports)
    except Conflict as error:
        told = (error.field, error.message)
    else:
        return False
    assert told == ("handle", "This is already taken.")
    assert world.rows() == before
    return True


async def test_a_handle_that_was_changed_is_not_free_at_once(world: World) -> None:
    user = await world.person(handle="quiet-otter")
    await rename(world, user, "brave-wren")
    assert await refused(world, "Quiet-Otter")
    with pytest.raises(Conflict):
        await rename(world, await world.person(), "quiet-otter")
    world.clock.advance(days=90)
    assert not await refused(world, "quiet-otter")


async def test_whose_handle_it_was_has_it_back(world: World) -> None:
    user = await world.person(handle="quiet-otter")
    await rename(world, user, "brave-wren")
    await rename(world, user, "quiet-otter")
    assert await refused(world, "brave-wren")
    await rename(world, user, "QUIET-OTTER")
    assert (await accounts.get_me(user, world.ports)).handle == "QUIET-OTTER"


async def test_after_an_erasure_nobody_has_it(world: World) -> None:
    user = await world.person(handle="quiet-otter", recovery_hash=sessions.recovery_hash(CODE))
    await rename(world, user, "brave-wren")
    await erasure.erase_me(EraseMe(recovery_code=CODE), user, world.ports)
    assert await refused(world, "quiet-otter")
    assert await refused(world, "brave-wren")
    world.clock.advance(days=90)
    await erasure.check_erasures(world.ports)
    assert not await refused(world, "quiet-otter")
    assert not await refused(world, "brave-wren")


async def test_what_is_held_says_neither_the_name_nor_who_was_erased(world: World) -> None:
    user = await world.person(handle="quiet-otter", recovery_hash=sessions.recovery_hash(CODE))
    await erasure.erase_me(EraseMe(recovery_code=CODE), user, world.ports)
    held = await world.ports.records.held_handles.get(held_handles.handle_hash("quiet-otter", world.ports))
    assert held is not None
    assert held.account_id is None
    assert b"otter" not in held.handle_hash


async def test_nobody_holds_one_name_after_the_other(world: World) -> None:
    user = await world.person(handle="quiet-otter")
    for number in range(world.ports.settings.handle_changes_per_day):
        await rename(world, user, f"brave-wren-{number}")
    with pytest.raises(RateLimited):
        await rename(world, user, "one-more")
    await accounts.edit_me(EditAccount(avatar="owl"), user, world.ports)


async def test_an_account_does_not_tell_when_it_was_made(world: World) -> None:
    ids = [(await world.person()).id for _ in range(4)]
    assert {uuid.UUID(id).version for id in ids} == {7}
    assert len({id[:8] for id in ids}) == 4
