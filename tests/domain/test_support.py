"""Quick support and strength points: rules with numbers."""

import asyncio

import pytest

from domain import care, points, responses, support, visibility
from domain.errors import NotFound, RateLimited, Unavailable
from domain.posts import DeletePost, delete_post
from domain.responses import DeleteResponse
from domain.rooms import FEED, post_room, user_room
from domain.support import UndoSupport
from tests.domain.world import World
from tests.fakes.outage import without_transactions

LONG = "x" * 101


async def test_a_tap_counts_and_is_told(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    assert await world.tap(helper, post, "been_there") == {"been_there": 1}
    for room in (post_room(post.id), FEED, user_room(author.id)):
        told = [event["data"] for event in await world.told(room) if event["event"] == "support:changed"]
        assert told == [{"post_id": post.id, "counts": {"been_there": 1}}]


async def test_a_second_tap_of_the_same_kind_changes_nothing(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(helper, post, "been_there")
    before = world.rows()
    assert await world.tap(helper, post, "been_there") == {"been_there": 1}
    assert world.rows() == before
    await world.work()
    assert await world.points(helper) == 1
    assert len(await world.news(author, "notification:new")) == 1


async def test_taps_within_a_fifth_of_a_second_share_one_telling(world: World) -> None:
    author = await world.person()
    post = await world.post(author)
    for kind in ("been_there", "stay_strong", "proud_of_you"):
        await world.tap(await world.person(), post, kind)
    world.clock.advance(milliseconds=200)
    await world.tap(await world.person(), post, "been_there")
    told = await world.told(post_room(post.id))
    assert len(told) == 2
    assert told[-1]["data"]["counts"] == {"been_there": 2, "stay_strong": 1, "proud_of_you": 1}


async def test_a_retry_takes_back_what_was_undone_while_postgresql_was_away(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(helper, post)
    await world.work()
    command = UndoSupport(post_id=post.id, kind="been_there")
    with pytest.raises(Unavailable):
        await support.undo_support(command, helper, without_transactions(world.ports))
    world.clock.advance(seconds=1)
    answer = await support.undo_support(command, helper, world.ports)
    assert (answer.counts, answer.mine) == ({}, [])
    world.clock.advance(seconds=1)
    await world.work()
    assert await world.points(helper) == 0
    assert (await world.news(author, "support:changed"))[-1]["counts"] == {}


async def test_a_support_is_undone_once(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(helper, post, "been_there")
    command = UndoSupport(post_id=post.id, kind="been_there")
    for _ in range(2):
        answer = await support.undo_support(command, helper, world.ports)
        assert (answer.counts, answer.mine) == ({}, [])
    assert (await world.stored(post.id)).supports == {"been_there": 0}


@pytest.mark.parametrize("world", [{"quick_supports_per_minute": 2}], indirect=True)
async def test_too_many_taps_are_refused_for_a_while(world: World) -> None:
    post, helper = await world.post(await world.person()), await world.person()
    for _ in range(2):
        await world.tap(helper, post)
    with pytest.raises(RateLimited):
        await world.tap(helper, post)
    world.clock.advance(minutes=1)
    await world.tap(helper, post)


async def test_blocked_pairs_give_each_other_no_support(world: World) -> None:
    author, blocked = await world.person(), await world.person()
    post = await world.post(author)
    await world.block(blocked, author)
    with pytest.raises(NotFound):
        await world.tap(blocked, post)


WORTH = [("x" * 100, 3), (LONG, 5), ("short", 3)]


@pytest.mark.parametrize(("content", "worth"), WORTH)
async def test_a_text_response_earns_by_its_length(world: World, content: str, worth: int) -> None:
    author, helper = await world.person(), await world.person()
    await world.answer(helper, await world.post(author), content=content)
    await world.work()
    assert await world.points(helper) == worth


def test_the_worth_of_each_kind() -> None:
    assert [points.worth("been_there"), points.worth("text", 100), points.worth("text", 101)] == [1, 3, 5]
    assert points.worth("voice") == 5


async def test_a_quick_support_earns_one_point_and_the_helper_hears_of_it(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(helper, post)
    await world.work()
    (told,) = await world.news(helper, "points:changed")
    assert (told["balance"], told["change"], told["reason"]) == (1, 1, "support")
    assert told["ref"] == support.support_ref(post.id, helper.id, "been_there")


async def test_every_job_run_twice_changes_nothing_the_second_time(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(helper, post)
    await world.answer(helper, post)
    await world.work(times=3)
    assert await world.points(helper) == 4
    assert len(await world.news(helper, "points:changed")) == 2
    assert len(await world.news(author, "notification:new")) == 2


async def test_points_are_given_once_for_a_giver_a_post_and_a_kind(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.answer(helper, post)
    await world.answer(helper, post)
    await world.work()
    assert await world.points(helper) == 3


async def test_nothing_is_earned_with_oneself(world: World) -> None:
    author = await world.person()
    post = await world.post(author)
    await world.tap(author, post)
    await world.answer(author, post, content=LONG)
    assert world.owed("score_support") == world.owed("notify") == []
    await support.score_support(
        post.id, author.id, "been_there", support.support_ref(post.id, author.id, "been_there"), world.ports
    )
    assert await world.points(author) == 0


async def test_nothing_is_earned_for_a_removed_post(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(helper, post)
    await delete_post(DeletePost(post_id=post.id), author, world.ports)
    await world.work()
    assert await world.points(helper) == 0


async def test_nothing_is_earned_for_a_post_the_helper_may_not_see(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(helper, post)
    await world.block(author, helper)
    await world.work("score_support")
    assert await world.points(helper) == 0


async def test_nothing_is_earned_for_a_response_that_is_gone(world: World) -> None:
    author, helper = await world.person(), await world.person()
    response = await world.answer(helper, await world.post(author))
    await responses.delete_response(DeleteResponse(response_id=response.id), helper, world.ports)
    await world.work()
    assert await world.points(helper) == 0


async def test_at_most_ten_points_a_day_from_one_giver_to_one_receiver(world: World) -> None:
    author, helper, other = [await world.person() for _ in range(3)]
    made = [await world.post(author) for _ in range(4)]
    for post in made[:3]:
        await world.answer(helper, post, content=LONG)
    await world.answer(helper, await world.post(other), content=LONG)
    await world.work()
    assert await world.points(helper) == 10 + 5
    await world.tap(helper, made[0])
    await world.work()
    assert await world.points(helper) == 15
    world.clock.advance(hours=12)
    await world.answer(helper, made[3], content=LONG)
    await world.work()
    assert await world.points(helper) == 20


async def test_the_last_award_of_a_day_is_what_is_left_of_the_ten(world: World) -> None:
    author, helper = await world.person(), await world.person()
    for _ in range(2):
        await world.answer(helper, await world.post(author), content="x")
    await world.answer(helper, await world.post(author), content=LONG)
    await world.work()
    assert [told["change"] for told in await world.news(helper, "points:changed")] == [3, 3, 4]


async def test_jobs_that_score_at_once_do_not_pass_the_ten(world: World) -> None:
    author, helper = await world.person(), await world.person()
    made = [await world.post(author) for _ in range(5)]
    given = [await world.answer(helper, post, content=LONG) for post in made]
    score = support.score_support
    await asyncio.gather(*(score(one.post_id, helper.id, "text", one.id, world.ports) for one in given))
    assert await world.points(helper) == 10


async def test_a_removed_post_takes_all_its_points_back_once(world: World) -> None:
    author, helper, other = [await world.person() for _ in range(3)]
    post, stays = await world.post(author), await world.post(author)
    for user in (helper, other):
        await world.tap(user, post)
        await world.answer(user, post)
    await world.tap(helper, stays)
    await world.work()
    assert [await world.points(helper), await world.points(other)] == [5, 4]
    await delete_post(DeletePost(post_id=post.id), author, world.ports)
    await world.work(times=2)
    assert [await world.points(helper), await world.points(other)] == [1, 0]
    told = (await world.news(helper, "points:changed"))[-1]
    assert (told["reason"], told["change"] < 0) == ("reversal", True)


async def test_points_of_several_are_taken_back_in_one_order_whoever_helped_first(world: World) -> None:
    """So that two posts that go at once do not wait for each other's balances."""
    author = await world.person()
    helpers = sorted([await world.person() for _ in range(3)], key=lambda helper: helper.id)
    for order in (helpers, helpers[::-1]):
        post = await world.post(author)
        for helper in order:
            await world.tap(helper, post)
        await world.work()
        await delete_post(DeletePost(post_id=post.id), author, world.ports)
        await world.work("reverse_points")
    taken = [one.account_id for one in world.fakes.tables.ledger.values() if one.reason == "reversal"]
    assert taken == [helper.id for helper in helpers] * 2


async def test_a_removed_response_takes_back_its_own_points_only(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(helper, post)
    response = await world.answer(helper, post)
    await world.work()
    await responses.delete_response(DeleteResponse(response_id=response.id), helper, world.ports)
    await world.work()
    assert await world.points(helper) == 1


async def test_what_was_removed_before_its_award_came_is_reversed(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    response = await world.answer(helper, post)
    await world.work()
    await world.ports.content.responses.change(response.id, {"status": "removed"})
    for _ in range(2):
        await support.score_support(post.id, helper.id, "text", response.id, world.ports)
    assert await world.points(helper) == 0


async def test_what_expired_keeps_what_it_earned(world: World) -> None:
    author, helper = await world.person(), await world.person()
    response = await world.answer(helper, await world.post(author))
    await world.work()
    world.clock.advance(days=31)
    await care.expire_content(world.ports)
    await support.score_support(response.post_id, helper.id, "text", response.id, world.ports)
    assert await world.points(helper) == 3


async def test_an_undone_support_takes_its_point_back(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(helper, post)
    await world.work()
    await support.undo_support(UndoSupport(post_id=post.id, kind="been_there"), helper, world.ports)
    await world.work()
    assert await world.points(helper) == 0


async def test_giving_and_taking_back_again_and_again_earns_nothing(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    for _ in range(3):
        await world.tap(helper, post)
        await world.work()
        await support.undo_support(UndoSupport(post_id=post.id, kind="been_there"), helper, world.ports)
        await world.work()
    assert await world.points(helper) == 0


async def test_what_was_taken_back_and_is_given_again_has_its_point_again(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    for times in (1, 2):
        await world.tap(helper, post)
        await world.work()
        assert await world.points(helper) == 1
        undo = UndoSupport(post_id=post.id, kind="been_there")
        await support.undo_support(undo, helper, world.ports)
        await world.work(times=times)
        assert await world.points(helper) == 0


async def test_taken_back_before_it_was_scored_and_given_again_it_earns_its_point(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    undo = UndoSupport(post_id=post.id, kind="been_there")
    await world.tap(helper, post)
    await support.undo_support(undo, helper, world.ports)
    await world.work()
    await world.tap(helper, post)
    await world.work()
    assert await world.points(helper) == 1
    await support.undo_support(undo, helper, world.ports)
    await world.work()
    assert await world.points(helper) == 0


async def test_the_balance_on_the_account_is_the_sum_of_the_ledger(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(helper, post)
    await world.answer(helper, post, content=LONG)
    await world.work()
    account = await world.ports.records.accounts.get(helper.id)
    assert account is not None
    assert account.strength_points == await world.points(helper) == 6


LEVELS = [(0, 0), (9, 0), (10, 1), (29, 1), (30, 2), (4000, 9), (10_000, 9), (-1, 0)]


@pytest.mark.parametrize(("balance", "level"), LEVELS)
def test_levels_rise_with_the_balance(balance: int, level: int) -> None:
    assert points.level(balance) == level


async def withheld(world: World, response_id: str, cause: str) -> None:
    response = await world.ports.content.responses.get(response_id)
    assert response is not None
    await visibility.withhold_response(response, "held", cause, world.ports)


async def restored(world: World, response_id: str, cause: str) -> None:
    response = await world.ports.content.responses.get(response_id)
    assert response is not None
    await visibility.restore_response(response, cause, world.ports)


async def test_a_response_that_was_held_before_it_was_scored_is_scored_when_it_is_back(world: World) -> None:
    author, helper = await world.person(), await world.person()
    response = await world.answer(helper, await world.post(author))
    await withheld(world, response.id, "a-scan")
    await world.work()
    assert await world.points(helper) == 0
    await restored(world, response.id, "an-appeal")
    await world.work(times=2)
    assert await world.points(helper) == 3


async def test_help_with_a_post_that_was_held_before_it_was_scored_is_scored_when_it_is_back(
    world: World,
) -> None:
    author, helper, other = await world.person(), await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(other, post)
    await world.work()
    await world.answer(helper, post)
    await world.tap(helper, post)
    await visibility.withhold_post(await world.stored(post.id), "held", "a-scan", world.ports)
    await world.work()
    await visibility.restore_post(await world.stored(post.id), "live", "an-appeal", world.ports)
    await world.work(times=2)
    assert (await world.points(helper), await world.points(other)) == (4, 1)


async def test_what_is_withheld_while_points_are_brought_back_ends_without_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    response = await world.answer(helper, post)
    await world.work()
    await withheld(world, response.id, "a-scan")
    await world.work()
    await restored(world, response.id, "an-appeal")
    get = world.ports.content.responses.get

    async def overtaken(id: str) -> responses.Response | None:
        found = await get(id)
        monkeypatch.undo()
        await withheld(world, response.id, "another-scan")
        await world.work("reverse_points")
        return found

    monkeypatch.setattr(world.ports.content.responses, "get", overtaken)
    await support.settle_points(post.id, response.id, world.ports)
    assert await world.points(helper) == 0


async def test_who_takes_an_answer_back_and_says_it_again_keeps_its_points(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    first = await world.answer(helper, post, content="I am hre.")
    await world.work()
    await responses.delete_response(DeleteResponse(response_id=first.id), helper, world.ports)
    await world.work()
    assert await world.points(helper) == 0
    second = await world.answer(helper, post, content="I am here.")
    await world.work(times=2)
    assert await world.points(helper) == 3
    await responses.delete_response(DeleteResponse(response_id=second.id), helper, world.ports)
    await world.work(times=2)
    assert await world.points(helper) == 0


async def test_a_short_answer_does_not_keep_what_a_long_one_earned(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    long = await world.answer(helper, post, content=LONG)
    await world.work()
    await world.answer(helper, post)
    await world.work()
    assert await world.points(helper) == 5
    await responses.delete_response(DeleteResponse(response_id=long.id), helper, world.ports)
    await world.work(times=2)
    assert await world.points(helper) == 0
