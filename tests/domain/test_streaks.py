"""Streaks as arithmetic: counted one by one they come to what all marks together come to."""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import streaks
from domain.streaks import Kind, Mark, Run, Streak

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Kiritimati", "Pacific/Honolulu")
FAR = timedelta(days=100)


def mark(at: datetime, timezone: str = "UTC", kind: Kind = "check_in", told: datetime | None = None) -> Mark:
    day = streaks.local_day(at, timezone)
    return Mark(kind=kind, at=at, recorded_at=told or at, day=day, timezone=timezone)


def days_ago(*ago: float, kind: Kind = "check_in") -> list[Mark]:
    return [mark(NOON - timedelta(days=number), kind=kind) for number in ago]


def stepped(claim: Streak, marks: Sequence[Mark]) -> list[Streak]:
    """The streak after each mark in the order in which they were learnt, as commands count them."""
    states, known = [claim], list[Mark]()
    for one in sorted(marks, key=lambda mark: mark.recorded_at):
        known.append(one)
        streak = streaks.advanced(states[-1], one)
        if streak is None:
            fresh = streaks.recounted(claim, known)
            longest = max(fresh.longest_run_days, states[-1].longest_run_days)
            streak = replace(fresh, longest_run_days=longest)
        states.append(streak)
    return states


@st.composite
def told(
    draw: st.DrawFn, *, zones: Sequence[str] = ("UTC",), kinds: Sequence[Kind] = ("check_in", "slip")
) -> list[Mark]:
    """Marks of three weeks, each at its own minute, learnt of in any order."""
    minutes = draw(st.lists(st.integers(0, 21 * 24 * 60), unique=True, max_size=streaks.LATE_MAX))
    order = draw(st.permutations(range(len(minutes))))
    return [
        mark(
            NOON + timedelta(minutes=minute),
            draw(st.sampled_from(zones)),
            draw(st.sampled_from(kinds)),
            NOON + FAR + timedelta(seconds=place),
        )
        for minute, place in zip(minutes, order, strict=True)
    ]


claims = st.integers(0, 5).map(
    lambda days: streaks.claimed(NOON.date() - timedelta(days=days), days),
)


@settings(max_examples=400)
@given(claims, told(zones=ZONES))
def test_counted_one_by_one_they_come_to_the_same_as_all_together(claim: Streak, marks: list[Mark]) -> None:
    assert stepped(claim, marks)[-1] == streaks.recounted(claim, marks)


@settings(max_examples=200)
@given(claims, told(zones=ZONES), st.randoms(use_true_random=False))
def test_the_order_in_which_the_store_gives_them_does_not_matter(
    claim: Streak, marks: list[Mark], random: st.DataObject
) -> None:
    shuffled = marks.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert streaks.recounted(claim, shuffled) == streaks.recounted(claim, marks)
    assert streaks.runs(claim, shuffled) == streaks.runs(claim, marks)


moments = st.integers(0, 3).map(lambda hour: NOON + timedelta(hours=hour * 9))
at_once = st.builds(
    mark,
    moments,
    st.sampled_from(ZONES),
    st.sampled_from(["check_in", "slip"]),
    moments.map(lambda at: at + FAR),
)


@settings(max_examples=200)
@given(st.lists(at_once, max_size=8), st.randoms(use_true_random=False))
def test_nor_does_it_for_what_is_told_of_one_moment_at_one_moment(
    marks: list[Mark], random: st.DataObject
) -> None:
    shuffled = marks.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert streaks.recounted(Streak(), shuffled) == streaks.recounted(Streak(), marks)
    assert streaks.runs(Streak(), shuffled) == streaks.runs(Streak(), marks)


@settings(max_examples=200)
@given(told(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(marks: list[Mark], random: st.DataObject) -> None:
    """But for the longest run: a slip told late does not take back what was shown."""
    order = list(range(len(marks)))
    random.shuffle(order)  # type: ignore[attr-defined]
    later = [
        replace(one, recorded_at=NOON + FAR + timedelta(seconds=place))
        for one, place in zip(marks, order, strict=True)
    ]
    in_time = [replace(one, recorded_at=one.at) for one in marks]
    arrived, punctual = streaks.recounted(Streak(), later), streaks.recounted(Streak(), in_time)
    assert arrived.longest_run_days >= punctual.longest_run_days
    assert replace(arrived, longest_run_days=0) == replace(punctual, longest_run_days=0)
    if all(one.kind == "check_in" for one in marks):
        assert arrived == punctual


@settings(max_examples=200)
@given(told(kinds=("check_in",)), st.randoms(use_true_random=False))
def test_check_ins_come_to_the_same_in_any_order(marks: list[Mark], random: st.DataObject) -> None:
    order = list(range(len(marks)))
    random.shuffle(order)  # type: ignore[attr-defined]
    later = [
        replace(one, recorded_at=NOON + FAR + timedelta(seconds=place))
        for one, place in zip(marks, order, strict=True)
    ]
    assert stepped(Streak(), later)[-1] == stepped(Streak(), marks)[-1]


@settings(max_examples=300)
@given(claims, told(zones=ZONES))
def test_total_days_and_the_longest_run_never_fall(claim: Streak, marks: list[Mark]) -> None:
    for before, after in itertools.pairwise(stepped(claim, marks)):
        assert after.total_days >= before.total_days
        assert after.longest_run_days >= before.longest_run_days


@settings(max_examples=300)
@given(told())
def test_runs_agree_with_looking_day_by_day(marks: list[Mark]) -> None:
    in_time = [replace(one, recorded_at=one.at) for one in sorted(marks, key=lambda one: one.at)]
    slips = [one.at for one in in_time if one.kind == "slip"]
    checked = [one for one in in_time if one.kind == "check_in"]
    lengths, previous = list[set[date]](), None
    for one in checked:
        cut = previous is None or any(previous.at < slip < one.at for slip in slips)
        if cut or (previous is not None and (one.day - previous.day).days > 1):
            lengths.append(set())
        lengths[-1].add(one.day)
        previous = one
    streak = streaks.recounted(Streak(), in_time)
    assert streak.total_days == len({one.day for one in checked})
    assert streak.longest_run_days == max((len(days) for days in lengths), default=0)
    is_open = bool(checked) and all(slip < checked[-1].at for slip in slips)
    assert streak.run_days == (len(lengths[-1]) if is_open else 0)


def test_a_slip_ends_the_current_run_and_nothing_else() -> None:
    before = streaks.recounted(Streak(), days_ago(3, 2, 1, 0))
    after = streaks.advanced(before, mark(NOON + timedelta(minutes=1), kind="slip"))
    assert after is not None
    assert (after.run_days, after.longest_run_days, after.total_days) == (0, 4, 4)
    assert (after.last_check_in, after.last_day) == (before.last_check_in, before.last_day)


def test_a_check_in_after_a_slip_begins_the_next_run_on_the_same_day() -> None:
    slip = mark(NOON + timedelta(minutes=1), kind="slip")
    again = mark(NOON + timedelta(hours=1))
    streak = streaks.recounted(Streak(), [*days_ago(2, 1, 0), slip, again])
    assert (streak.run_days, streak.longest_run_days, streak.total_days) == (1, 3, 3)


def test_a_slip_told_late_ends_the_run_where_it_was_and_leaves_the_longest_as_shown() -> None:
    late = replace(mark(NOON - timedelta(days=2.5), kind="slip"), recorded_at=NOON + timedelta(minutes=1))
    streak = streaks.recounted(Streak(), [*days_ago(4, 3, 2, 1, 0), late])
    assert (streak.run_days, streak.longest_run_days, streak.total_days) == (3, 5, 5)


def test_a_day_told_late_joins_two_runs() -> None:
    marks = days_ago(4, 3, 1, 0)
    assert streaks.recounted(Streak(), marks).run_days == 2
    late = replace(mark(NOON - timedelta(days=2)), recorded_at=NOON + timedelta(minutes=1))
    assert streaks.recounted(Streak(), [*marks, late]).run_days == 5


def test_a_run_is_going_until_the_end_of_the_day_after() -> None:
    streak = streaks.recounted(Streak(), [mark(NOON, "Europe/Berlin")])
    berlin = ZoneInfo("Europe/Berlin")
    for day, expected in ((31, 1), (32, 1), (33, 0)):
        late = datetime(2026, 1, 1, 23, 59, tzinfo=berlin) + timedelta(days=day - 1)
        assert streaks.current_run_days(streak, late, "Europe/Berlin") == expected


def test_days_that_somebody_brings_along_count() -> None:
    claim = streaks.claimed(date(2026, 1, 1), 30)
    assert (claim.run_days, claim.longest_run_days, claim.total_days) == (30, 30, 30)
    next_day = streaks.advanced(claim, mark(NOON))
    assert next_day is not None
    assert (next_day.run_days, next_day.run_started_on) == (31, date(2026, 1, 1))
    missed = streaks.advanced(claim, mark(NOON + timedelta(days=1)))
    assert missed is not None
    assert (missed.run_days, missed.longest_run_days, missed.total_days) == (1, 30, 31)
    assert streaks.runs(claim, [mark(NOON)]) == [Run(date(2026, 1, 1), date(2026, 1, 31), 31)]


def local(timezone: str, *moment: int) -> Mark:
    at = datetime(*moment, tzinfo=ZoneInfo(timezone))  # type: ignore[misc,arg-type]
    return mark(at.astimezone(UTC), timezone)


CROSSINGS = {
    "east over the date line, a day is skipped": [
        local("Pacific/Honolulu", 2026, 1, 9, 20, 0),
        local("Pacific/Kiritimati", 2026, 1, 11, 9, 0),
    ],
    "west over the date line, a day comes twice": [
        local("Pacific/Kiritimati", 2026, 1, 9, 9, 0),
        local("Pacific/Kiritimati", 2026, 1, 10, 9, 0),
        local("Pacific/Honolulu", 2026, 1, 9, 20, 0),
        local("Pacific/Honolulu", 2026, 1, 10, 20, 0),
    ],
    "Samoa had no 30 December 2011": [
        local("Pacific/Apia", 2011, 12, 29, 9, 0),
        local("Pacific/Apia", 2011, 12, 31, 9, 0),
    ],
    "a night of 23 hours": [
        local("Europe/Berlin", 2026, 3, 28, 23, 59),
        local("Europe/Berlin", 2026, 3, 29, 0, 1),
    ],
    "a night of 25 hours": [
        local("Europe/Berlin", 2026, 10, 24, 0, 1),
        local("Europe/Berlin", 2026, 10, 25, 23, 59),
    ],
}


@pytest.mark.parametrize("crossing", sorted(CROSSINGS))
def test_no_day_is_lost_by_travelling_or_by_the_clock(crossing: str) -> None:
    streak = stepped(Streak(), CROSSINGS[crossing])[-1]
    assert (streak.run_days, streak.total_days, streak.longest_run_days) == (2, 2, 2)


def test_a_missed_day_is_missed_also_when_travelling() -> None:
    marks = [
        local("Pacific/Honolulu", 2026, 1, 9, 20, 0),
        local("Pacific/Kiritimati", 2026, 1, 13, 9, 0),
    ]
    assert stepped(Streak(), marks)[-1].run_days == 1


@pytest.mark.parametrize("timezone", ZONES)
def test_a_year_of_nights_around_midnight_counts_every_day(timezone: str) -> None:
    zone, streak = ZoneInfo(timezone), Streak()
    for number in range(365):
        moment = time(23, 58) if number % 2 else time(0, 2)
        at = datetime.combine(date(2026, 1, 1) + timedelta(days=number), moment, zone).astimezone(UTC)
        advanced = streaks.advanced(streak, mark(at, timezone))
        assert advanced is not None
        streak = advanced
    assert (streak.run_days, streak.total_days, streak.longest_run_days) == (365, 365, 365)


def test_milestones_go_on_every_year() -> None:
    days, found = 0, list[int]()
    for _ in range(11):
        days = streaks.next_milestone(days)
        found.append(days)
    assert found == [1, 7, 14, 30, 60, 90, 180, 365, 730, 1095, 1460]


@settings(max_examples=200)
@given(told(kinds=("check_in",)))
def test_each_milestone_is_reached_once_in_a_run(marks: list[Mark]) -> None:
    in_time = [replace(one, recorded_at=one.at) for one in marks]
    assume(in_time)
    states = stepped(Streak(), in_time)
    reached = [
        (after.run_started_on, days)
        for before, after in itertools.pairwise(states)
        for days in streaks.milestones_reached(before, after)
    ]
    assert len(reached) == len(set(reached))
    expected = {
        (run.started_on, days)
        for run in streaks.runs(Streak(), in_time)
        for days in (1, 7, 14)
        if run.days >= days
    }
    assert set(reached) == expected
