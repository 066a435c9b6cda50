"""The SOS ladder, walked by the clock: who is asked when, and what ends it."""

from typing import Any

import pytest

from domain import followups, helping, ladder, presence, responses
from domain.accounts import User
from domain.followups import AFTER
from domain.helping import EditHelping
from domain.ids import new_id
from domain.ladder import STEPS
from domain.matching import ASKED_MIN
from domain.notifications import FAN_OUT_CHUNK, FAN_OUT_FIRST, NotificationKind
from domain.posts import ClosePost, DeletePost, PostView, close_post, delete_post
from domain.preferences import Channels, SetPreferences, set_preferences
from domain.presence import SetPresence
from domain.responses import DeleteResponse, OpenPost
from domain.rooms import FEED, RoomState, post_room
from domain.support import UndoSupport, undo_support
from domain.visibility import restore_post, restore_response, withhold_post, withhold_response
from tests.contract.makers import Makers
from tests.domain.world import World

FIRST, SECOND, THIRD = (step.after.total_seconds() for step in STEPS)


async def helper(world: World, **settings: Any) -> User:
    """Somebody who is here and asks to be told."""
    user = await world.person()
    await here(world, user)
    if settings:
        await helping.edit_helping(EditHelping(opted_in=False, **settings), user, world.ports)
    return user


async def here(world: World, user: User) -> None:
    await world.ports.presence.touch([user.id])
    await presence.set_presence(SetPresence(status="helping"), user, world.ports)


async def opted_in(world: World) -> User:
    """Somebody who is not here but wants to be asked."""
    user = await world.person()
    await helping.edit_helping(EditHelping(opted_in=True), user, world.ports)
    return user


async def sos(world: World, author: User | None = None, **fields: Any) -> PostView:
    usual: dict[str, Any] = {"type": "sos", "content": "I am about to drink.", "categories": ["alcohol"]}
    return await world.post(author or await world.person(), **{**usual, **fields})


async def pass_time(world: World, seconds: float, *staying: User) -> None:
    """What is due by then is done, and so is what follows from it."""
    world.clock.advance(seconds=seconds)
    for user in staying:
        await world.ports.presence.touch([user.id])
    while await world.work():
        pass


async def notified(world: World, user: User, kind: NotificationKind = "sos") -> int:
    told = [news["notification"] for news in await world.news(user, "notification:new")]
    return sum(notification["kind"] == kind for notification in told)


async def attention(world: World, room: str) -> list[tuple[str, str | None, int]]:
    told = [one["data"] for one in await world.told(room) if one["event"] == "sos:attention"]
    return [(data["state"], data["to"], data["count"]) for data in told]


async def state(world: World, post: PostView) -> str:
    row = await world.ports.records.ladders.get(post.id)
    return row.state if row else "none"


async def test_an_unanswered_sos_is_taken_to_more_and_more_people(world: World) -> None:
    near, far, moderator = await helper(world), await opted_in(world), await world.person(role="moderator")
    asked = (near, far, moderator)
    post = await sos(world)

    async def heard() -> list[int]:
        return [await notified(world, user) for user in asked]

    await pass_time(world, FIRST - 1, near)
    assert await heard() == [0, 0, 0]
    await pass_time(world, 1, near)
    assert await heard() == [1, 0, 0]
    await pass_time(world, SECOND - FIRST - 1, near)
    assert await heard() == [1, 0, 0]
    await pass_time(world, 1, near)
    assert await heard() == [1, 1, 0]
    await pass_time(world, THIRD - SECOND, near)
    assert await heard() == [1, 1, 1]
    steps: list[tuple[str, str | None, int]] = [
        ("widened", "helpers", 1),
        ("widened", "opted_in", 1),
        ("widened", "moderators", 1),
    ]
    for room in (FEED, post_room(post.id)):
        assert await attention(world, room) == steps
    await pass_time(world, 3600, near)
    assert await heard() == [1, 1, 1]
    assert await state(world, post) == "open"


async def test_the_first_human_answer_ends_the_ladder_and_is_timed(world: World) -> None:
    near, other = await helper(world), await world.person()
    post = await sos(world)
    await pass_time(world, 40, near)
    await world.answer(near, post)
    await world.tap(other, post)
    await pass_time(world, 0, near)
    assert await state(world, post) == "answered"
    assert await attention(world, post_room(post.id)) == [("answered", None, 1)]
    await pass_time(world, THIRD, near)
    assert await notified(world, near) == 0
    assert await world.ports.records.ladders.first_answers(near.id) == 1
    assert await world.ports.records.ladders.first_answers(other.id) == 0
    assert await ladder.measure_answer(post.id, world.ports) is None
    assert post.id in world.fakes.tables.measured


async def test_a_quick_support_is_an_answer_and_ones_own_is_none(world: World) -> None:
    author, near = await world.person(), await helper(world)
    post = await sos(world, author)
    await world.tap(author, post)
    await world.answer(author, post)
    assert await state(world, post) == "open"
    await world.tap(near, post)
    row = await world.ports.records.ladders.get(post.id)
    assert row is not None
    assert (row.state, row.answered_by) == ("answered", near.id)


async def test_how_long_the_first_answer_took_is_told_once(world: World) -> None:
    near = await helper(world)
    post = await sos(world, categories=["very_own", "gambling"])
    await pass_time(world, 42, near)
    await world.answer(near, post)
    answered = await ladder.measure_answer(post.id, world.ports)
    assert answered is not None
    assert (ladder.category_of(answered.categories), answered.seconds) == ("gambling", 42)
    assert await ladder.measure_answer(post.id, world.ports) is None
    assert ladder.category_of(["very_own"]) == "other"


async def test_an_answer_that_was_taken_back_before_it_was_measured_leaves_it_to_the_next(
    world: World,
) -> None:
    post, one, other = await sos(world), await world.person(), await world.person()
    await world.tap(one, post)
    await undo_support(UndoSupport(post_id=post.id, kind="been_there"), one, world.ports)
    await world.work("measure_answer")
    world.clock.advance(seconds=30)
    await world.answer(other, post)
    await world.ports.announcer.drain()
    assert len(world.owed("measure_answer")) == 1
    measured = await ladder.measure_answer(post.id, world.ports)
    assert measured is not None
    assert measured.seconds == 30


async def test_an_answer_that_is_taken_back_lets_it_climb_on(world: World) -> None:
    near, first = await helper(world), await world.person()
    post = await sos(world)
    answer = await world.answer(first, post)
    await pass_time(world, SECOND, near)
    assert await notified(world, near) == 0
    command = DeleteResponse(response_id=answer.id)
    await responses.delete_response(command, first, world.ports)
    await pass_time(world, 0, near)
    assert await state(world, post) == "open"
    assert await notified(world, near) == 1


async def test_an_answer_that_moderation_takes_away_lets_it_climb_on_until_it_is_back(world: World) -> None:
    near, first = await helper(world), await world.person()
    post = await sos(world)
    answer = await world.answer(first, post)
    await pass_time(world, FIRST, near)
    said = await world.ports.content.responses.get(answer.id)
    assert said is not None
    await withhold_response(said, "hidden", "a-decision", world.ports)
    await pass_time(world, 0, near)
    assert (await state(world, post), await notified(world, near)) == ("open", 1)
    hidden = await world.ports.content.responses.get(answer.id)
    assert hidden is not None
    await restore_response(hidden, "an-appeal", world.ports)
    await pass_time(world, 0, near)
    assert await state(world, post) == "answered"


async def test_the_retry_of_an_answer_that_is_gone_ends_nothing(world: World) -> None:
    first = await world.person()
    post = await sos(world)
    answer = await world.answer(first, post, client_id="the-same-answer")
    await responses.delete_response(DeleteResponse(response_id=answer.id), first, world.ports)
    await world.answer(first, post, client_id="the-same-answer")
    assert await state(world, post) == "open"


async def test_another_answer_that_stands_keeps_it_ended(world: World) -> None:
    first, second, third = [await world.person() for _ in range(3)]
    post = await sos(world)
    await world.tap(first, post)
    await world.answer(second, post)
    await world.tap(third, post)
    await undo_support(UndoSupport(post_id=post.id, kind="been_there"), first, world.ports)
    await pass_time(world, 0)
    row = await world.ports.records.ladders.get(post.id)
    assert row is not None
    assert (row.state, row.answered_by) == ("answered", second.id)


@pytest.mark.parametrize("author_blocks", [True, False])
async def test_an_answer_of_somebody_blocked_helps_nobody(world: World, author_blocks: bool) -> None:
    author, near, unkind = await world.person(), await helper(world), await world.person()
    post = await sos(world, author)
    await world.answer(unkind, post)
    await pass_time(world, FIRST, near)
    assert (await state(world, post), await notified(world, near)) == ("answered", 0)
    await world.block(*((author, unkind) if author_blocks else (unkind, author)))
    await pass_time(world, 0, near)
    assert (await state(world, post), await notified(world, near)) == ("open", 1)


async def test_another_answer_than_that_of_somebody_blocked_keeps_it_ended(world: World) -> None:
    author, unkind, kind = [await world.person() for _ in range(3)]
    post = await sos(world, author)
    await world.tap(unkind, post)
    await world.tap(kind, post)
    await world.block(author, unkind)
    await pass_time(world, 0)
    row = await world.ports.records.ladders.get(post.id)
    assert row is not None
    assert (row.state, row.answered_by) == ("answered", kind.id)


async def test_closing_or_deleting_ends_it(world: World) -> None:
    author, near = await world.person(), await helper(world)
    closed, deleted = await sos(world, author), await sos(world, author)
    await close_post(ClosePost(post_id=closed.id), author, world.ports)
    await delete_post(DeletePost(post_id=deleted.id), author, world.ports)
    await pass_time(world, THIRD, near)
    assert [await state(world, closed), await state(world, deleted)] == ["over", "over"]
    assert await notified(world, near) == 0


async def test_one_that_cannot_be_tended_keeps_nobody_from_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = world.ports.content.posts.get
    broken, fine = await sos(world), await sos(world)

    async def getting(id: str) -> Any:
        if id == broken.id:
            raise LookupError
        return await get(id)

    world.clock.advance(seconds=FIRST)
    near = await helper(world)
    monkeypatch.setattr(world.ports.content.posts, "get", getting)
    with pytest.raises(LookupError):
        await ladder.tend(world.ports)
    assert [one.account_id for one in await world.ports.records.ladders.asked(fine.id)] == [near.id]


async def test_what_moderation_holds_waits_and_climbs_when_it_is_back(world: World) -> None:
    near = await helper(world)
    post = await sos(world)
    await world.ports.content.posts.change(post.id, {"status": "held"})
    await pass_time(world, SECOND, near)
    assert await notified(world, near) == 0
    await world.ports.content.posts.change(post.id, {"status": "live"})
    await ladder.tend(world.ports)
    await pass_time(world, 0, near)
    assert await notified(world, near) == 1


async def test_what_moderation_removed_climbs_on_when_it_is_back(world: World) -> None:
    moderator = await world.person(role="moderator")
    post = await sos(world)
    await withhold_post(await world.stored(post.id), "removed", "a-decision", world.ports)
    await pass_time(world, THIRD)
    assert (await state(world, post), await notified(world, moderator)) == ("over", 0)
    await restore_post(await world.stored(post.id), "live", "an-appeal", world.ports)
    await pass_time(world, 1)
    assert (await state(world, post), await notified(world, moderator)) == ("open", 1)


async def test_only_helpers_of_the_category_and_the_language_are_asked(world: World) -> None:
    fitting = [await helper(world, categories=["alcohol"], languages=["en"]) for _ in range(ASKED_MIN)]
    other = await helper(world, categories=["gambling"])
    foreign = await helper(world, languages=["fr"])
    await sos(world)
    await pass_time(world, FIRST, *fitting, other, foreign)
    assert [await notified(world, user) for user in fitting] == [1] * ASKED_MIN
    assert [await notified(world, user) for user in (other, foreign)] == [0, 0]


async def test_nobody_blocked_and_no_stranger_of_a_circle_is_asked(world: World) -> None:
    author, near, blocked, member = [await world.person() for _ in range(4)]
    for user in (near, blocked, member):
        await here(world, user)
    await world.block(author, blocked)
    circle = await world.circle(author, member)
    await sos(world, author, circle_id=circle.id, visibility="circle")
    await pass_time(world, FIRST, near, blocked, member)
    assert [await notified(world, user) for user in (near, blocked, member)] == [0, 0, 1]
    await sos(world, author)
    await pass_time(world, FIRST, near, blocked, member)
    assert [await notified(world, user) for user in (near, blocked, member)] == [1, 0, 2]


async def test_where_no_moderator_may_be_asked_a_case_calls_them(world: World) -> None:
    """In a circle that none of them is in, nobody beyond its members would ever hear of it."""
    author, member, moderator = [await world.person(role=role) for role in ("user", "user", "moderator")]
    circle = await world.circle(author, member)
    post = await sos(world, author, circle_id=circle.id, visibility="circle")
    await pass_time(world, THIRD - 1)
    assert world.fakes.tables.cases == {}
    await pass_time(world, 1)
    await ladder.tend(world.ports)
    (case,) = world.fakes.tables.cases.values()
    assert (case.kind, case.target_id, case.topics) == ("risk", post.id, ["unanswered_sos"])
    assert await notified(world, moderator, "sos") == 0
    assert await notified(world, moderator, "case") == 1
    assert await notified(world, member, "case") == 0


async def test_the_author_is_never_asked(world: World) -> None:
    author = await world.person(role="moderator")
    await here(world, author)
    await helping.edit_helping(EditHelping(opted_in=True), author, world.ports)
    await sos(world, author)
    await pass_time(world, THIRD, author)
    assert await notified(world, author) == 0


async def test_a_private_or_deamplified_sos_calls_nobody(world: World) -> None:
    author, near = await world.person(), await helper(world)
    private = await sos(world, author, visibility="private")
    made = [await sos(world, author) for _ in range(world.ports.settings.posts_per_hour)]
    assert not (await world.stored(made[-1].id)).amplified
    await pass_time(world, FIRST, near)
    assert [await state(world, private), await state(world, made[-1])] == ["none", "none"]
    assert await notified(world, near) == len(made) - 1


async def test_a_helper_who_leaves_is_replaced_by_one_who_comes(world: World) -> None:
    leaves = await helper(world)
    post = await sos(world)
    await pass_time(world, FIRST, leaves)
    world.clock.advance(seconds=world.ports.settings.presence_grace_seconds + 1)
    comes = await helper(world)
    await ladder.tend(world.ports)
    await pass_time(world, 0, comes)
    assert [await notified(world, user) for user in (leaves, comes)] == [1, 1]
    asked = {one.account_id: one.left_at for one in await world.ports.records.ladders.asked(post.id)}
    assert asked == {leaves.id: world.clock(), comes.id: None}


async def test_a_free_hand_goes_to_the_oldest_sos_first(world: World) -> None:
    crowd = [await helper(world, max_open=1) for _ in range(ASKED_MIN)]
    waiting = []
    for _ in range(3):
        waiting.append(await sos(world))
        await pass_time(world, FIRST, *crowd)
    free, asked_of = await helper(world, max_open=1), []
    for post in waiting:
        await ladder.tend(world.ports)
        await ladder.tend(world.ports)
        ladders = world.ports.records.ladders
        asked = [one for one in waiting if free.id in {who.account_id for who in await ladders.asked(one.id)}]
        asked_of.append(len(asked))
        assert asked[-1] == post
        await world.answer(await world.person(), post)
    assert asked_of == [1, 2, 3]


async def test_steps_that_nobody_took_are_made_up_for(world: World) -> None:
    near, far = await helper(world), await opted_in(world)
    await sos(world)
    world.fakes.queue.held.clear()
    world.clock.advance(seconds=SECOND)
    await world.ports.presence.touch([near.id])
    await ladder.tend(world.ports)
    await pass_time(world, 0, near)
    assert [await notified(world, user) for user in (near, far)] == [1, 1]


async def test_a_step_and_a_round_run_twice_ask_once(world: World) -> None:
    near = await helper(world)
    post = await sos(world)
    world.clock.advance(seconds=FIRST)
    await world.ports.presence.touch([near.id])
    await world.work(times=3)
    await world.work(times=3)
    await ladder.tend(world.ports)
    await ladder.tend(world.ports)
    assert await notified(world, near) == 1
    assert await attention(world, post_room(post.id)) == [("widened", "helpers", 1)]


async def test_a_crowd_is_notified_in_chunks_the_best_of_them_first(world: World) -> None:
    crowd = [await opted_in(world) for _ in range(FAN_OUT_CHUNK * FAN_OUT_FIRST + 1)]
    thanked = crowd[-1]
    await Makers(world.ports).stored_response(new_id(), author_id=thanked.id, thanked=True)
    await sos(world)
    world.clock.advance(seconds=SECOND)
    await world.work("climb")
    await world.ports.announcer.drain()
    chunks = world.owed("notify_many")
    assert [chunk.lane for chunk in chunks] == ["urgent", "urgent", "bulk"]
    assert chunks[0].args["account_ids"].startswith(thanked.id)
    while await world.work():
        pass
    assert len(world.fakes.tables.notifications) == len(crowd)


async def test_nobody_climbs_for_ever(world: World) -> None:
    post = await sos(world)
    world.clock.advance(hours=24, seconds=1)
    await ladder.tend(world.ports)
    assert await state(world, post) == "over"


async def look(world: World, user: User, post: PostView) -> None:
    position = RoomState(epoch="e", seq=0, recovered=True)
    await responses.open_thread(OpenPost(post_id=post.id), position, user, world.ports)


async def test_the_author_hears_how_many_have_seen_it(world: World) -> None:
    world.clock.advance(milliseconds=800)
    author, first, second = [await world.person() for _ in range(3)]
    post = await sos(world, author)
    for user in (author, first, second, first):
        await look(world, user, post)
    assert await attention(world, f"user:{author.id}") == [("seen", None, 2)]
    assert await attention(world, FEED) == []


async def test_the_author_hears_that_somebody_writes(world: World) -> None:
    author, other = await world.person(), await world.person()
    post = await sos(world, author)
    await ladder.note_writing(post.id, author, world.ports)
    assert await attention(world, post_room(post.id)) == []
    for _ in range(3):
        await ladder.note_writing(post.id, other, world.ports)
    assert await attention(world, post_room(post.id)) == [("writing", None, 1)]
    await world.tap(other, post)
    await ladder.note_writing(post.id, other, world.ports)
    assert (await attention(world, post_room(post.id)))[1:] == [("answered", None, 1)]


async def test_follow_ups_come_three_times_once_each(world: World) -> None:
    author = await world.person()
    await sos(world, author)
    heard, passed = [], 0.0
    for after in AFTER:
        await pass_time(world, after.total_seconds() - passed - 1)
        heard.append(await notified(world, author, "follow_up"))
        await pass_time(world, 1)
        heard.append(await notified(world, author, "follow_up"))
        passed = after.total_seconds()
    assert heard == [0, 1, 1, 2, 2, 3]


async def test_a_follow_up_run_twice_comes_once(world: World) -> None:
    author = await world.person()
    post = await sos(world, author)
    for _ in range(2):
        await followups.follow_up(post.id, 0, world.ports)
    assert await notified(world, author, "follow_up") == 1


async def test_nothing_follows_for_those_who_want_none(world: World) -> None:
    author = await world.person()
    none = SetPreferences(kinds={"follow_up": Channels(in_app=False, push=False)})
    await set_preferences(none, author, world.ports)
    await sos(world, author)
    await pass_time(world, AFTER[-1].total_seconds())
    assert await notified(world, author, "follow_up") == 0


async def test_nothing_follows_what_its_author_took_away_or_is_no_sos(world: World) -> None:
    author = await world.person()
    post = await sos(world, author)
    await delete_post(DeletePost(post_id=post.id), author, world.ports)
    await world.post(author)
    await pass_time(world, AFTER[-1].total_seconds())
    assert await notified(world, author, "follow_up") == 0


async def test_helping_is_as_it_was_set(world: World) -> None:
    user = await world.person()
    assert not (await helping.get_helping(user, world.ports)).opted_in
    command = EditHelping(opted_in=True, categories=["food", "alcohol", "food"], languages=["de"], max_open=2)
    shown = await helping.edit_helping(command, user, world.ports)
    assert (shown.categories, shown.languages, shown.max_open) == (["alcohol", "food"], ["de"], 2)
    assert await helping.get_helping(user, world.ports) == shown
