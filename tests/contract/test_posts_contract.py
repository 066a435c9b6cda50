"""What `domain.ports.Posts` promises."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.errors import Invalid
from domain.ids import new_id
from domain.pages import Cursor
from domain.ports import Ports
from domain.posts import Context, Post, PostFilter, Sort, sort_key
from domain.rooms import FEED, circle_room
from tests.contract.makers import NOON, Makers

FEED_ONLY = PostFilter(room=FEED)


def ids(posts: list[Post]) -> list[str]:
    return [post.id for post in posts]


async def walked(ports: Ports, wanted: PostFilter, limit: int) -> list[str]:
    """Every id, a page at a time."""
    found: list[str] = []
    after: Cursor | None = None
    while page := await ports.content.posts.page(wanted, after, limit):
        found += ids(page)
        after = sort_key(page[-1], wanted)
    return found


async def test_a_post_comes_back_as_it_was_stored(ports: Ports, make: Makers) -> None:
    post = make.post(content="Zwei \U0001f9a6\nlines", content_warning="relapse", circle_id=new_id())
    assert await ports.content.posts.add(post) == post
    assert await ports.content.posts.get(post.id) == post
    assert await ports.content.posts.by_client_id(post.author_id, post.client_id) == post
    assert await ports.content.posts.get(new_id()) is None
    assert await ports.content.posts.by_client_id(new_id(), post.client_id) is None


async def test_a_client_id_makes_one_post_for_each_author(ports: Ports, make: Makers) -> None:
    original = await make.stored_post()
    again = make.post(author_id=original.author_id, client_id=original.client_id, content="Other words")
    assert await ports.content.posts.add(again) == original
    assert await ports.content.posts.get(again.id) is None
    stranger = make.post(client_id=original.client_id)
    assert await ports.content.posts.add(stranger) == stranger


async def test_two_tries_at_once_make_one_post(ports: Ports, make: Makers) -> None:
    author_id = new_id()
    tries = [make.post(author_id=author_id, client_id="the-same-one") for _ in range(6)]
    stored = await asyncio.gather(*(ports.content.posts.add(post) for post in tries))
    assert len(set(ids(list(stored)))) == 1
    assert len(await ports.content.posts.page(PostFilter(author_id=author_id), None, 10)) == 1


async def test_each_filter_asks_for_its_own_part(ports: Ports, make: Makers) -> None:
    circle, author, circle_id = circle_room(new_id()), new_id(), new_id()
    await make.stored_post()
    wanted = {
        "room": await make.stored_post(rooms=[FEED, circle]),
        "circle": await make.stored_post(circle_id=circle_id),
        "author": await make.stored_post(author_id=author),
        "type": await make.stored_post(type="victory"),
        "category": await make.stored_post(categories=["gambling", "other"]),
        "urgency": await make.stored_post(urgency=4),
        "status": await make.stored_post(status="held"),
    }
    filters = {
        "room": PostFilter(room=circle),
        "circle": PostFilter(room=FEED, circle_id=circle_id),
        "author": PostFilter(room=FEED, author_id=author),
        "type": PostFilter(room=FEED, type="victory"),
        "category": PostFilter(room=FEED, category="gambling"),
        "urgency": PostFilter(room=FEED, urgency_min=3),
        "status": PostFilter(room=FEED, statuses=("held",)),
    }
    for name, asked in filters.items():
        found = await ports.content.posts.page(asked, None, 10)
        assert ids(found) == [wanted[name].id], name


async def test_live_and_closed_posts_are_shown_unless_asked_otherwise(ports: Ports, make: Makers) -> None:
    statuses = ("live", "held", "hidden", "removed", "closed")
    stored = {status: await make.stored_post(status=status) for status in statuses}
    found = await ports.content.posts.page(FEED_ONLY, None, 10)
    assert set(ids(found)) == {stored["live"].id, stored["closed"].id}


async def test_unanswered_posts_have_no_response(ports: Ports, make: Makers) -> None:
    answered, waiting = await make.stored_post(), await make.stored_post()
    await ports.content.posts.count_response(answered.id, 1)
    found = await ports.content.posts.page(replace(FEED_ONLY, unanswered=True), None, 10)
    assert ids(found) == [waiting.id]


async def test_bands_of_a_feed_ask_for_what_is_and_for_what_is_not(ports: Ports, make: Makers) -> None:
    posts = {
        "sos": await make.stored_post(type="sos", categories=["alcohol"]),
        "both": await make.stored_post(categories=["alcohol", "gambling"]),
        "other": await make.stored_post(categories=["nicotine"]),
        "none": await make.stored_post(categories=[]),
    }
    await ports.content.posts.count_response(posts["other"].id, 1)
    names = {post.id: name for name, post in posts.items()}
    asked: list[tuple[dict[str, Any], set[str]]] = [
        ({"answered": True}, {"other"}),
        ({"but_type": "sos"}, {"both", "other", "none"}),
        ({"type": "sos", "but_type": "sos"}, set()),
        ({"in_categories": ("gambling", "nicotine")}, {"both", "other"}),
        ({"not_in_categories": ("gambling", "nicotine")}, {"sos", "none"}),
        ({"category": "alcohol", "in_categories": ("gambling",)}, {"both"}),
        ({"category": "alcohol", "not_in_categories": ("gambling",)}, {"sos"}),
        ({"in_categories": ("alcohol",), "but_type": "sos", "unanswered": True}, {"both"}),
    ]
    for fields, expected in asked:
        found = await ports.content.posts.page(replace(FEED_ONLY, **fields), None, 10)
        assert (fields, {names[post.id] for post in found}) == (fields, expected)


async def test_posts_of_some_authors_are_left_out_also_of_the_one_asked_for(
    ports: Ports, make: Makers
) -> None:
    one, two = await make.stored_post(), await make.stored_post()
    without_one = replace(FEED_ONLY, without_authors=(one.author_id,))
    assert ids(await ports.content.posts.page(without_one, None, 10)) == [two.id]
    assert await ports.content.posts.page(replace(without_one, author_id=one.author_id), None, 10) == []
    of_two = replace(without_one, author_id=two.author_id)
    assert ids(await ports.content.posts.page(of_two, None, 10)) == [two.id]


SORTS: list[tuple[Sort, list[int]]] = [
    ("recent", [6, 5, 4, 3, 2, 1, 0]),
    ("oldest_unanswered", [0, 1, 2, 3, 4, 5, 6]),
    ("urgent", [5, 3, 1, 6, 4, 2, 0]),
]


@pytest.mark.parametrize(("sort", "order"), SORTS)
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_pages_in_every_order_hold_every_post_once(
    sort: Sort, order: list[int], limit: int, ports: Ports, make: Makers
) -> None:
    # Every second one is urgent: ties on both sides of most pages.
    posts = [await make.stored_post(urgency=5 if number % 2 else 2) for number in range(7)]
    wanted = replace(FEED_ONLY, sort=sort)
    assert await walked(ports, wanted, limit) == [posts[number].id for number in order]


async def test_oldest_unanswered_leaves_out_what_was_answered(ports: Ports, make: Makers) -> None:
    first, second, third = [await make.stored_post() for _ in range(3)]
    await ports.content.posts.count_response(second.id, 1)
    assert await walked(ports, replace(FEED_ONLY, sort="oldest_unanswered"), 2) == [first.id, third.id]


FOREIGN: list[tuple[Sort, Cursor]] = [
    ("recent", [5, "a"]),
    ("recent", []),
    ("recent", [5]),
    ("urgent", ["a"]),
    ("urgent", ["a", 5]),
    ("urgent", [5, "a", "b"]),
    ("oldest_unanswered", [5, "a"]),
]


@pytest.mark.parametrize(("sort", "cursor"), FOREIGN)
async def test_a_cursor_of_another_list_is_refused(sort: Sort, cursor: Cursor, ports: Ports) -> None:
    with pytest.raises(Invalid) as refusal:
        await ports.content.posts.page(replace(FEED_ONLY, sort=sort), cursor, 10)
    assert refusal.value.field == "cursor"


async def test_a_change_answers_the_post_as_it_is_now(ports: Ports, make: Makers) -> None:
    post = await make.stored_post()
    changed = await ports.content.posts.change(post.id, {"urgency": 5, "edited_at": NOON})
    assert changed == replace(post, urgency=5, edited_at=NOON)
    assert await ports.content.posts.get(post.id) == changed
    assert await ports.content.posts.change(new_id(), {"urgency": 5}) is None


async def test_a_guarded_change_happens_to_one_of_many_at_once(ports: Ports, make: Makers) -> None:
    post = await make.stored_post()
    change = ports.content.posts.change
    changed = await asyncio.gather(*(change(post.id, {"status": "held"}, status="live") for _ in range(5)))
    assert sum(one is not None for one in changed) == 1
    assert await change(post.id, {"urgency": 1}, status="live") is None


async def test_a_verdict_is_kept_beside_the_post_and_changes_nothing_of_it(
    ports: Ports, make: Makers
) -> None:
    post = await make.stored_post()
    verdict = {"labels": [], "scores": {"spam": 0.1}, "actions": ["allow"], "language": "en"}
    assert await ports.content.posts.change(post.id, {"verdict": verdict}) == post


async def test_supports_are_counted_by_kind_also_all_at_once(ports: Ports, make: Makers) -> None:
    post = await make.stored_post()
    count = ports.content.posts.count_support
    await asyncio.gather(*(count(post.id, kind, 1) for kind in ["been_there", "stay_strong"] * 5))
    changed = await count(post.id, "been_there", -1)
    assert changed is not None
    assert changed.supports == {"been_there": 4, "stay_strong": 5}
    assert await count(new_id(), "been_there", 1) is None


async def test_responses_are_counted_up_and_down(ports: Ports, make: Makers) -> None:
    post = await make.stored_post()
    for change in (1, 1, -1):
        await ports.content.posts.count_response(post.id, change)
    await ports.content.posts.count_response(new_id(), 1)
    stored = await ports.content.posts.get(post.id)
    assert stored is not None
    assert stored.responses == 1


async def test_live_posts_since_a_moment_come_oldest_first(ports: Ports, make: Makers) -> None:
    ages = (30, 20, 10, 0)
    posts = [await make.stored_post(created_at=NOON - timedelta(seconds=age)) for age in ages]
    await make.stored_post(created_at=NOON, status="held")
    since = NOON - timedelta(seconds=20)
    assert ids(await ports.content.posts.created_since(since, 10)) == ids(posts[1:])
    assert ids(await ports.content.posts.created_since(since, 2)) == ids(posts[1:3])


async def test_posts_are_due_to_expire_once_their_time_has_come(ports: Ports, make: Makers) -> None:
    later = await make.stored_post(expires_at=NOON + timedelta(milliseconds=1))
    removed = await make.stored_post(expires_at=NOON - timedelta(days=1), status="removed")
    due = await make.stored_post(expires_at=NOON)
    assert ids(await ports.content.posts.due_to_expire(NOON, 10)) == [removed.id, due.id]
    assert ids(await ports.content.posts.due_to_expire(NOON, 1)) == [removed.id]
    await ports.content.posts.expire(removed.id)
    assert ids(await ports.content.posts.due_to_expire(NOON + timedelta(days=1), 10)) == [due.id, later.id]


async def test_an_expired_post_keeps_its_counts_and_nothing_that_was_written(
    ports: Ports, make: Makers
) -> None:
    post = await make.stored_post(content_warning="relapse", responses=2, supports={"been_there": 1})
    await ports.content.posts.change(post.id, {"verdict": {"labels": ["risk"]}})
    await ports.content.posts.expire(post.id)
    emptied = replace(post, status="expired", content="", content_warning=None, context=Context())
    assert await ports.content.posts.get(post.id) == emptied
    await ports.content.posts.expire(new_id())


async def test_counters_are_shifted_beside_others_that_move_them(ports: Ports, make: Makers) -> None:
    post = await make.stored_post(responses=1, supports={"been_there": 2})
    await asyncio.gather(
        ports.content.posts.shift_counts(post.id, 2, {"been_there": -1, "stay_strong": 1}),
        *(ports.content.posts.count_response(post.id, 1) for _ in range(4)),
    )
    moved = await ports.content.posts.get(post.id)
    assert moved is not None
    assert (moved.responses, moved.supports) == (7, {"been_there": 1, "stay_strong": 1})


async def test_posts_are_set_apart_together(ports: Ports, make: Makers) -> None:
    one, other = await make.stored_post(), await make.stored_post()
    for _ in range(2):
        await ports.content.posts.set_apart([one.id, new_id()])
    found = [await ports.content.posts.get(post.id) for post in (one, other)]
    assert [post.apart for post in found if post is not None] == [True, False]
    await ports.content.posts.set_apart([])
