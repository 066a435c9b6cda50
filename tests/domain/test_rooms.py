"""Rooms: what a reader missed, proved or refused."""

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import rooms
from domain.rooms import Logged, Position, Slice

EPOCH = "e"


def log_of(seqs: list[int], *, kept: int | None = None) -> Slice:
    """A log in which these seqs were given, and the newest `kept` still are."""
    events = [
        Logged(seq, previous, EPOCH, "post:new", "", b"")
        for previous, seq in zip([0, *seqs], seqs, strict=False)
    ]
    shown = events if kept is None else events[len(events) - min(kept, len(events)) :]
    return Slice(EPOCH, seqs[-1] if seqs else 0, shown)


def at(seq: int, epoch: str = EPOCH) -> Position:
    return Position(epoch=epoch, seq=seq)


def test_a_reader_without_a_position_or_of_another_epoch_starts_over() -> None:
    assert rooms.missed(log_of([1, 2]), None) is None
    assert rooms.missed(log_of([1, 2]), at(2, "other")) is None


def test_a_reader_at_the_end_missed_nothing() -> None:
    assert rooms.missed(log_of([1, 2]), at(2)) == []
    assert rooms.missed(log_of([]), at(0)) == []


def test_a_reader_ahead_of_a_log_that_lost_its_newest_missed_nothing() -> None:
    assert rooms.missed(log_of([1, 2]), at(7)) == []


def test_a_jump_is_no_hole_when_nothing_was_in_between() -> None:
    log = log_of([1, 2, 1_000_002])
    assert rooms.missed(log, at(2)) == log.events[2:]


def test_a_log_without_its_events_cannot_prove_anything() -> None:
    assert rooms.missed(log_of([1, 2, 3], kept=0), at(1)) is None
    assert rooms.missed(log_of([1, 2, 3], kept=0), at(3)) == []


def test_rooms_are_named_by_kind_and_id() -> None:
    assert rooms.split(rooms.user_room("1")) == ("user", "1")
    assert rooms.split(rooms.circle_room("1")) == ("circle", "1")
    assert rooms.split(rooms.post_room("1")) == ("post", "1")
    assert rooms.split(rooms.FEED) == ("feed", "")


steps = st.lists(st.sampled_from([1, 1, 1, 2, 1_000_000]), max_size=20)


@settings(max_examples=500)
@given(steps, st.integers(0, 20), st.integers(0, 25))
def test_what_is_missed_is_whole_in_order_or_refused(jumps: list[int], kept: int, place: int) -> None:
    seqs = [sum(jumps[: index + 1]) for index in range(len(jumps))]
    seen = ([0, *seqs])[min(place, len(seqs))]
    log = log_of(seqs, kept=kept)
    owed = [seq for seq in seqs if seq > seen]
    found = rooms.missed(log, at(seen))
    still_there = {event.seq for event in log.events}
    if set(owed) <= still_there:
        assert found is not None
        assert [event.seq for event in found] == owed
    else:
        assert found is None


@settings(max_examples=200)
@given(steps, st.integers(0, 25), st.integers(0, 25))
def test_resuming_in_two_steps_is_resuming_in_one(jumps: list[int], first: int, second: int) -> None:
    seqs = [sum(jumps[: index + 1]) for index in range(len(jumps))]
    log = log_of(seqs)
    start, middle = sorted(([0, *seqs])[min(place, len(seqs))] for place in (first, second))
    whole, rest = rooms.missed(log, at(start)), rooms.missed(log, at(middle))
    assert whole is not None
    assert rest is not None
    assert [event for event in whole if event.seq > middle] == rest
