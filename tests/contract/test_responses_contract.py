"""What `domain.ports.Responses` and `domain.ports.Supports` promise."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.errors import Invalid
from domain.ids import new_id
from domain.pages import Cursor
from domain.ports import Ports
from domain.responses import Response
from domain.voice_notes import VoiceNoteView
from tests.contract.makers import NOON, Makers

POST = new_id()
VOICE = VoiceNoteView(id=new_id(), duration_seconds=1.5, content_type="audio/aac", bytes=1200)


def ids(responses: list[Response]) -> list[str]:
    return [response.id for response in responses]


async def test_a_response_comes_back_as_it_was_stored(ports: Ports, make: Makers) -> None:
    response = make.response(POST, voice_note=VOICE, type="voice", content="")
    assert await ports.content.responses.add(response) == (response, True)
    assert await ports.content.responses.get(response.id) == response
    assert await ports.content.responses.by_client_id(response.author_id, response.client_id) == response
    assert await ports.content.responses.get(new_id()) is None


async def test_a_client_id_makes_one_response_also_when_tried_at_once(ports: Ports, make: Makers) -> None:
    author_id = new_id()
    tries = [make.response(POST, author_id=author_id, client_id="the-same-one") for _ in range(6)]
    stored = await asyncio.gather(*(ports.content.responses.add(one) for one in tries))
    assert len({response.id for response, _ in stored}) == 1
    assert sum(new for _, new in stored) == 1
    assert (await ports.content.responses.add(tries[0]))[1] is False


async def test_a_thread_is_paged_oldest_first_without_some_authors(ports: Ports, make: Makers) -> None:
    thread = [await make.stored_response(POST) for _ in range(5)]
    await make.stored_response(new_id())
    await make.stored_response(POST, status="removed")
    page = ports.content.responses.page
    assert ids(await page(POST, None, 10)) == ids(thread)
    assert ids(await page(POST, None, 2)) == ids(thread[:2])
    assert ids(await page(POST, [thread[1].id], 2)) == ids(thread[2:4])
    assert ids(await page(POST, [thread[4].id], 2)) == []
    assert ids(await page(POST, None, 2, without=[thread[0].author_id])) == ids(thread[1:3])


@pytest.mark.parametrize("cursor", [[], [5], [5, "a"], ["a", "b"]])
async def test_a_cursor_of_another_list_is_refused(cursor: Cursor, ports: Ports) -> None:
    with pytest.raises(Invalid) as refusal:
        await ports.content.responses.page(POST, cursor, 10)
    assert refusal.value.field == "cursor"


async def test_a_response_changes_only_in_the_status_that_was_expected(ports: Ports, make: Makers) -> None:
    response = await make.stored_response(POST)
    change = ports.content.responses.change
    assert await change(response.id, {"thanked": True}) == replace(response, thanked=True)
    changed = await asyncio.gather(*(change(response.id, {"status": "removed"}) for _ in range(5)))
    assert sum(one is not None for one in changed) == 1
    assert await change(response.id, {"thanked": False}) is None
    assert await change(response.id, {"status": "live"}, status="removed") is not None
    assert await change(new_id(), {"thanked": True}) is None


async def test_what_one_author_says_in_a_thread_is_found_oldest_first(ports: Ports, make: Makers) -> None:
    author, other, post_id = new_id(), new_id(), new_id()
    first, second, gone = [make.response(post_id, author_id=author) for _ in range(3)]
    others = [make.response(post_id, author_id=other), make.response(new_id(), author_id=author)]
    for response in (second, first, gone, *others):
        await ports.content.responses.add(response)
    await ports.content.responses.change(gone.id, {"status": "removed"})
    found = await ports.content.responses.said_by(author, post_id)
    assert [one.id for one in found] == sorted([first.id, second.id])


async def test_live_responses_of_some_authors_to_some_posts_are_found(ports: Ports, make: Makers) -> None:
    posts, author = [new_id(), new_id()], new_id()
    for post_id in (posts[0], posts[0], posts[1], new_id()):
        await make.stored_response(post_id, author_id=author)
    await make.stored_response(posts[0], author_id=author, status="removed")
    await make.stored_response(posts[0])
    found = await ports.content.responses.from_authors(posts, [author])
    assert sorted(found) == sorted([posts[0], posts[0], posts[1]])
    assert await ports.content.responses.from_authors(posts, []) == []
    assert await ports.content.responses.from_authors([], [author]) == []


async def test_a_verdict_is_kept_beside_the_response(ports: Ports, make: Makers) -> None:
    response = await make.stored_response(POST)
    assert await ports.content.responses.change(response.id, {"verdict": {"labels": []}}) == response


async def test_live_responses_since_a_moment_come_oldest_first(ports: Ports, make: Makers) -> None:
    ages = (30, 20, 10)
    made = [await make.stored_response(POST, created_at=NOON - timedelta(seconds=age)) for age in ages]
    await make.stored_response(POST, status="removed")
    since = NOON - timedelta(seconds=20)
    assert ids(await ports.content.responses.created_since(since, 10)) == ids(made[1:])
    assert ids(await ports.content.responses.created_since(since, 1)) == ids(made[1:2])


async def test_a_second_tap_of_a_kind_is_none(ports: Ports) -> None:
    post_id, giver_id = new_id(), new_id()
    supports = ports.content.supports
    taps = (supports.add(post_id, giver_id, "been_there", NOON) for _ in range(5))
    assert sum(await asyncio.gather(*taps)) == 1
    assert await supports.add(post_id, giver_id, "stay_strong", NOON)
    assert sorted(await supports.kinds_of(post_id, giver_id)) == ["been_there", "stay_strong"]
    assert await supports.kinds_of(post_id, new_id()) == []


async def test_a_support_is_taken_back_once_and_may_be_given_again(ports: Ports) -> None:
    post_id, giver_id = new_id(), new_id()
    supports = ports.content.supports
    await supports.add(post_id, giver_id, "been_there", NOON)
    assert await supports.remove(post_id, giver_id, "been_there")
    assert not await supports.remove(post_id, giver_id, "been_there")
    assert await supports.add(post_id, giver_id, "been_there", NOON)


async def test_supports_of_some_givers_to_some_posts_are_found(ports: Ports) -> None:
    posts, givers = [new_id(), new_id()], [new_id(), new_id()]
    supports = ports.content.supports
    await supports.add(posts[0], givers[0], "been_there", NOON)
    await supports.add(posts[0], givers[1], "been_there", NOON)
    await supports.add(posts[1], givers[0], "stay_strong", NOON)
    await supports.add(new_id(), givers[0], "stay_strong", NOON)
    found = await supports.from_givers(posts, givers[:1])
    assert sorted(found) == sorted([(posts[0], "been_there"), (posts[1], "stay_strong")])
    assert await supports.from_givers(posts, []) == []
    assert await supports.from_givers([], givers) == []


async def test_live_responses_are_counted_by_post(ports: Ports, make: Makers) -> None:
    some, none = new_id(), new_id()
    for status in ("live", "live", "removed", "held"):
        await make.stored_response(some, status=status)
    assert await ports.content.responses.counts([some, none]) == {some: 2}
    assert await ports.content.responses.counts([]) == {}


async def test_a_thread_expires_whole_and_keeps_who_answered(ports: Ports, make: Makers) -> None:
    post_id = new_id()
    live = await make.stored_response(post_id, type="voice", voice_note=VOICE)
    removed = await make.stored_response(post_id, status="removed")
    other = await make.stored_response(new_id())
    await ports.content.responses.expire_thread(post_id)
    expired = replace(live, status="expired", content="", voice_note=None)
    assert await ports.content.responses.get(live.id) == expired
    assert await ports.content.responses.get(removed.id) == replace(removed, content="")
    assert await ports.content.responses.get(other.id) == other


async def test_supports_are_counted_by_post_and_kind_and_forgotten_by_post(ports: Ports) -> None:
    post_id, other = new_id(), new_id()
    supports = ports.content.supports
    for kind in ("been_there", "stay_strong"):
        await supports.add(post_id, new_id(), kind, NOON)
    await supports.add(post_id, new_id(), "been_there", NOON)
    await supports.add(other, new_id(), "been_there", NOON)
    counted = {post_id: {"been_there": 2, "stay_strong": 1}, other: {"been_there": 1}}
    assert await supports.counts([post_id, other, new_id()]) == counted
    await supports.forget(post_id)
    assert await supports.counts([post_id, other]) == {other: {"been_there": 1}}


async def test_the_posts_somebody_helped_with_are_found_newest_first(ports: Ports, make: Makers) -> None:
    helper, first, second = new_id(), new_id(), new_id()
    for minute, post_id in enumerate((first, second, first)):
        await make.stored_response(post_id, author_id=helper)
        kind = ("been_there", "stay_strong", "proud_of_you")[minute]
        await ports.content.supports.add(post_id, helper, kind, NOON + timedelta(minutes=minute))
    for helped in (ports.content.responses, ports.content.supports):
        assert await helped.posts_of(helper, 9) == [first, second]
        assert await helped.posts_of(helper, 1) == [first]
        assert await helped.posts_of(new_id(), 9) == []


async def test_the_authors_of_live_responses_are_named(ports: Ports, make: Makers) -> None:
    post_id, author = new_id(), new_id()
    for _ in range(2):
        await make.stored_response(post_id, author_id=author)
    gone = await make.stored_response(post_id)
    await ports.content.responses.change(gone.id, {"status": "removed"})
    assert await ports.content.responses.authors(post_id) == [author, author]
