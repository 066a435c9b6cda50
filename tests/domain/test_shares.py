"""Shares: what blocked people gave is in no count one is told; nothing is asked where nobody is blocked."""

from typing import Any

import msgspec
import pytest

from domain import resume, shares
from domain.accounts import User
from domain.blocks import AddBlock, add_block
from domain.errors import RateLimited
from domain.posts import ClosePost, PostView, close_post
from domain.rooms import FEED, Logged, Position
from tests.domain.world import World


async def counts_told(world: World, reader: User, room: str = FEED) -> list[dict[str, int]]:
    """The counts in what the reader is replayed, with those of answers among them."""
    await world.ports.announcer.drain()
    log = await world.ports.rooms.read(room, 0, 1)
    answer = await resume.room_events(room, Position(epoch=log.epoch, seq=0), reader, world.ports)
    return [counts_of(msgspec.json.decode(event)["data"]) for event in answer.events]


def counts_of(data: dict[str, Any]) -> dict[str, int]:
    if "post" not in data:
        return dict(data["counts"])
    counts = data["post"]["counts"]
    return {"responses": counts["responses"], **counts["supports"]}


async def helped(world: World, post: PostView, *helpers: User) -> None:
    for helper in helpers:
        await world.tap(helper, post)
        world.clock.advance(seconds=1)


async def test_what_a_blocked_person_gave_is_in_no_count_for_the_one_who_blocked(world: World) -> None:
    author, reader, blocked, other = [await world.person() for _ in range(4)]
    post = await world.post(author)
    await world.block(reader, blocked)
    await helped(world, post, blocked, other)
    await world.answer(blocked, post)
    await close_post(ClosePost(post_id=post.id), author, world.ports)
    assert (await counts_told(world, reader))[-1] == {"responses": 0, "been_there": 1}
    assert (await counts_told(world, other))[-1] == {"responses": 1, "been_there": 2}
    assert (await counts_told(world, blocked))[-1] == {"responses": 1, "been_there": 2}
    assert {"been_there": 2} not in await counts_told(world, reader)


async def test_a_block_that_comes_later_counts_from_the_next_telling_on(world: World) -> None:
    author, reader, blocked, other = [await world.person() for _ in range(4)]
    post = await world.post(author)
    await helped(world, post, blocked)
    await world.block(blocked, reader)
    await world.work("set_apart")
    await helped(world, post, other)
    assert (await counts_told(world, reader))[-1] == {"been_there": 1}
    assert (await counts_told(world, author))[-1] == {"been_there": 2}


async def test_where_nobody_is_blocked_nothing_is_asked_and_nothing_travels(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    monkeypatch.setattr(world.ports.records.blocks, "among", None)
    await helped(world, post, helper)
    await world.answer(helper, post)
    await world.ports.announcer.drain()
    assert not (await world.stored(post.id)).apart
    assert [event.shares for event in (await world.ports.rooms.read(FEED, 0, 9)).events] == [b"", b""]


def test_an_event_without_shares_of_the_blocked_is_the_very_same() -> None:
    given = msgspec.json.encode({"giver": {"been_there": 1}})
    event = Logged(1, 0, "epoch", "support:changed", "", b'{"data":{"counts":{"been_there":1}}}', given)
    assert shares.as_seen_by(event, frozenset()) is event
    assert shares.as_seen_by(event, frozenset({"somebody"})) is event
    assert b"been_there" not in shares.as_seen_by(event, frozenset({"giver"})).body


@pytest.mark.parametrize("world", [{"blocks_per_hour": 2}], indirect=True)
async def test_so_many_are_blocked_in_an_hour(world: World) -> None:
    user, others = await world.person(), [await world.person() for _ in range(3)]
    for other in others[:2]:
        await world.block(user, other)
    with pytest.raises(RateLimited):
        await add_block(AddBlock(user_id=others[2].id), user, world.ports)
