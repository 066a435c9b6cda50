"""Echoes: whoever listens hears a removal or a change last, whatever telling was on its way."""

from domain import events, visibility
from domain.events import Event
from domain.ids import new_id
from domain.posts import PostView
from domain.rooms import FEED, post_room
from tests.domain.world import World


async def hide(world: World, post: PostView, cause: str = "a decision") -> None:
    assert await visibility.withhold_post(await world.stored(post.id), "hidden", cause, world.ports)
    await world.ports.announcer.drain()


async def test_a_telling_that_was_on_its_way_does_not_have_the_last_word(world: World) -> None:
    post = await world.post(await world.person())
    late = Event(id=new_id(), name="post:new", at=world.clock(), refs={"post_id": post.id})
    (publication,) = await events.compose(late, world.ports)
    await hide(world, post)
    await world.ports.rooms.publish(publication)
    assert await world.names(FEED) == ["post:new", "post:removed", "post:new"]
    assert await world.work("echo") == 0
    world.clock.advance(seconds=2)
    assert await world.work("echo", times=2) == 1
    assert await world.names(FEED) == ["post:new", "post:removed", "post:new", "post:removed"]
    assert (await world.told(FEED))[-1]["data"] == {"post_id": post.id, "reason": "moderation"}


async def test_what_was_brought_back_meanwhile_is_not_removed_again(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    answer = await world.answer(helper, post)
    await hide(world, post)
    await visibility.restore_post(await world.stored(post.id), "live", "an appeal", world.ports)
    stored = await world.ports.content.responses.get(answer.id)
    assert stored is not None
    await visibility.withhold_response(stored, "hidden", "a decision", world.ports)
    world.clock.advance(seconds=2)
    assert await world.work("echo") == 2
    assert (await world.names(FEED))[-1] == "post:new"
    assert (await world.names(post_room(post.id)))[-2:] == ["response:removed", "response:removed"]


async def test_what_was_said_long_ago_has_been_told_for_good(world: World) -> None:
    post = await world.post(await world.person())
    world.clock.advance(minutes=1)
    await hide(world, post)
    assert world.owed("echo") == []
