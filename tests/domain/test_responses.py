"""Responses: said once, told where they belong, taken back whole."""

import asyncio

import pytest

from domain import responses
from domain.accounts import User
from domain.errors import Forbidden, Invalid, NotFound, RateLimited, Unavailable
from domain.ids import new_id
from domain.posts import DeletePost, delete_post
from domain.responses import DeleteResponse, OpenPost, Respond
from domain.rooms import RoomState, post_room, user_room
from tests.domain.world import World
from tests.fakes.outage import without_transactions

STATE = RoomState(epoch="e", seq=0, recovered=False)


async def thread(world: World, post_id: str, user: User) -> list[str]:
    page = await responses.post_responses(post_id, user, world.ports, cursor=None, limit=50)
    return [response.id for response in page.items]


async def test_a_response_is_told_in_the_thread_and_to_the_author_of_the_post(world: World) -> None:
    author, helper = await world.person(), await world.person(handle="brave-wren")
    post = await world.post(author, type="sos")
    response = await world.answer(helper, post, content=" I am here. ")
    assert (response.content, response.author.handle, response.thanked) == ("I am here.", "brave-wren", False)
    for room in (post_room(post.id), user_room(author.id)):
        told = [event for event in await world.told(room) if event["event"] == "response:new"]
        assert [event["data"]["response"]["id"] for event in told] == [response.id]
    assert (await world.stored(post.id)).responses == 1


async def test_a_retried_response_returns_the_original(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    first = await world.answer(helper, post, client_id="client-1")
    before = world.rows()
    assert await world.answer(helper, post, client_id="client-1", content="Other words") == first
    assert world.rows() == before
    assert await world.names(post_room(post.id)) == ["response:new"]
    assert (await world.stored(post.id)).responses == 1


async def test_two_tries_at_once_make_one_response(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await asyncio.gather(*(world.answer(helper, post, client_id="client-1") for _ in range(5)))
    assert (await world.stored(post.id)).responses == 1
    assert await world.names(post_room(post.id)) == ["response:new"]


@pytest.mark.parametrize("content", ["", " \n", "a\x00b", "x" * 2001])
async def test_what_cannot_be_said_is_refused(world: World, content: str) -> None:
    post = await world.post(await world.person())
    with pytest.raises(Invalid) as refusal:
        await world.answer(await world.person(), post, content=content)
    assert refusal.value.field == "content"


@pytest.mark.parametrize("world", [{"responses_per_hour": 2}], indirect=True)
async def test_too_many_responses_are_refused_but_no_retry_is(world: World) -> None:
    post, helper = await world.post(await world.person()), await world.person()
    for number in range(2):
        await world.answer(helper, post, client_id=f"client-{number}")
    await world.answer(helper, post, client_id="client-0")
    with pytest.raises(RateLimited):
        await world.answer(helper, post)


async def test_nobody_answers_what_they_cannot_see(world: World) -> None:
    author, blocked = await world.person(), await world.person()
    post = await world.post(author)
    await world.block(author, blocked)
    private = await world.post(author, visibility="private")
    for user, target in ((blocked, post), (await world.person(), private)):
        with pytest.raises(NotFound):
            await world.answer(user, target)


async def test_responses_of_blocked_people_are_left_out_of_a_thread(world: World) -> None:
    author, reader, blocked = [await world.person() for _ in range(3)]
    post = await world.post(author)
    hidden, shown = await world.answer(blocked, post), await world.answer(author, post)
    await world.block(blocked, reader)
    assert await thread(world, post.id, reader) == [shown.id]
    assert set(await thread(world, post.id, author)) == {hidden.id, shown.id}


async def test_a_thread_is_paged(world: World) -> None:
    author = await world.person()
    post = await world.post(author)
    made = {(await world.answer(author, post)).id for _ in range(5)}
    first = await responses.post_responses(post.id, author, world.ports, cursor=None, limit=3)
    rest = await responses.post_responses(post.id, author, world.ports, cursor=first.next_cursor, limit=3)
    assert (len(first.items), len(rest.items), rest.next_cursor) == (3, 2, None)
    assert {response.id for response in first.items + rest.items} == made


async def test_opening_a_thread_shows_all_there_is(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    response = await world.answer(helper, post)
    await world.tap(helper, post, "been_there")
    opened = await responses.open_thread(OpenPost(post_id=post.id), STATE, helper, world.ports)
    assert opened.post.counts.responses == 1
    assert [shown.id for shown in opened.responses.items] == [response.id]
    assert (opened.mine, opened.position) == (["been_there"], STATE)


async def test_a_deleted_response_is_gone_and_no_longer_counted(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    response = await world.answer(helper, post)
    await responses.delete_response(DeleteResponse(response_id=response.id), helper, world.ports)
    assert await thread(world, post.id, author) == []
    assert (await world.stored(post.id)).responses == 0
    told = (await world.told(post_room(post.id)))[-1]
    assert told["event"] == "response:removed"
    assert told["data"] == {"post_id": post.id, "response_id": response.id, "reason": "deleted"}


async def test_deleting_twice_counts_and_tells_once(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    response = await world.answer(helper, post)
    command = DeleteResponse(response_id=response.id)
    await responses.delete_response(command, helper, world.ports)
    with pytest.raises(NotFound):
        await responses.delete_response(command, helper, world.ports)
    assert (await world.names(post_room(post.id))).count("response:removed") == 1
    assert (await world.stored(post.id)).responses == 0


async def test_a_retry_tells_what_was_deleted_while_postgresql_was_away(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    command = DeleteResponse(response_id=(await world.answer(helper, post)).id)
    with pytest.raises(Unavailable):
        await responses.delete_response(command, helper, without_transactions(world.ports))
    for user in (author, helper, helper):
        with pytest.raises(NotFound):
            await responses.delete_response(command, user, world.ports)
    assert (await world.names(post_room(post.id))).count("response:removed") == 1
    assert (await world.stored(post.id)).responses == 0


async def test_only_its_author_deletes_a_response(world: World) -> None:
    author, helper = await world.person(), await world.person()
    response = await world.answer(helper, await world.post(author))
    with pytest.raises(Forbidden):
        await responses.delete_response(DeleteResponse(response_id=response.id), author, world.ports)
    with pytest.raises(NotFound):
        await responses.delete_response(DeleteResponse(response_id=new_id()), author, world.ports)


async def test_nothing_is_told_of_a_response_to_what_was_removed(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    response = await world.answer(helper, post)
    await delete_post(DeletePost(post_id=post.id), author, world.ports)
    rows = world.fakes.tables.outbox.values()
    (created,) = [row.event for row in rows if row.event.name == "response:new"]
    assert created.refs["response_id"] == response.id
    assert await responses.compose_new(created, world.ports) is None
    with pytest.raises(NotFound):
        await thread(world, post.id, helper)


async def test_an_answer_that_sounds_like_danger_brings_help_for_the_one_who_gives_it(world: World) -> None:
    author, helper = await world.person(), await world.person(country="DE")
    post = await world.post(author)
    command = Respond(client_id=new_id(), post_id=post.id, content="I want to kill myself too")
    answer = await responses.respond(command, helper, world.ports)
    assert answer.crisis is not None
    assert answer.crisis.country == "DE"
    plain = Respond(client_id=new_id(), post_id=post.id, content="Day 30 was good to me.")
    assert (await responses.respond(plain, helper, world.ports)).crisis is None
