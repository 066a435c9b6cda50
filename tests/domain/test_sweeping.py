"""Sweeping: what a process that died between the stores left untold."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain import posts, sweeping
from domain.accounts import User
from domain.ids import new_id
from domain.jobs import Job
from domain.ports import Ports
from domain.posts import Post
from domain.responses import Response
from domain.rooms import FEED, post_room
from tests.domain.world import World, new_post


async def unrecorded(world: World, author: User) -> Post:
    """A post that is stored and in no outbox."""
    made = posts.new_post(new_post(), "Day 30.", True, author, world.ports)
    return await world.ports.content.posts.add(made)


async def unrecorded_response(world: World, post: Post) -> Response:
    response = Response(
        id=new_id(),
        post_id=post.id,
        author_id=(await world.person()).id,
        client_id="client-1",
        type="text",
        content="I am here.",
        status="live",
        created_at=world.clock(),
    )
    return (await world.ports.content.responses.add(response))[0]


async def swept(world: World) -> int:
    """What a sweep of the last day tells."""
    return (await sweeping.sweep_unrecorded(world.clock() - timedelta(days=1), world.ports)).told


async def test_untold_content_is_told_once_it_has_settled(world: World) -> None:
    author = await world.person()
    post = await unrecorded(world, author)
    await unrecorded_response(world, post)
    assert await swept(world) == 0
    world.clock.advance(seconds=11)
    assert await swept(world) == 2
    assert await swept(world) == 0
    assert await world.names(FEED) == ["post:new"]
    assert await world.names(post_room(post.id)) == ["response:new"]
    assert {job.name for job in await owed(world)} >= {"scan_post", "scan_response", "notify"}


async def owed(world: World) -> list[Job]:
    await world.ports.announcer.drain()
    return [held.job for held in world.fakes.queue.held.values()]


async def test_what_was_told_is_left_alone(world: World) -> None:
    author = await world.person()
    post = await world.post(author)
    await world.answer(author, post)
    world.clock.advance(seconds=11)
    before = world.rows()
    assert await swept(world) == 0
    assert world.rows() == before


async def test_older_content_is_none_of_its_business(world: World) -> None:
    await unrecorded(world, await world.person())
    world.clock.advance(days=1, milliseconds=1)
    assert await swept(world) == 0


async def test_a_sweep_goes_on_where_the_last_one_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than it takes at once, of one moment or of several, does not hide what is newer."""
    monkeypatch.setattr(sweeping, "PAGE", 2)
    monkeypatch.setattr(sweeping, "PAGES_MAX", 3)
    author, began = await world.person(), world.clock()
    for step in (0, 0, 1, 1, 1, 1):
        world.clock.advance(seconds=step)
        await unrecorded(world, author)
    world.clock.advance(minutes=5)
    first = await sweeping.sweep_unrecorded(began, world.ports)
    second = await sweeping.sweep_unrecorded(first.until, world.ports)
    assert (first.told, second.told) == (5, 1)
    assert first.until < second.until == world.clock() - sweeping.SETTLED_AFTER - sweeping.OVERLAP


async def test_a_response_to_nothing_is_passed_over(world: World) -> None:
    author = await world.person()
    post = await unrecorded(world, author)
    await unrecorded_response(world, replace(post, id=new_id()))
    world.clock.advance(seconds=11)
    await swept(world)
    assert await world.names(FEED) == ["post:new"]


async def test_what_cannot_be_told_lets_those_behind_it_pass(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = await world.person()
    broken, _ = [await unrecorded(world, author) for _ in range(2)]
    world.clock.advance(seconds=11)
    tell_of = posts.tell_of

    async def tell_others(post: Post, ports: Ports) -> None:
        if post.id == broken.id:
            raise LookupError
        await tell_of(post, ports)

    monkeypatch.setattr(posts, "tell_of", tell_others)
    assert await swept(world) == 1
