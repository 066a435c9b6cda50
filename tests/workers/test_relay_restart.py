"""What the relay tells when a Redis was restarted or is away."""

import pytest

from domain import posts
from domain.accounts import User
from domain.errors import Unavailable
from domain.events import Event, Publication
from domain.ids import new_id, random_id
from domain.posts import CreatePost
from domain.rooms import FEED
from tests.fakes.outage import without_transactions
from tests.fakes.ports import Fakes, make_fakes
from workers.relay import Relay

OUTAGE_SECONDS = 300


async def nothing() -> None:
    """The job queue has nothing to recover."""


async def unavailable() -> None:
    raise Unavailable


async def told(fakes: Fakes) -> Event:
    """An event that was told a moment ago; nobody composes it, so its log entry is made here."""
    event = Event(id=new_id(), name="tested", at=fakes.clock(), refs={})
    await fakes.ports.records.outbox.add(event)
    await fakes.ports.rooms.publish(Publication(FEED, event.id, event.name, "", b'"data":0}'))
    await fakes.ports.records.outbox.mark_done(event.id, fakes.clock())
    return event


def is_open(fakes: Fakes, event: Event) -> bool:
    return fakes.tables.outbox[event.id].done_at is None


async def test_what_was_told_just_before_a_long_outage_is_told_again() -> None:
    fakes = make_fakes()
    relay = Relay(fakes.ports, recover=nothing)
    await relay.turn()
    event = await told(fakes)
    fakes.rooms.restart(losing=1)
    fakes.clock.advance(seconds=OUTAGE_SECONDS)
    assert await relay.turn() == 1
    assert not is_open(fakes, event)


async def test_what_was_told_well_before_the_outage_is_left_alone() -> None:
    fakes = make_fakes()
    relay = Relay(fakes.ports, recover=nothing)
    await relay.turn()
    await told(fakes)
    fakes.clock.advance(seconds=30)
    assert await relay.turn() == 0
    fakes.rooms.restart(losing=1)
    fakes.clock.advance(seconds=OUTAGE_SECONDS)
    assert await relay.turn() == 0


async def test_a_relay_that_has_just_begun_looks_back_a_minute() -> None:
    fakes = make_fakes()
    await told(fakes)
    fakes.clock.advance(seconds=40)
    await told(fakes)
    fakes.clock.advance(seconds=40)
    assert await Relay(fakes.ports, recover=nothing).turn() == 1


async def test_events_are_told_while_the_queue_cannot_recover() -> None:
    fakes = make_fakes()
    relay = Relay(fakes.ports, recover=unavailable)
    await relay.turn()
    await told(fakes)
    fakes.rooms.restart(losing=1)
    fakes.clock.advance(seconds=OUTAGE_SECONDS)
    assert await relay.turn() == 1


async def test_an_sos_that_was_stored_in_a_long_outage_is_told_when_it_is_over() -> None:
    """MongoDB took it, PostgreSQL did not, and its phone gave up."""
    fakes = make_fakes()
    sos = CreatePost(client_id=new_id(), type="sos", content="Is anybody there?")
    user = User(id=random_id(), session_id=new_id())
    with pytest.raises(Unavailable):
        await posts.create_post(sos, user, without_transactions(fakes.ports))
    fakes.clock.advance(hours=3)
    relay = Relay(fakes.ports, recover=nothing)
    await relay.turn()
    await fakes.ports.announcer.drain()
    assert [event.event for event in (await fakes.ports.rooms.read(FEED, 0, 10)).events] == ["post:new"]
    assert {job.job.name for job in fakes.queue.held.values()} >= {"scan_post", "climb"}
