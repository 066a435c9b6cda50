"""Resuming: whole or refused, and only what one may hear."""

import msgspec
import pytest

from domain import resume
from domain.accounts import User
from domain.errors import NotFound, RateLimited
from domain.events import Publication
from domain.ids import new_id
from domain.rooms import FEED, Position, Resume, RoomEvents, Slice, circle_room, post_room, user_room
from tests.domain.world import World


async def position(world: World, room: str) -> Position:
    await world.ports.announcer.drain()
    return (await world.ports.rooms.positions([room]))[room]


async def resumed(world: World, user: User, **rooms: Position) -> dict[str, RoomEvents]:
    return await resume.resume(Resume(positions=rooms), user, world.ports)


def contents(answer: RoomEvents) -> list[str]:
    events = [msgspec.json.decode(event) for event in answer.events]
    return [event["data"]["post"]["content"] for event in events]


async def test_what_was_missed_is_replayed_in_order(world: World) -> None:
    author, reader = await world.person(), await world.person()
    await world.post(author, content="before")
    seen = await position(world, FEED)
    for content in ("first", "second"):
        await world.post(author, content=content)
    answer = (await resumed(world, reader, feed=seen))[FEED]
    assert (answer.recovered, answer.seq, answer.epoch) == (True, seen.seq + 2, seen.epoch)
    assert contents(answer) == ["first", "second"]


async def test_who_missed_nothing_is_told_so(world: World) -> None:
    seen = await position(world, FEED)
    answer = (await resumed(world, await world.person(), feed=seen))[FEED]
    assert (answer.recovered, answer.events) == (True, [])


async def test_a_seq_alone_counts_in_the_epoch_there_is(world: World) -> None:
    author, reader = await world.person(), await world.person()
    await world.post(author, content="before")
    seen = await position(world, FEED)
    await world.post(author, content="missed")
    await world.ports.announcer.drain()
    answer = await resume.events_after(FEED, seen.seq, reader, world.ports)
    assert (answer.recovered, answer.epoch, contents(answer)) == (True, seen.epoch, ["missed"])
    ahead = await resume.events_after(FEED, answer.seq + 1, reader, world.ports)
    assert (ahead.recovered, ahead.events, ahead.seq) == (False, [], answer.seq)
    with pytest.raises(NotFound):
        await resume.events_after(user_room(author.id), 0, reader, world.ports)


@pytest.mark.parametrize("world", [{"room_log_events": 3}], indirect=True)
async def test_a_trimmed_log_refuses_instead_of_a_part(world: World) -> None:
    author = await world.person()
    seen = await position(world, FEED)
    for _ in range(4):
        await world.post(author)
    answer = (await resumed(world, author, feed=seen))[FEED]
    assert (answer.recovered, answer.events, answer.seq) == (False, [], 4)


@pytest.mark.parametrize("world", [{"room_replay_events_max": 2}], indirect=True)
async def test_more_than_is_replayed_at_once_is_refused(world: World) -> None:
    author = await world.person()
    seen = await position(world, FEED)
    for _ in range(3):
        await world.post(author)
    assert not (await resumed(world, author, feed=seen))[FEED].recovered


async def test_a_lost_log_refuses_and_gives_the_new_position(world: World) -> None:
    author = await world.person()
    await world.post(author)
    seen = await position(world, FEED)
    world.fakes.rooms.flush()
    answer = (await resumed(world, author, feed=seen))[FEED]
    assert not answer.recovered
    assert (answer.epoch != seen.epoch, answer.seq) == (True, 0)


async def test_a_crash_that_lost_what_was_seen_takes_nothing_from_the_reader(world: World) -> None:
    author = await world.person()
    await world.post(author)
    seen = await position(world, FEED)
    world.fakes.rooms.restart(losing=1)
    assert (await resumed(world, author, feed=seen))[FEED].recovered
    await world.post(author, content="after")
    answer = (await resumed(world, author, feed=seen))[FEED]
    assert (answer.recovered, contents(answer)) == (True, ["after"])


async def test_events_of_blocked_people_are_left_out(world: World) -> None:
    reader, blocked, other = [await world.person() for _ in range(3)]
    seen = await position(world, FEED)
    await world.post(blocked, content="hidden")
    await world.post(other, content="shown")
    await world.block(blocked, reader)
    answer = (await resumed(world, reader, feed=seen))[FEED]
    assert (answer.recovered, contents(answer), answer.seq) == (True, ["shown"], 2)


async def test_rooms_of_others_are_left_out_as_if_they_did_not_exist(world: World) -> None:
    reader, other = await world.person(), await world.person()
    circle = await world.circle(other)
    private = await world.post(other, visibility="private")
    forbidden = [user_room(other.id), circle_room(circle.id), post_room(private.id), post_room(new_id())]
    anywhere = Position(epoch="e", seq=0)
    asked = dict.fromkeys([*forbidden, FEED, user_room(reader.id)], anywhere)
    assert set(await resumed(world, reader, **asked)) == {FEED, user_room(reader.id)}
    for room in forbidden:
        with pytest.raises(NotFound):
            await resume.room_events(room, None, reader, world.ports)


async def test_members_hear_their_circle_and_readers_a_thread(world: World) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner, member)
    post = await world.post(owner, circle_id=circle.id, visibility="circle")
    seen = {room: await position(world, room) for room in (circle_room(circle.id), post_room(post.id))}
    assert set(await resumed(world, member, **seen)) == set(seen)


async def test_who_is_let_out_while_the_log_is_read_hears_nothing_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, member = await world.person(), await world.person()
    circle = await world.circle(owner)
    room = circle_room(circle.id)
    await world.ports.records.circles.join(circle.id, member.id, world.ports.now())
    seen = await position(world, room)
    read = world.ports.rooms.read

    async def slow_read(room: str, after: int, limit: int) -> Slice:
        await world.ports.records.circles.leave(circle.id, member.id)
        await world.post(owner, content="after", circle_id=circle.id, visibility="circle")
        await world.ports.announcer.drain()
        return await read(room, after, limit)

    monkeypatch.setattr(world.ports.rooms, "read", slow_read)
    assert await resumed(world, member, **{room: seen}) == {}
    with pytest.raises(NotFound):
        await resume.events_after(room, seen.seq, member, world.ports)


async def test_events_for_servers_only_are_never_shown(world: World) -> None:
    reader = await world.person()
    room = user_room(reader.id)
    seen = await position(world, room)
    await world.ports.rooms.publish(Publication(room, new_id(), "~session:ended", "", b'"data":{}}'))
    answer = (await resumed(world, reader, **{room: seen}))[room]
    assert (answer.recovered, answer.events, answer.seq) == (True, [], 1)


@pytest.mark.parametrize("world", [{"room_replay_events_max": 3}], indirect=True)
async def test_all_rooms_together_are_replayed_no_more_than_one(world: World) -> None:
    author, owner = await world.person(), await world.person()
    circle = await world.circle(owner, author)
    talk = circle_room(circle.id)
    seen = {FEED: await position(world, FEED), talk: await position(world, talk)}
    for _ in range(2):
        await world.post(author, circle_id=circle.id)
    await world.ports.announcer.drain()
    answers = await resumed(world, author, **seen)
    assert {room: answer.recovered for room, answer in answers.items()} == {
        FEED: True,
        talk: False,
    }
    assert (await resumed(world, author, **{talk: seen[talk]}))[talk].recovered


@pytest.mark.parametrize("world", [{"replays_per_minute": 2}], indirect=True)
async def test_nobody_has_logs_replayed_without_end(world: World) -> None:
    reader = await world.person()
    for _ in range(2):
        await resumed(world, reader)
    with pytest.raises(RateLimited):
        await resumed(world, reader)
