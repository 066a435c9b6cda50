"""Events: told from the current state, once, by whoever gets to it."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from domain import events
from domain.errors import Unavailable
from domain.events import Announcer, Event
from domain.ids import new_id
from domain.jobs import Job
from domain.rooms import FEED, post_room
from tests.domain.world import World
from tests.fakes.outage import without_room, without_rooms


def event_of(world: World, post_id: str, **fields: Any) -> Event:
    usual: dict[str, Any] = {
        "id": new_id(),
        "name": "post:changed",
        "at": world.clock(),
        "refs": {"post_id": post_id},
    }
    return Event(**{**usual, **fields})


async def recorded(world: World, event: Event) -> Event:
    async with world.ports.transaction() as tx:
        await events.record(event, [], tx)
    return event


def is_done(world: World, event: Event) -> bool:
    return world.fakes.tables.outbox[event.id].done_at is not None


async def test_telling_twice_changes_nothing(world: World) -> None:
    post = await world.post(await world.person())
    event = await recorded(world, event_of(world, post.id))
    await events.tell(event, world.ports)
    first = await world.told(FEED)
    await events.tell(event, world.ports)
    assert await world.told(FEED) == first
    assert is_done(world, event)


async def test_two_who_tell_at_once_tell_once(world: World) -> None:
    post = await world.post(await world.person())
    event = await recorded(world, event_of(world, post.id))
    await asyncio.gather(*(events.tell(event, world.ports) for _ in range(4)))
    assert await world.names(post_room(post.id)) == ["post:changed"]


async def test_an_event_is_told_as_things_are_when_it_is_told(world: World) -> None:
    post = await world.post(await world.person())
    event = await recorded(world, event_of(world, post.id))
    await world.ports.content.posts.change(post.id, {"content": "Newer words"})
    await events.tell(event, world.ports)
    assert (await world.told(post_room(post.id)))[0]["data"]["post"]["content"] == "Newer words"


@pytest.mark.parametrize("name", ["post:changed", "post:new", "support:changed", "nothing:known"])
async def test_what_can_no_longer_be_told_is_done(world: World, name: str) -> None:
    event = await recorded(world, event_of(world, new_id(), name=name))
    await events.tell(event, world.ports)
    assert is_done(world, event)
    assert await world.names(FEED) == []


async def test_a_room_whose_server_is_away_does_not_silence_the_others(world: World) -> None:
    post = await world.post(await world.person())
    event = await recorded(world, event_of(world, post.id))
    for silent, heard in ((FEED, post_room(post.id)), (post_room(post.id), FEED)):
        with pytest.raises(Unavailable):
            await events.tell(event, without_room(world.ports, silent))
        assert (await world.names(heard))[-1] == "post:changed"
        assert not is_done(world, event)
    await events.tell(event, world.ports)
    assert is_done(world, event)


async def test_what_could_not_be_told_stays_for_the_relay(world: World) -> None:
    post = await world.post(await world.person())
    event = await recorded(world, event_of(world, post.id))
    with pytest.raises(Unavailable):
        await events.tell(event, without_rooms(world.ports))
    later = world.clock.advance(seconds=2)
    assert await world.ports.records.outbox.due(later, 10) == [event]
    for due in await world.ports.records.outbox.due(later, 10):
        await events.tell(due, world.ports)
    assert await world.ports.records.outbox.due(later, 10) == []
    assert await world.names(post_room(post.id)) == ["post:changed"]


async def test_what_was_told_and_reopened_is_told_at_its_old_place(world: World) -> None:
    author = await world.person()
    await world.post(author)
    before = await world.told(FEED)
    assert await world.ports.records.outbox.reopen_since(world.clock() - timedelta(minutes=1)) > 0
    for due in await world.ports.records.outbox.due(world.clock(), 10):
        await events.tell(due, world.ports)
    assert await world.told(FEED) == before


async def test_a_log_that_lost_its_newest_second_hears_it_again_from_the_outbox(world: World) -> None:
    author = await world.person()
    posts = [await world.post(author) for _ in range(3)]
    world.fakes.rooms.restart(losing=2)
    await world.ports.records.outbox.reopen_since(world.clock() - timedelta(minutes=1))
    for due in await world.ports.records.outbox.due(world.clock(), 10):
        await events.tell(due, world.ports)
    told = [event["data"]["post"]["id"] for event in await world.told(FEED)]
    assert sorted(told) == sorted(post.id for post in posts)


async def test_an_envelope_says_who_what_and_when_but_never_the_actor(world: World) -> None:
    author = await world.person()
    post = await world.post(author)
    ((publication,),) = [await events.compose(event_of(world, post.id, name="post:new"), world.ports)]
    fields = msgspec.json.decode(b"{" + publication.body)
    assert set(fields) == {"event_id", "at", "data"}
    assert publication.room == FEED


async def test_announcing_pushes_the_jobs_and_tells_the_events_in_order(world: World) -> None:
    post = await world.post(await world.person())
    first = await recorded(world, event_of(world, post.id))
    second = await recorded(world, event_of(world, post.id))
    job = Job(name="scan_post", args={}, key="scan_post:x")
    world.ports.announcer.announce(first, second, jobs=[job])
    assert world.ports.announcer.pending == 1
    await world.ports.announcer.drain()
    assert world.ports.announcer.pending == 0
    told = [event["event_id"] for event in await world.told(post_room(post.id))]
    assert told == [first.id, second.id]
    assert "scan_post:x" in world.fakes.queue.held


async def test_a_failing_event_hurts_nobody_else(world: World, caplog: pytest.LogCaptureFixture) -> None:
    post = await world.post(await world.person())
    broken = await recorded(world, event_of(world, post.id, refs={}))
    whole = await recorded(world, event_of(world, post.id))
    world.ports.announcer.announce(broken)
    world.ports.announcer.announce(whole)
    await world.ports.announcer.drain()
    assert (is_done(world, broken), is_done(world, whole)) == (False, True)


@pytest.mark.parametrize("world", [{"announce_pending_max": 2}], indirect=True)
async def test_above_its_bound_an_announcer_leaves_the_rest_to_the_relay(world: World) -> None:
    post = await world.post(await world.person())
    made = [await recorded(world, event_of(world, post.id)) for _ in range(4)]
    announcer = Announcer(lambda: world.ports)
    for event in made:
        announcer.announce(event)
    assert announcer.pending == 2
    await announcer.drain()
    assert [is_done(world, event) for event in made] == [True, True, False, False]
    assert len(await world.ports.records.outbox.due(world.clock(), 10)) == 2


async def test_recording_is_undone_with_the_transaction(world: World) -> None:
    event = event_of(world, new_id())
    job = Job(name="scan_post", args={}, key="scan_post:x")
    with pytest.raises(ZeroDivisionError):
        await record_and_fail(world, event, job)
    assert world.fakes.tables.outbox == {}
    assert world.fakes.tables.jobs == {}


async def record_and_fail(world: World, event: Event, job: Job) -> None:
    async with world.ports.transaction() as tx:
        await events.record(event, [job], tx)
        raise ZeroDivisionError
