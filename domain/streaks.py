"""Streaks: runs of days, computed from check-ins and slips; at any time again, with the same result.

A day counts when somebody checked in on it, in the time zone they lived in then. A run is days in a row with
no slip between them; it is still going until the end of the day after its last one. A check-in after a slip
begins the next run, also on the same day.

What was once shown is never taken back: a slip or check-in that is told late changes the current run, while
the longest run stays the longest that was ever known.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

Kind = Literal["check_in", "slip"]
MILESTONES = (1, 7, 14, 30, 60, 90, 180, 365)
YEAR_DAYS = 365
"""After the last of `MILESTONES`, every year is one."""
LATE_MAX = 20
"""Recounting looks back at the states before the newest so many marks that were told late."""
DAY = timedelta(days=1)


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A check-in or a slip: when it was, when we learnt of it, and the local day and zone it fell on."""

    kind: Kind
    at: datetime
    recorded_at: datetime
    day: date
    timezone: str


class Streak(msgspec.Struct, frozen=True, kw_only=True):
    """What the marks of one tracker come to. `run_days` is the last run, 0 right after a slip.

    `counted` marks are in it, the newest of them at `newest_at`; `newest_day` is the latest day counted.
    `last_check_in` and its day and zone are None while all days are from before the tracker.
    """

    run_days: int = 0
    run_started_on: date | None = None
    longest_run_days: int = 0
    total_days: int = 0
    newest_day: date | None = None
    last_check_in: datetime | None = None
    last_day: date | None = None
    last_timezone: str | None = None
    newest_at: datetime | None = None
    counted: int = 0


class Run(NamedTuple):
    started_on: date
    ended_on: date
    days: int


def local_day(at: datetime, timezone: str) -> date:
    return at.astimezone(ZoneInfo(timezone)).date()


def claimed(started_on: date, days: int) -> Streak:
    """The streak somebody brings along: `days` in a row from `started_on` on."""
    if days == 0:
        return Streak()
    return Streak(
        run_days=days,
        run_started_on=started_on,
        longest_run_days=days,
        total_days=days,
        newest_day=started_on + DAY * (days - 1),
    )


def advanced(streak: Streak, mark: Mark) -> Streak | None:
    """The streak with one newer mark; None when that takes the other marks to tell.

    It does for a mark that is not the newest, and while the calendar of a traveller has gone back.
    """
    if streak.newest_at is not None and mark.at <= streak.newest_at:
        return None
    if mark.kind == "slip":
        return msgspec.structs.replace(
            streak, run_days=0, run_started_on=None, newest_at=mark.at, counted=streak.counted + 1
        )
    if streak.newest_day is not None and mark.day < streak.newest_day:
        return None
    if streak.last_day is not None and streak.last_day != streak.newest_day:
        return None
    return _with_check_in(streak, mark)


def _with_check_in(streak: Streak, mark: Mark) -> Streak:
    is_new = streak.newest_day is None or mark.day > streak.newest_day
    continues = streak.run_days > 0 and _still_going(streak, mark.at, mark.day, mark.timezone)
    run_days = streak.run_days + is_new if continues else 1
    return Streak(
        run_days=run_days,
        run_started_on=streak.run_started_on if continues else mark.day,
        longest_run_days=max(streak.longest_run_days, run_days),
        total_days=streak.total_days + is_new,
        newest_day=mark.day,
        last_check_in=mark.at,
        last_day=mark.day,
        last_timezone=mark.timezone,
        newest_at=mark.at,
        counted=streak.counted + 1,
    )


def recounted(claim: Streak, marks: Sequence[Mark]) -> Streak:
    """From all marks, in whatever order they come; `claim` is what was brought along."""
    if not marks:
        return claim
    chains, is_open = _chains(claim, marks)
    last = max((mark for mark in marks if mark.kind == "check_in"), key=_in_time, default=None)
    days = {day for chain in chains for day in chain.days}
    return Streak(
        run_days=len(chains[-1].days) if is_open else 0,
        run_started_on=min(chains[-1].days) if is_open else None,
        longest_run_days=max(_longest(claim, known) for known in _states_of_knowledge(marks)),
        total_days=len(days),
        newest_day=max(days, default=None),
        last_check_in=last.at if last else None,
        last_day=last.day if last else None,
        last_timezone=last.timezone if last else None,
        newest_at=max(mark.at for mark in marks),
        counted=len(marks),
    )


def runs(claim: Streak, marks: Sequence[Mark]) -> list[Run]:
    """All runs, oldest first."""
    chains, _ = _chains(claim, marks)
    return [Run(min(chain.days), max(chain.days), len(chain.days)) for chain in chains]


class _Chain:
    """A run while it is put together."""

    def __init__(self, days: Iterable[date] = ()) -> None:
        self.days = set(days)
        self.last: Mark | None = None

    def add(self, mark: Mark) -> None:
        self.days.add(mark.day)
        self.last = mark

    def goes_on(self, mark: Mark) -> bool:
        if self.last is None:
            return mark.day - max(self.days) <= DAY
        return follows(self.last, mark.at, mark.day, mark.timezone)


def _chains(claim: Streak, marks: Sequence[Mark]) -> tuple[list[_Chain], bool]:
    """The runs in the order of time, and whether no slip came after the last of them."""
    chains = [_Chain(_days_of(claim))] if claim.run_days else []
    is_open = bool(chains)
    for mark in sorted(marks, key=_in_time):
        if mark.kind == "slip":
            is_open = False
            continue
        if not (is_open and chains[-1].goes_on(mark)):
            chains.append(_Chain())
        chains[-1].add(mark)
        is_open = True
    return chains, is_open


def _days_of(claim: Streak) -> Iterator[date]:
    if claim.run_started_on is not None:
        yield from (claim.run_started_on + DAY * number for number in range(claim.run_days))


def _in_time(mark: Mark) -> tuple[datetime, datetime, bool, date, str]:
    """One order, whatever a store gives them in: of a slip and a check-in at once the slip comes first."""
    return mark.at, mark.recorded_at, mark.kind == "check_in", mark.day, mark.timezone


def _longest(claim: Streak, marks: Sequence[Mark]) -> int:
    return max((len(chain.days) for chain in _chains(claim, marks)[0]), default=0)


def _states_of_knowledge(marks: Sequence[Mark]) -> Iterator[Sequence[Mark]]:
    """All marks, and before each that was told late and may have cut a run those known until then.

    In one time zone only a slip cuts; between zones a check-in may show that a day was missed.
    """
    arrived = sorted(marks, key=lambda mark: (mark.recorded_at, _in_time(mark)))
    one_zone = len({mark.timezone for mark in marks}) == 1
    newest, late = arrived[0].at, list[int]()
    for number, mark in enumerate(arrived):
        if mark.at < newest and not (one_zone and mark.kind == "check_in"):
            late.append(number)
        newest = max(newest, mark.at)
    yield from (arrived[:number] for number in late[-LATE_MAX:])
    yield arrived


def current_run_days(streak: Streak, now: datetime, timezone: str) -> int:
    """Of the run that is still going, 0 when none is."""
    if streak.run_days and _still_going(streak, now, local_day(now, timezone), timezone):
        return streak.run_days
    return 0


def _still_going(streak: Streak, at: datetime, day: date, timezone: str) -> bool:
    if streak.last_check_in is None or streak.last_day is None or streak.last_timezone is None:
        return streak.newest_day is not None and day - streak.newest_day <= DAY
    last = Mark(
        kind="check_in",
        at=streak.last_check_in,
        recorded_at=streak.last_check_in,
        day=streak.last_day,
        timezone=streak.last_timezone,
    )
    return follows(last, at, day, timezone)


def follows(last: Mark, at: datetime, day: date, timezone: str) -> bool:
    """Whether no day was missed between a check-in and a later moment.

    A day that a traveller's calendar skipped at the date line was not missed: it is enough that none was in
    one of the two zones. Nor was one that a zone itself skipped, as Samoa did in December 2011.
    """
    if day - last.day <= DAY:
        return True
    if local_day(at, last.timezone) - last.day <= DAY or day - local_day(last.at, timezone) <= DAY:
        return True
    return day - last.day == 2 * DAY and not _has_length(day - DAY, timezone)


def _has_length(day: date, timezone: str) -> bool:
    return _midnight(day, timezone) != _midnight(day + DAY, timezone)


def _midnight(day: date, timezone: str) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(timezone)).astimezone(UTC)


def next_milestone(days: int) -> int:
    """The first milestone above `days`."""
    for milestone in MILESTONES:
        if milestone > days:
            return milestone
    return (days // YEAR_DAYS + 1) * YEAR_DAYS


def milestones_reached(before: Streak, after: Streak) -> list[int]:
    """The milestones that the run passed between two states; a new run begins at none."""
    if after.run_started_on is None:
        return []
    is_new = before.run_started_on is None or after.run_started_on > before.run_started_on
    passed, milestone = [], next_milestone(0 if is_new else before.run_days)
    while milestone <= after.run_days:
        passed.append(milestone)
        milestone = next_milestone(milestone)
    return passed
