"""What `domain.ports.Outbox` promises."""

from datetime import timedelta

from domain.clock import utc_now
from domain.events import Event
from domain.ids import new_id
from domain.ports import Ports
from domain.trace import TRACEPARENT
from tests.contract.makers import Makers

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SOON = timedelta(seconds=2)


async def add_all(ports: Ports, *events: Event) -> None:
    for event in events:
        await ports.records.outbox.add(event)


async def test_an_event_is_due_until_it_is_done(ports: Ports, make: Makers) -> None:
    event = make.event(refs={"post_id": new_id(), "reason": "deleted"}, actor=new_id())
    await add_all(ports, event, event)
    assert await ports.records.outbox.due(utc_now() + SOON, 10) == [event]
    await ports.records.outbox.mark_done(event.id, utc_now())
    assert await ports.records.outbox.due(utc_now() + SOON, 10) == []


async def test_events_added_at_once_are_as_if_added_one_by_one(ports: Ports, make: Makers) -> None:
    known, *new = [
        make.event(refs={"post_id": new_id(), "reason": "deleted"}, actor=new_id()) for _ in range(3)
    ]
    await add_all(ports, known)
    await ports.records.outbox.mark_done(known.id, utc_now())
    for events in ([known, *new], new, []):
        await ports.records.outbox.add_many(events)
    due = await ports.records.outbox.due(utc_now() + SOON, 10)
    assert sorted(due, key=lambda event: event.id) == sorted(new, key=lambda event: event.id)


async def test_an_event_belongs_to_the_trace_of_what_recorded_it(ports: Ports, make: Makers) -> None:
    events = [make.event() for _ in range(3)]
    token = TRACEPARENT.set(TRACE)
    try:
        await add_all(ports, events[0])
        await ports.records.outbox.add_many(events[1:])
    finally:
        TRACEPARENT.reset(token)
    await add_all(ports, *events, untraced := make.event())
    due = await ports.records.outbox.due(utc_now() + SOON, 10)
    assert {event.id: event.traceparent for event in due} == {
        **{event.id: TRACE for event in events},
        untraced.id: None,
    }


async def test_adding_an_event_again_neither_changes_nor_reopens_it(ports: Ports, make: Makers) -> None:
    event = make.event()
    await add_all(ports, event)
    await ports.records.outbox.mark_done(event.id, utc_now())
    await add_all(ports, make.event(id=event.id, name="post:changed"))
    assert await ports.records.outbox.due(utc_now() + SOON, 10) == []


async def test_a_young_event_is_left_to_its_own_process(ports: Ports, make: Makers) -> None:
    now = utc_now()
    await add_all(ports, make.event(at=now))
    assert await ports.records.outbox.due(now - SOON, 10) == []


async def test_an_event_of_the_future_is_not_due_before_its_time(ports: Ports, make: Makers) -> None:
    later = make.event(at=utc_now() + timedelta(minutes=1))
    await add_all(ports, later)
    assert await ports.records.outbox.due(utc_now() + SOON, 10) == []
    assert await ports.records.outbox.due(later.at, 10) == [later]


async def test_the_oldest_come_first_and_no_more_than_asked_for(ports: Ports, make: Makers) -> None:
    now = utc_now()
    events = [make.event(at=now - timedelta(seconds=age)) for age in (1, 3, 2)]
    await add_all(ports, *events)
    assert await ports.records.outbox.due(now + SOON, 2) == [events[1], events[2]]


async def test_a_failed_event_waits_ten_seconds_longer_each_time(ports: Ports, make: Makers) -> None:
    failing, other = make.event(), make.event()
    await add_all(ports, failing, other)
    now = utc_now()
    for wait in (10, 20):
        await ports.records.outbox.mark_failed(failing.id)
        early = await ports.records.outbox.due(now + timedelta(seconds=wait - 2), 10)
        late = await ports.records.outbox.due(now + timedelta(seconds=wait + 2), 10)
        assert failing not in early
        assert failing in late
        assert other in early


async def test_what_was_told_lately_can_be_reopened(ports: Ports, make: Makers) -> None:
    now = utc_now()
    old, young, never = make.event(), make.event(), make.event()
    await add_all(ports, old, young, never)
    await ports.records.outbox.mark_done(old.id, now - timedelta(minutes=2))
    await ports.records.outbox.mark_done(young.id, now)
    assert await ports.records.outbox.reopen_since(now - timedelta(minutes=1)) == 1
    due = await ports.records.outbox.due(now + SOON, 10)
    assert {event.id for event in due} == {young.id, never.id}


async def test_marking_done_again_keeps_the_first_time(ports: Ports, make: Makers) -> None:
    now = utc_now()
    event = make.event()
    await add_all(ports, event)
    await ports.records.outbox.mark_done(event.id, now - timedelta(minutes=2))
    await ports.records.outbox.mark_done(event.id, now)
    assert await ports.records.outbox.reopen_since(now - timedelta(minutes=1)) == 0


async def test_only_what_was_told_long_ago_is_pruned_in_bounded_steps(ports: Ports, make: Makers) -> None:
    now = utc_now()
    events = [make.event() for _ in range(5)]
    await add_all(ports, *events)
    for event in events[:3]:
        await ports.records.outbox.mark_done(event.id, now - timedelta(days=2))
    await ports.records.outbox.mark_done(events[3].id, now)
    assert await ports.records.outbox.prune(now - timedelta(days=1), 2) == 2
    assert await ports.records.outbox.prune(now - timedelta(days=1), 2) == 1
    assert await ports.records.outbox.prune(now - timedelta(days=1), 2) == 0
    assert len(await ports.records.outbox.missing([event.id for event in events])) == 3


async def test_events_that_were_never_recorded_are_missing(ports: Ports, make: Makers) -> None:
    here, done, gone = make.event(), make.event(), new_id()
    await add_all(ports, here, done)
    await ports.records.outbox.mark_done(done.id, utc_now())
    assert await ports.records.outbox.missing([here.id, done.id, gone]) == {gone}
    assert await ports.records.outbox.missing([]) == set()


async def test_the_backlog_is_what_should_have_been_told_by_now(ports: Ports, make: Makers) -> None:
    now = utc_now()
    assert await ports.records.outbox.backlog(now) == (0, 0.0)
    old, done = make.event(at=now - timedelta(seconds=90)), make.event(at=now - timedelta(minutes=9))
    await add_all(ports, old, done, make.event(at=now), make.event(at=now + timedelta(minutes=1)))
    await ports.records.outbox.mark_done(done.id, now)
    assert await ports.records.outbox.backlog(now) == (2, 90.0)
