"""Sweeping: what a process that died between the stores left untold."""

from msgspec.structs import replace

from domain import posts, sweeping
from domain.accounts import User
from domain.ids import new_id
from domain.jobs import Job
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


async def test_untold_content_is_told_once_it_has_settled(world: World) -> None:
    author = await world.person()
    post = await unrecorded(world, author)
    await unrecorded_response(world, post)
    assert await sweeping.sweep_unrecorded(world.ports) == 0
    world.clock.advance(seconds=11)
    assert await sweeping.sweep_unrecorded(world.ports) == 2
    assert await sweeping.sweep_unrecorded(world.ports) == 0
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
    assert await sweeping.sweep_unrecorded(world.ports) == 0
    assert world.rows() == before


async def test_old_content_is_none_of_its_business(world: World) -> None:
    await unrecorded(world, await world.person())
    world.clock.advance(minutes=10, seconds=1)
    assert await sweeping.sweep_unrecorded(world.ports) == 0


async def test_a_response_to_nothing_is_passed_over(world: World) -> None:
    author = await world.person()
    post = await unrecorded(world, author)
    await unrecorded_response(world, replace(post, id=new_id()))
    world.clock.advance(seconds=11)
    await sweeping.sweep_unrecorded(world.ports)
    assert await world.names(FEED) == ["post:new"]
