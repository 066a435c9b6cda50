"""Quiet hours: from one local time to another, every day, in the person's own time zone."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from domain.wire import END, Command

LocalTime = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]" + END)]
"""Hours and minutes on the wall clock: `22:30`."""


class QuietHours(Command, frozen=True):
    """An `end` that is not after `start` is on the next day."""

    start: LocalTime
    end: LocalTime


def quiet_until(now: datetime, hours: QuietHours, timezone: str) -> datetime | None:
    """When the quiet hours that `now` is in are over, None outside of them.

    Both ends are moments, so a clock that is changed at night cannot make one night two. A time that comes
    twice counts the first time as a start and the second time as an end, and one that is left out is up to an
    hour earlier as a start and later as an end: quiet is never cut short.
    """
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        start, end = interval(day, hours, zone)
        if start <= now < end:
            return end
    return None


def interval(day: date, hours: QuietHours, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments of the quiet hours that begin on a local day."""
    over_midnight = hours.end <= hours.start
    last = day + timedelta(days=1) if over_midnight else day
    return min(moments(day, hours.start, zone)), max(moments(last, hours.end, zone))


def moments(day: date, local: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The two moments that a local time can mean, nearly always the same."""
    return moment(day, local, zone, fold=0), moment(day, local, zone, fold=1)


def moment(day: date, local: str, zone: ZoneInfo, *, fold: int) -> datetime:
    """A local time that is left out in spring is taken as its neighbour on the side of `fold`."""
    at = datetime.combine(day, time.fromisoformat(local), zone)
    return at.replace(fold=fold).astimezone(UTC)


def day_began(now: datetime, timezone: str) -> datetime:
    """The moment the person's present day began."""
    zone = ZoneInfo(timezone)
    return moment(now.astimezone(zone).date(), "00:00", zone, fold=0)
