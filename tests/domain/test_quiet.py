"""Quiet hours: the same night for everybody, wherever they live and whatever their clocks do."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.quiet import QuietHours, day_began, quiet_until

NIGHT = QuietHours(start="22:00", end="07:00")
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "now", "until"),
    [
        ("UTC", "2026-05-01T21:59", None),
        ("UTC", "2026-05-01T22:00", "2026-05-02T07:00"),
        ("UTC", "2026-05-02T06:59", "2026-05-02T07:00"),
        ("UTC", "2026-05-02T07:00", None),
        ("Europe/Berlin", "2026-05-01T20:00", "2026-05-02T05:00"),
        ("America/New_York", "2026-05-01T22:00", None),
        ("America/New_York", "2026-05-02T03:00", "2026-05-02T11:00"),
        ("Asia/Kathmandu", "2026-05-01T16:15", "2026-05-02T01:15"),
        ("Pacific/Auckland", "2026-05-01T12:00", "2026-05-01T19:00"),
    ],
)
def test_quiet_hours_are_those_of_the_persons_own_clock(zone: str, now: str, until: str | None) -> None:
    assert quiet_until(utc(now), NIGHT, zone) == (utc(until) if until else None)


def test_a_nap_does_not_pass_midnight() -> None:
    nap = QuietHours(start="13:00", end="15:00")
    assert quiet_until(utc("2026-05-01T14:00"), nap, "UTC") == utc("2026-05-01T15:00")
    assert quiet_until(utc("2026-05-01T02:00"), nap, "UTC") is None


def test_a_night_with_a_changed_clock_ends_at_its_time_on_the_wall() -> None:
    """In Berlin the night of the 29th of March is an hour short, that of the 25th of October an hour long."""
    spring = quiet_until(utc("2026-03-28T21:00"), NIGHT, "Europe/Berlin")
    autumn = quiet_until(utc("2026-10-24T20:00"), NIGHT, "Europe/Berlin")
    assert spring == utc("2026-03-29T05:00")
    assert autumn == utc("2026-10-25T06:00")


def test_an_end_that_is_left_out_comes_right_after_the_gap() -> None:
    """There is no 02:30 that night in New York: the clock goes from 01:59 to 03:00, at 07:00 UTC."""
    hours = QuietHours(start="22:00", end="02:30")
    end = quiet_until(utc("2026-03-08T05:00"), hours, "America/New_York")
    assert end is not None
    assert timedelta() <= end - utc("2026-03-08T07:00") <= timedelta(minutes=30)


def test_a_time_that_is_left_out_cuts_no_quiet_short() -> None:
    """From 01:45 to 02:30: of that there are fifteen minutes that night in New York, from 06:45 UTC on."""
    hours = QuietHours(start="01:45", end="02:30")
    assert quiet_until(utc("2026-03-08T06:50"), hours, "America/New_York") is not None
    for start in ("02:00", "02:30"):
        hours = QuietHours(start=start, end="07:00")
        assert quiet_until(utc("2026-03-08T07:00"), hours, "America/New_York") == utc("2026-03-08T11:00")


def test_an_end_that_comes_twice_is_the_second_one() -> None:
    """01:30 comes at 05:30 UTC and at 06:30 UTC that night in New York; between them it stays quiet."""
    hours = QuietHours(start="22:00", end="01:30")
    for now in ("2026-11-01T05:00", "2026-11-01T05:45", "2026-11-01T06:29"):
        assert quiet_until(utc(now), hours, "America/New_York") == utc("2026-11-01T06:30")
    assert quiet_until(utc("2026-11-01T06:30"), hours, "America/New_York") is None


times = st.times().map(lambda time: time.strftime("%H:%M"))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(  # noqa: DTZ001  (made aware below)
    lambda moment: moment.replace(second=0, microsecond=0, tzinfo=UTC)
)


@given(now=moments, start=times, end=times, zone=st.sampled_from(ZONES))
def test_quiet_hours_end_and_are_over_then(now: datetime, start: str, end: str, zone: str) -> None:
    hours = QuietHours(start=start, end=end)
    until = quiet_until(now, hours, zone)
    if until is None:
        return
    assert now < until <= now + timedelta(hours=26)
    # A time that comes twice or not at all may begin the next one before.
    following = quiet_until(until, hours, zone)
    assert following is None or start == end or interval_ends_at_changed_clock(until, zone)


def interval_ends_at_changed_clock(until: datetime, zone: str) -> bool:
    local = until.astimezone(ZoneInfo(zone))
    around = [(until + timedelta(hours=hours)).astimezone(ZoneInfo(zone)).utcoffset() for hours in (-2, 2)]
    return any(offset != local.utcoffset() for offset in around)


@given(now=moments, zone=st.sampled_from(ZONES))
def test_a_day_began_at_its_first_moment(now: datetime, zone: str) -> None:
    began = day_began(now, zone)
    today = now.astimezone(ZoneInfo(zone)).date()
    assert began <= now
    assert began.astimezone(ZoneInfo(zone)).date() == today
    assert (began - timedelta(minutes=1)).astimezone(ZoneInfo(zone)).date() < today
