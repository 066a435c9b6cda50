"""Posts: created once, seen by those who may, gone from everywhere when removed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain import pages, posts, review
from domain.accounts import User
from domain.cases import OneCase
from domain.clock import rfc3339
from domain.errors import Conflict, DomainError, Forbidden, Gone, Invalid, NotFound, RateLimited, Unavailable
from domain.ids import new_id
from domain.posts import ClosePost, Context, DeletePost, EditUrgency, PostFilter, PostView
from domain.rooms import FEED, circle_room, post_room
from tests.domain.world import World, new_post
from tests.fakes.outage import without_content, without_rooms, without_transactions

LIMITED = pytest.mark.parametrize("world", [{"posts_per_hour": 2}], indirect=True)


async def feed_ids(world: World, user: User, **wanted: Any) -> set[str]:
    page = await posts.feed(PostFilter(**wanted), user, world.ports, cursor=None, limit=100)
    return {post.id for post in page.items}


async def test_a_post_is_told_to_the_feed_as_everybody_sees_it(world: World) -> None:
    author = await world.person(handle="quiet-otter")
    post = await world.post(author, categories=["alcohol"], content=" Day 30. ")
    assert (post.content, post.status, post.urgency) == ("Day 30.", "live", 2)
    assert post.author.handle == "quiet-otter"
    assert post.expires_at == rfc3339(world.clock() + timedelta(days=30))
    (told,) = await world.told(FEED)
    assert told["event"] == "post:new"
    assert (told["room"], told["seq"], told["at"]) == (FEED, 1, post.created_at)
    assert told["data"]["post"]["id"] == post.id
    assert told["data"]["post"]["author"]["handle"] == "quiet-otter"


async def test_a_retried_post_returns_the_original(world: World) -> None:
    author = await world.person()
    first = await world.post(author, client_id="client-1")
    before = world.rows()
    assert await world.post(author, client_id="client-1", content="Other words") == first
    assert await world.names(FEED) == ["post:new"]
    assert world.rows() == before
    assert len(world.owed("scan_post")) == 1


async def test_two_tries_at_once_make_one_post(world: World) -> None:
    author = await world.person()
    tries = await asyncio.gather(*(world.post(author, client_id="client-1") for _ in range(5)))
    assert len({post.id for post in tries}) == 1
    assert await world.names(FEED) == ["post:new"]


async def test_the_same_client_id_of_somebody_else_is_another_post(world: World) -> None:
    one, two = await world.person(), await world.person()
    first = await world.post(one, client_id="client-1")
    assert (await world.post(two, client_id="client-1")).id != first.id


async def test_a_retry_after_a_crash_between_the_stores_tells_it_once(world: World) -> None:
    author = await world.person()
    command = new_post(client_id="client-1")
    lost = posts.new_post(command, "Day 30.", True, author, world.ports)
    await world.ports.content.posts.add(lost)
    post = await world.post(author, client_id="client-1")
    assert post.id == lost.id
    assert await world.names(FEED) == ["post:new"]


async def test_a_retry_is_not_counted_as_another_post(world: World) -> None:
    author = await world.person()
    for _ in range(12):
        await world.post(author, client_id="client-1")
    await world.post(author, client_id="client-2")


@LIMITED
async def test_too_many_posts_are_refused_with_the_time_to_wait(world: World) -> None:
    author = await world.person()
    for _ in range(2):
        await world.post(author)
    with pytest.raises(RateLimited) as refusal:
        await world.post(author)
    assert refusal.value.retry_after == 3600
    world.clock.advance(hours=1)
    await world.post(author)


@LIMITED
async def test_an_sos_is_never_refused_but_calls_helpers_only_so_often(world: World) -> None:
    author = await world.person()
    made = [await world.post(author, type="sos") for _ in range(4)]
    amplified = [(await world.stored(post.id)).amplified for post in made]
    assert amplified == [True, True, False, False]


@LIMITED
async def test_one_person_does_not_fill_the_feed_with_sos_and_people_look_after_them(world: World) -> None:
    author, reader = await world.person(), await world.person()
    moderator = await world.person(role="moderator")
    made = [await posts.create_post(new_post(type="sos"), author, world.ports) for _ in range(4)]
    assert all(one.crisis for one in made)
    ids = [one.post.id for one in made]
    assert [told["data"]["post"]["id"] for told in await world.told(FEED)] == ids[:2]
    page = await posts.feed(PostFilter(), reader, world.ports, cursor=None, limit=20)
    assert {post.id for post in page.items} == set(ids[:2])
    mine = await posts.history(author, world.ports, cursor=None, limit=20)
    assert {post.id for post in mine.items} == set(ids)
    assert [told["post"]["id"] for told in await world.news(author, "post:new")] == ids[2:]
    assert (await posts.get_post(ids[3], reader, world.ports)).id == ids[3]
    (case,) = world.fakes.tables.cases.values()
    assert (case.kind, case.target_id, case.topics) == ("risk", author.id, ["many_sos"])
    assert len(await world.news(moderator, "moderation:case")) == 1
    detail = await review.claim_case(OneCase(case_id=case.id), moderator, world.ports)
    assert detail.written is not None
    assert detail.written.content == made[3].post.content


@LIMITED
async def test_a_private_sos_stays_private_however_many_there_are(world: World) -> None:
    author = await world.person()
    for _ in range(3):
        await world.post(author, type="sos", visibility="private")
    assert world.fakes.tables.cases == {}


@LIMITED
async def test_other_posts_do_not_use_up_the_sos(world: World) -> None:
    author = await world.person()
    for _ in range(2):
        await world.post(author)
    assert (await world.stored((await world.post(author, type="sos")).id)).amplified


async def test_an_sos_is_most_urgent_unless_its_author_says_otherwise(world: World) -> None:
    author = await world.person()
    assert (await world.post(author, type="sos")).urgency == 5
    assert (await world.post(author, type="sos", urgency=3)).urgency == 3


async def test_the_ack_of_an_sos_has_the_numbers_of_the_chosen_country(world: World) -> None:
    author = await world.person(country="DE")
    answer = await posts.create_post(new_post(type="sos", content="help"), author, world.ports)
    assert answer.crisis is not None
    assert (answer.crisis.country, answer.crisis.emergency) == ("DE", ("112", "110"))


async def test_the_ack_of_another_post_has_them_when_the_words_call_for_it(world: World) -> None:
    author = await world.person()
    danger = await posts.create_post(new_post(content="I want to kill myself tonight"), author, world.ports)
    assert danger.crisis is not None
    usual = await posts.create_post(new_post(content="Day 30, all is well."), author, world.ports)
    assert usual.crisis is None


async def test_the_numbers_are_there_when_the_stores_are_not(world: World) -> None:
    author = await world.person(country="DE")
    command = new_post(type="sos")
    with pytest.raises(Unavailable):
        await posts.create_post(command, author, without_content(world.ports))
    help_offered = posts.offered_help(command, author)
    assert help_offered is not None
    assert help_offered.emergency == ("112", "110")


async def test_a_post_is_acknowledged_while_nothing_can_be_told_and_told_later(world: World) -> None:
    author = await world.person()
    answer = await posts.create_post(new_post(), author, without_rooms(world.ports))
    await world.ports.announcer.drain()
    assert answer.post.id in await feed_ids(world, author)


@pytest.mark.parametrize("content", ["", "   ", "\u200b\u2060", "a\x00b", "\ud83d", "x" * 5001])
async def test_what_cannot_be_said_is_refused_by_field(world: World, content: str) -> None:
    author = await world.person()
    with pytest.raises(Invalid) as refusal:
        await world.post(author, content=content)
    assert refusal.value.field == "content"
    assert await world.names(FEED) == []


@pytest.mark.parametrize("warning", ["a\x00b", "\ud83d"])
async def test_a_warning_that_cannot_be_stored_is_refused(world: World, warning: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await world.post(await world.person(), content_warning=warning)
    assert refusal.value.field == "content_warning"


BAD_LABELS: list[tuple[dict[str, Any], str]] = [
    ({"categories": ["alcohol", "buy_oxy"]}, "categories"),
    ({"context": Context(tags=["evening", "call_5551234567"])}, "context.tags"),
]


@pytest.mark.parametrize(("fields", "field"), BAD_LABELS)
async def test_labels_that_nobody_should_read_are_refused(
    world: World, fields: dict[str, Any], field: str
) -> None:
    author = await world.person()
    with pytest.raises(Invalid) as refusal:
        await world.post(author, **fields)
    assert refusal.value.field == field


async def test_an_sos_loses_such_labels_and_is_sent(world: World) -> None:
    author = await world.person()
    context = Context(tags=["evening", "call_5551234567"], days_since_slip=30)
    post = await world.post(author, type="sos", categories=["alcohol", "buy_oxy"], context=context)
    assert (post.categories, post.context) == (["alcohol"], Context(tags=["evening"], days_since_slip=30))


async def test_a_circle_post_lives_in_its_circle_only(world: World) -> None:
    author, member, stranger = [await world.person() for _ in range(3)]
    circle = await world.circle(author, member)
    post = await world.post(author, circle_id=circle.id, visibility="circle")
    assert "post:new" in await world.names(circle_room(circle.id))
    assert await world.names(FEED) == []
    assert (await posts.get_post(post.id, member, world.ports)).id == post.id
    with pytest.raises(NotFound):
        await posts.get_post(post.id, stranger, world.ports)


async def test_a_public_post_in_an_open_circle_lives_in_both(world: World) -> None:
    author = await world.person()
    circle = await world.circle(author)
    await world.post(author, circle_id=circle.id)
    assert await world.names(FEED) == ["post:new"]
    assert "post:new" in await world.names(circle_room(circle.id))


async def test_what_is_said_in_a_private_circle_stays_in_it(world: World) -> None:
    author = await world.person()
    circle = await world.circle(author, is_private=True)
    with pytest.raises(Invalid) as refusal:
        await world.post(author, circle_id=circle.id)
    assert refusal.value.field == "visibility"
    await world.post(author, circle_id=circle.id, visibility="circle")
    assert await world.names(FEED) == []


async def test_a_private_post_is_told_to_its_author_alone(world: World) -> None:
    author, stranger = await world.person(), await world.person()
    circle = await world.circle(author, stranger)
    post = await world.post(author, visibility="private", circle_id=circle.id)
    assert await world.names(FEED) == []
    assert "post:new" not in await world.names(circle_room(circle.id))
    assert len(await world.news(author, "post:new")) == 1
    with pytest.raises(NotFound):
        await posts.get_post(post.id, stranger, world.ports)


@pytest.mark.parametrize(("is_private", "refusal"), [(False, Forbidden), (True, NotFound)])
async def test_only_members_post_in_a_circle(
    world: World, is_private: bool, refusal: type[DomainError]
) -> None:
    circle = await world.circle(await world.person(), is_private=is_private)
    with pytest.raises(refusal):
        await world.post(await world.person(), circle_id=circle.id, visibility="circle")


async def test_a_circle_post_names_a_circle_that_exists(world: World) -> None:
    author = await world.person()
    with pytest.raises(Invalid) as refusal:
        await world.post(author, visibility="circle")
    assert refusal.value.field == "circle_id"
    with pytest.raises(NotFound):
        await world.post(author, visibility="circle", circle_id=new_id())


async def test_blocked_pairs_do_not_see_each_others_posts(world: World) -> None:
    blocker, blocked = await world.person(), await world.person()
    theirs, mine = await world.post(blocked), await world.post(blocker)
    await world.block(blocker, blocked)
    assert await feed_ids(world, blocker) == {mine.id}
    assert await feed_ids(world, blocked) == {theirs.id}
    for user, post in ((blocker, theirs), (blocked, mine)):
        with pytest.raises(NotFound):
            await posts.get_post(post.id, user, world.ports)


async def test_blocked_pairs_do_not_see_each_other_in_a_circle(world: World) -> None:
    blocker, blocked, other = [await world.person() for _ in range(3)]
    circle = await world.circle(blocker, blocked, other)
    post = await world.post(blocked, circle_id=circle.id, visibility="circle")
    await world.block(blocker, blocked)

    async def seen_by(user: User) -> list[PostView]:
        wanted = PostFilter()
        page = await posts.circle_posts(circle.id, wanted, user, world.ports, cursor=None, limit=10)
        return page.items

    assert await seen_by(blocker) == []
    assert [seen.id for seen in await seen_by(other)] == [post.id]


async def test_what_blocked_people_said_and_gave_does_not_count(world: World) -> None:
    author, reader, blocked = [await world.person() for _ in range(3)]
    post = await world.post(author)
    for user in (author, blocked):
        await world.answer(user, post)
        await world.tap(user, post, "been_there")
    await world.tap(blocked, post, "stay_strong")
    await world.block(reader, blocked)
    page = await posts.feed(PostFilter(), reader, world.ports, cursor=None, limit=10)
    for shown in (page.items[0], await posts.get_post(post.id, reader, world.ports)):
        assert (shown.counts.responses, shown.counts.supports) == (1, {"been_there": 1})
    assert await world.tap(reader, post, "been_there") == {"been_there": 2}
    for_all = await posts.get_post(post.id, author, world.ports)
    assert for_all.counts.supports == {"been_there": 3, "stay_strong": 1}


@pytest.mark.parametrize(("is_private", "refusal"), [(False, Forbidden), (True, NotFound)])
async def test_only_members_read_a_circle(world: World, is_private: bool, refusal: type[DomainError]) -> None:
    circle = await world.circle(await world.person(), is_private=is_private)
    stranger = await world.person()
    with pytest.raises(refusal):
        await posts.circle_posts(circle.id, PostFilter(), stranger, world.ports, cursor=None, limit=10)


async def test_pages_of_the_feed_hold_every_post_once(world: World) -> None:
    author = await world.person()
    made = {(await world.post(author, type="sos")).id for _ in range(7)}
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await posts.feed(PostFilter(), author, world.ports, cursor=cursor, limit=3)
        seen += [post.id for post in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert len(seen) == 7
    assert set(seen) == made


async def test_a_page_that_holds_everything_has_no_next(world: World) -> None:
    author = await world.person()
    for _ in range(2):
        await world.post(author)
    page = await posts.feed(PostFilter(), author, world.ports, cursor=None, limit=2)
    assert (len(page.items), page.next_cursor) == (2, None)


async def test_a_cursor_of_another_order_is_refused(world: World) -> None:
    cursor = pages.encode_cursor([5, new_id()])
    with pytest.raises(Invalid):
        await posts.feed(PostFilter(), await world.person(), world.ports, cursor=cursor, limit=2)


async def test_history_holds_what_moderation_took_from_others_but_nothing_removed(world: World) -> None:
    author = await world.person()
    made = {status: await world.post(author) for status in ("live", "closed", "held", "hidden", "removed")}
    for status, post in made.items():
        await world.ports.content.posts.change(post.id, {"status": status})
    await world.post(await world.person())
    page = await posts.history(author, world.ports, cursor=None, limit=10)
    assert {post.status for post in page.items} == {"live", "closed", "held", "hidden"}
    assert await feed_ids(world, author) >= {made["live"].id, made["closed"].id}
    assert not await feed_ids(world, author) & {made[name].id for name in ("held", "hidden", "removed")}


async def test_urgency_is_edited_by_the_author_and_told(world: World) -> None:
    author, stranger = await world.person(), await world.person()
    post = await world.post(author)
    changed = await posts.edit_urgency(EditUrgency(post_id=post.id, urgency=4), author, world.ports)
    assert changed.post.urgency == 4
    assert changed.post.edited_at is not None
    assert (await world.told(FEED))[-1]["data"]["post"]["urgency"] == 4
    assert await world.names(post_room(post.id)) == ["post:changed"]
    with pytest.raises(Forbidden):
        await posts.edit_urgency(EditUrgency(post_id=post.id, urgency=1), stranger, world.ports)


async def test_a_closed_post_is_readable_and_takes_no_more_answers(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    closed = await posts.close_post(ClosePost(post_id=post.id), author, world.ports)
    assert closed.post.status == "closed"
    assert (await posts.get_post(post.id, helper, world.ports)).status == "closed"
    for answer in (world.tap(helper, post), world.answer(helper, post)):
        with pytest.raises(Gone):
            await answer
    with pytest.raises(Gone):
        await posts.edit_urgency(EditUrgency(post_id=post.id, urgency=1), author, world.ports)


@pytest.mark.parametrize("status", ["held", "hidden", "removed"])
async def test_closing_never_brings_back_what_was_taken_away_meanwhile(
    world: World, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    author, reader = await world.person(), await world.person()
    post = await world.post(author)

    async def hidden_meanwhile(account_id: str) -> frozenset[str]:
        await world.ports.content.posts.change(post.id, {"status": status})
        return frozenset()

    monkeypatch.setattr(world.ports.records.blocks, "around", hidden_meanwhile)
    with pytest.raises(NotFound):
        await posts.close_post(ClosePost(post_id=post.id), author, world.ports)
    assert (await world.stored(post.id)).status == status
    assert post.id not in await feed_ids(world, reader)


async def test_closing_twice_answers_the_same_and_tells_once(world: World) -> None:
    author = await world.person()
    post = await world.post(author)
    first = await posts.close_post(ClosePost(post_id=post.id), author, world.ports)
    before = world.rows()
    assert await posts.close_post(ClosePost(post_id=post.id), author, world.ports) == first
    assert world.rows() == before
    assert await world.names(FEED) == ["post:new", "post:changed"]


async def test_a_retry_tells_what_was_closed_while_postgresql_was_away(world: World) -> None:
    author = await world.person()
    command = ClosePost(post_id=(await world.post(author)).id)
    with pytest.raises(Unavailable):
        await posts.close_post(command, author, without_transactions(world.ports))
    for _ in range(2):
        assert (await posts.close_post(command, author, world.ports)).post.status == "closed"
    assert await world.names(FEED) == ["post:new", "post:changed"]


async def test_a_deleted_post_is_gone_from_everywhere(world: World) -> None:
    author, reader = await world.person(), await world.person()
    post = await world.post(author)
    removed = await posts.delete_post(DeletePost(post_id=post.id), author, world.ports)
    assert removed.post.status == "removed"
    (_, told) = await world.told(FEED)
    assert (told["event"], told["data"]) == ("post:removed", {"post_id": post.id, "reason": "deleted"})
    assert await world.names(post_room(post.id)) == ["post:removed"]
    assert await feed_ids(world, reader) == set()
    for user in (author, reader):
        with pytest.raises(NotFound):
            await posts.get_post(post.id, user, world.ports)


async def test_deleting_twice_tells_once(world: World) -> None:
    author = await world.person()
    post = await world.post(author)
    await posts.delete_post(DeletePost(post_id=post.id), author, world.ports)
    with pytest.raises(NotFound):
        await posts.delete_post(DeletePost(post_id=post.id), author, world.ports)
    assert await world.names(FEED) == ["post:new", "post:removed"]


async def test_a_retry_tells_what_was_deleted_while_postgresql_was_away(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(helper, post)
    await world.work("score_support")
    with pytest.raises(Unavailable):
        await posts.delete_post(DeletePost(post_id=post.id), author, without_transactions(world.ports))
    for _ in range(2):
        with pytest.raises(NotFound):
            await posts.delete_post(DeletePost(post_id=post.id), author, world.ports)
    assert (await world.names(FEED)).count("post:removed") == 1
    await world.work("reverse_points")
    assert await world.points(helper) == 0
    with pytest.raises(NotFound):
        await posts.delete_post(DeletePost(post_id=post.id), helper, world.ports)


async def test_nobody_deletes_or_closes_for_somebody_else(world: World) -> None:
    post = await world.post(await world.person())
    stranger = await world.person()
    with pytest.raises(Forbidden):
        await posts.delete_post(DeletePost(post_id=post.id), stranger, world.ports)
    with pytest.raises(Forbidden):
        await posts.close_post(ClosePost(post_id=post.id), stranger, world.ports)


async def test_what_was_removed_before_it_was_told_is_not_told(world: World) -> None:
    author = await world.person()
    answer = await posts.create_post(new_post(), author, world.ports)
    await posts.delete_post(DeletePost(post_id=answer.post.id), author, world.ports)
    assert await world.names(FEED) == ["post:removed"]


async def test_the_same_client_id_for_another_post_is_a_conflict_for_responses(world: World) -> None:
    author, helper = await world.person(), await world.person()
    one, two = await world.post(author), await world.post(author)
    await world.answer(helper, one, client_id="client-1")
    with pytest.raises(Conflict) as refusal:
        await world.answer(helper, two, client_id="client-1")
    assert refusal.value.field == "client_id"
    assert await world.names(post_room(two.id)) == []


@LIMITED
async def test_the_limit_is_one_for_all_types_but_sos(world: World) -> None:
    author = await world.person()
    for kind in ("check_in", "victory"):
        await world.post(author, type=kind)
    with pytest.raises(RateLimited):
        await world.post(author, type="question")
    assert (await world.stored((await world.post(author, type="sos")).id)).amplified


async def test_a_content_warning_is_no_place_for_links_of_somebody_new(world: World) -> None:
    with pytest.raises(Forbidden):
        await world.post(await world.person(), content_warning="www.example.org/buy")


async def test_an_sos_does_not_wait_for_a_counter_that_hangs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    author, asked = await world.person(), asyncio.Event()

    async def hang(*asked_for: object) -> float:
        asked.set()
        await asyncio.Event().wait()
        return 0.0

    monkeypatch.setattr(posts, "SOS_LIMIT_SECONDS", 0.01)
    monkeypatch.setattr(world.ports.limits, "wait_seconds", hang)
    post = await world.post(author, type="sos")
    assert asked.is_set()
    assert (await world.stored(post.id)).amplified
