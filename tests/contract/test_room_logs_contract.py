"""What `domain.ports.RoomLogs` promises."""

import asyncio

import msgspec

from domain import rooms
from domain.events import Publication
from domain.ids import new_id
from domain.ports import Ports
from domain.rooms import FEED, Position, user_room
from tests.contract.conftest import ROOM_LOG_EVENTS, Bench

TRIMMED = 25 * ROOM_LOG_EVENTS
"""So many events that even a log which trims in large steps has lost its first ones."""


def said(room: str, event_id: str | None = None, *, body: bytes = b'"data":{}}') -> Publication:
    return Publication(room, event_id or new_id(), "post:new", new_id(), body)


async def publish(ports: Ports, room: str, count: int) -> list[int]:
    return [await ports.rooms.publish(said(room)) for _ in range(count)]


async def test_an_event_is_read_as_it_was_published_with_its_place(ports: Ports) -> None:
    room = user_room(new_id())
    event = said(room, body=b'"at":"now","data":{"text":"\\u00e4\xc3\xa4"}}')
    seq = await ports.rooms.publish(event)
    log = await ports.rooms.read(room, 0, 10)
    (read,) = log.events
    assert (read.seq, read.previous, read.epoch, read.event, read.actor) == (
        seq,
        0,
        log.epoch,
        event.event,
        event.actor,
    )
    assert msgspec.json.decode(read.body) == {
        "room": room,
        "seq": seq,
        "epoch": log.epoch,
        "at": "now",
        "data": {"text": "ää"},
    }


async def test_shares_are_kept_beside_an_event_and_not_in_it(ports: Ports) -> None:
    given = b'{"giver":{"been_there":1}}'
    await ports.rooms.publish(said(FEED)._replace(shares=given))
    await ports.rooms.publish(said(FEED))
    read = (await ports.rooms.read(FEED, 0, 10)).events
    assert [event.shares for event in read] == [given, b""]
    assert b"giver" not in read[0].body


async def test_an_event_without_an_actor_has_none_when_read(ports: Ports) -> None:
    await ports.rooms.publish(said(FEED)._replace(actor=""))
    assert (await ports.rooms.read(FEED, 0, 10)).events[0].actor == ""


async def test_seqs_count_up_and_each_event_names_the_one_before(ports: Ports) -> None:
    assert await publish(ports, FEED, 5) == [1, 2, 3, 4, 5]
    log = await ports.rooms.read(FEED, 0, 10)
    assert log.seq == 5
    assert [(event.previous, event.seq) for event in log.events] == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]


async def test_rooms_count_apart(ports: Ports) -> None:
    one, two = user_room(new_id()), user_room(new_id())
    await publish(ports, one, 3)
    assert await publish(ports, two, 1) == [1]
    assert (await ports.rooms.read(one, 0, 0)).epoch != (await ports.rooms.read(two, 0, 0)).epoch


async def test_publishing_an_event_again_answers_its_seq_and_adds_nothing(ports: Ports) -> None:
    first, second = said(FEED), said(FEED)
    assert [await ports.rooms.publish(event) for event in (first, second, first, second)] == [1, 2, 1, 2]
    assert len((await ports.rooms.read(FEED, 0, 10)).events) == 2


async def test_one_event_published_at_once_by_many_has_one_place(ports: Ports) -> None:
    event = said(FEED)
    seqs = await asyncio.gather(*(ports.rooms.publish(event) for _ in range(10)))
    assert set(seqs) == {1}
    assert (await ports.rooms.read(FEED, 0, 10)).seq == 1


async def test_many_events_at_once_have_distinct_places_without_a_hole(ports: Ports) -> None:
    seqs = await asyncio.gather(*(ports.rooms.publish(said(FEED)) for _ in range(ROOM_LOG_EVENTS)))
    assert sorted(seqs) == list(range(1, ROOM_LOG_EVENTS + 1))
    log = await ports.rooms.read(FEED, 0, 100)
    assert [event.previous for event in log.events] == [event.seq - 1 for event in log.events]


async def test_the_same_event_has_a_place_in_each_of_its_rooms(ports: Ports) -> None:
    event = said(FEED)
    await publish(ports, FEED, 3)
    assert await ports.rooms.publish(event) == 4
    assert await ports.rooms.publish(event._replace(room=user_room(new_id()))) == 1


async def test_a_slice_holds_the_newest_above_a_seq(ports: Ports) -> None:
    await publish(ports, FEED, 6)

    async def seqs(after: int, limit: int) -> list[int]:
        return [event.seq for event in (await ports.rooms.read(FEED, after, limit)).events]

    assert await seqs(0, 100) == [1, 2, 3, 4, 5, 6]
    assert await seqs(4, 100) == [5, 6]
    assert await seqs(6, 100) == []
    assert await seqs(0, 2) == [5, 6]
    assert await seqs(2, 3) == [4, 5, 6]
    assert await seqs(0, 0) == []


async def test_a_log_that_was_trimmed_shows_the_hole_to_those_behind_it(ports: Ports) -> None:
    await publish(ports, FEED, TRIMMED)
    log = await ports.rooms.read(FEED, 0, 2 * TRIMMED)
    assert ROOM_LOG_EVENTS <= len(log.events) < TRIMMED
    assert rooms.missed(log, Position(epoch=log.epoch, seq=0)) is None
    assert rooms.missed(log, Position(epoch=log.epoch, seq=log.events[0].previous)) == log.events


async def test_an_untouched_room_has_a_position_that_lasts(ports: Ports) -> None:
    room = user_room(new_id())
    positions = await ports.rooms.positions([room, FEED])
    assert {name: position.seq for name, position in positions.items()} == {room: 0, FEED: 0}
    await publish(ports, room, 2)
    after = (await ports.rooms.positions([room]))[room]
    assert after == Position(epoch=positions[room].epoch, seq=2)
    log = await ports.rooms.read(room, 0, 10)
    assert rooms.missed(log, positions[room]) == log.events


async def test_positions_of_no_room_and_of_many(ports: Ports) -> None:
    assert await ports.rooms.positions([]) == {}
    names = [user_room(new_id()) for _ in range(230)]
    await publish(ports, names[229], 1)
    positions = await ports.rooms.positions(names)
    assert list(positions) == names
    assert [positions[name].seq for name in names] == [0] * 229 + [1]


async def test_a_log_that_was_lost_begins_a_new_epoch(bench: Bench) -> None:
    event = said(FEED)
    await bench.ports.rooms.publish(event)
    before = (await bench.ports.rooms.positions([FEED]))[FEED]
    await bench.flush_rooms()
    assert await bench.ports.rooms.publish(event) == 1
    log = await bench.ports.rooms.read(FEED, 0, 10)
    assert log.epoch != before.epoch
    assert rooms.missed(log, before) is None


async def test_the_run_of_a_server_stays_while_it_lives(ports: Ports) -> None:
    run = await ports.rooms.server_run()
    assert run
    assert await ports.rooms.server_run() == run
