"""Progress: what a person's trackers, cravings and days come to, and what those of a circle do together."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain import access, activity, cravings, streaks, trackers
from domain.accounts import User
from domain.cravings import Craving, CravingSummary
from domain.for_me import GENERAL
from domain.ports import Ports
from domain.streaks import Mark, Run, local_day
from domain.trackers import Tracker, TrackerView
from domain.wire import Command, Id, View

CRAVINGS_WINDOW = timedelta(days=90)
CRAVINGS_MAX = 5_000
"""The newest ones of the window; nobody writes down more."""
RUNS_SHOWN = 20
AGGREGATE_FLOOR = 20
"""Of fewer people together nothing is shown to anybody."""
PEOPLE_STEP, SHARE_STEPS = 5, 10
"""Aggregates are shown in steps, so that one person who comes or goes hardly shows in them."""


class RunView(View, frozen=True):
    started_on: date
    ended_on: date
    days: int


class TrackerProgress(View, frozen=True):
    """`runs` are the newest, newest first."""

    tracker: TrackerView
    runs: list[RunView]


class ActivityView(View, frozen=True):
    """Days in a row on which something was done here: written, answered, supported, checked in."""

    current_days: int
    longest_days: int
    total_days: int


class WeekView(View, frozen=True):
    """The last whole week, Monday to Sunday, in the person's time zone."""

    began_on: date
    ended_on: date
    check_in_days: int
    cravings: int
    resisted: int


class ProgressView(View, frozen=True):
    """`cravings` are those of the last `cravings_days` days."""

    trackers: list[TrackerProgress]
    cravings_days: int
    cravings: CravingSummary
    activity: ActivityView
    week: WeekView


class OneCircle(Command, frozen=True):
    circle_id: Id


class CircleProgress(View, frozen=True):
    """What the members who track its category come to; all None of fewer than `floor` people.

    `people` is rounded down to fives, `checked_in_share` (of the last seven days) to tenths.
    """

    floor: int = AGGREGATE_FLOOR
    people: int | None = None
    median_longest_run_days: int | None = None
    median_total_days: int | None = None
    checked_in_share: float | None = None


class CircleTotals(NamedTuple):
    """What the store counts, one row per person: their longest run and most days on any of the trackers."""

    people: int
    median_longest_run_days: int
    median_total_days: int
    active: int


async def my_progress(user: User, ports: Ports) -> ProgressView:
    now = ports.now()
    mine = await ports.records.trackers.of_account(user.id)
    marks = await asyncio.gather(*(ports.content.checkins.marks(tracker.id) for tracker in mine))
    found = await ports.content.cravings.since(user.id, now - CRAVINGS_WINDOW, CRAVINGS_MAX)
    days = await ports.records.activities.days(user.id)
    run = activity.runs(days, local_day(now, user.timezone))
    return ProgressView(
        trackers=[tracker_progress(one, told, now) for one, told in zip(mine, marks, strict=True)],
        cravings_days=CRAVINGS_WINDOW.days,
        cravings=cravings.summary(found),
        activity=ActivityView(
            current_days=run.current_days, longest_days=run.longest_days, total_days=run.total_days
        ),
        week=week_view(last_monday(now, user.timezone), [one for told in marks for one in told], found, user),
    )


def tracker_progress(tracker: Tracker, marks: Sequence[Mark], now: datetime) -> TrackerProgress:
    found = streaks.runs(streaks.claimed(tracker.started_on, tracker.claimed_days), marks)
    return TrackerProgress(
        tracker=trackers.tracker_view(tracker, now),
        runs=[run_view(run) for run in reversed(found[-RUNS_SHOWN:])],
    )


def run_view(run: Run) -> RunView:
    return RunView(started_on=run.started_on, ended_on=run.ended_on, days=run.days)


def last_monday(now: datetime, timezone: str) -> date:
    """The first day of the last whole week."""
    today = local_day(now, timezone)
    return today - timedelta(days=today.weekday() + 7)


def week_bounds(monday: date, timezone: str) -> tuple[datetime, datetime]:
    """From its first midnight to its last, in UTC."""
    zone = ZoneInfo(timezone)
    began = datetime.combine(monday, time.min, zone)
    ended = datetime.combine(monday + timedelta(days=7), time.min, zone)
    return began.astimezone(UTC), ended.astimezone(UTC)


def week_view(monday: date, marks: Sequence[Mark], found: Sequence[Craving], user: User) -> WeekView:
    began, ended = week_bounds(monday, user.timezone)
    sunday = monday + timedelta(days=6)
    in_week = [one for one in cravings.episodes(found) if began <= one.first.at < ended]
    checked_in = {mark.day for mark in marks if mark.kind == "check_in" and monday <= mark.day <= sunday}
    return WeekView(
        began_on=monday,
        ended_on=sunday,
        check_in_days=len(checked_in),
        cravings=len(in_week),
        resisted=sum(cravings.was_resisted(episode) is True for episode in in_week),
    )


async def circle_progress(command: OneCircle, user: User, ports: Ports) -> CircleProgress:
    """For members. Blocked people count like everybody: leaving them out would show who they are."""
    role = await ports.records.circles.role_of(command.circle_id, user.id)
    circle = access.check_member(await ports.records.circles.get(command.circle_id), role)
    category = None if circle.category == GENERAL else circle.category
    week_ago = ports.now() - timedelta(days=7)
    return shown_together(await ports.records.trackers.of_circle(circle.id, category, week_ago))


def shown_together(totals: CircleTotals) -> CircleProgress:
    if totals.people < AGGREGATE_FLOOR:
        return CircleProgress()
    return CircleProgress(
        people=totals.people // PEOPLE_STEP * PEOPLE_STEP,
        median_longest_run_days=totals.median_longest_run_days,
        median_total_days=totals.median_total_days,
        checked_in_share=round(totals.active / totals.people * SHARE_STEPS) / SHARE_STEPS,
    )
