"""What helping has come to: pages of the ledger, and what was given and received."""

import pytest

from domain import points, stats, support
from domain.accounts import User
from domain.errors import Invalid
from domain.pages import encode_cursor
from domain.stats import PointsPage
from domain.support import UndoSupport
from tests.domain.world import World

LONG = "x" * 101


async def page(world: World, user: User, cursor: str | None = None, limit: int = 20) -> PointsPage:
    return await stats.my_points(user, world.ports, cursor=cursor, limit=limit)


async def test_the_ledger_is_shown_newest_first_a_page_at_a_time(world: World) -> None:
    author, helper = await world.person(), await world.person()
    for kind in ("been_there", "stay_strong", "proud_of_you"):
        await world.tap(helper, await world.post(author), kind)
        await world.work()
    first = await page(world, helper, limit=2)
    rest = await page(world, helper, cursor=first.next_cursor, limit=2)
    assert [entry.kind for entry in first.items + rest.items] == ["proud_of_you", "stay_strong", "been_there"]
    assert (first.balance, first.level, first.next_level_at, rest.next_cursor) == (3, 0, 10, None)


async def test_what_was_taken_back_is_in_the_ledger_but_is_no_help(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(helper, post)
    await world.work()
    await support.undo_support(UndoSupport(post_id=post.id, kind="been_there"), helper, world.ports)
    await world.work()
    shown = await page(world, helper)
    assert [(entry.change, entry.reason) for entry in shown.items] == [(-1, "reversal"), (1, "support")]
    assert shown.balance == 0
    assert (await stats.my_stats(helper, world.ports)).given == 0


async def test_help_is_counted_on_both_sides(world: World) -> None:
    author, other, helper = [await world.person() for _ in range(3)]
    post = await world.post(author)
    await world.tap(helper, post)
    await world.answer(helper, post)
    await world.tap(helper, await world.post(other))
    await world.work()
    given, received = await stats.my_stats(helper, world.ports), await stats.my_stats(author, world.ports)
    assert (given.given, given.received, given.people_helped) == (3, 0, 2)
    assert (received.given, received.received, received.people_helped) == (0, 2, 0)


async def test_help_above_the_daily_cap_is_help_without_points(world: World) -> None:
    author, helper = await world.person(), await world.person()
    for _ in range(3):
        await world.answer(helper, await world.post(author), content=LONG)
    await world.work()
    assert (await stats.my_stats(helper, world.ports)).given == 3
    shown = await page(world, helper)
    assert [entry.change for entry in shown.items] == [5, 5]


async def test_what_the_cap_left_nothing_of_earns_nothing_on_another_day_either(world: World) -> None:
    author, helper = await world.person(), await world.person()
    answers = [await world.answer(helper, await world.post(author), content=LONG) for _ in range(3)]
    await world.work()
    world.clock.advance(days=1)
    late = answers[-1]
    await support.score_support(late.post_id, helper.id, "text", late.id, world.ports)
    assert await world.points(helper) == 10


@pytest.mark.parametrize("cursor", [["a"], [1, 2]])
async def test_the_cursor_of_another_list_is_refused(world: World, cursor: list[str | int]) -> None:
    with pytest.raises(Invalid):
        await page(world, await world.person(), cursor=encode_cursor(cursor))


def test_the_next_level_begins_at_its_threshold() -> None:
    assert [points.next_level_at(balance) for balance in (-3, 0, 9, 10, 3999, 4000)] == [
        10,
        10,
        10,
        30,
        4000,
        None,
    ]
