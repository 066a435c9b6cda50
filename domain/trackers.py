"""Trackers: one addiction of one person, and the streak of days without it. Nobody else is told."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from domain import access, accounts, events, notifications, rooms, streaks
from domain.accounts import User
from domain.clock import rfc3339
from domain.crisis import CrisisResources
from domain.errors import Conflict, Invalid, NotFound
from domain.events import Event
from domain.ids import derived_id, new_id
from domain.jobs import Job
from domain.pages import Page
from domain.ports import Ports, Records
from domain.streaks import Mark, Streak, local_day
from domain.wire import Command, Slug, Timezone, View

CLAIMED_DAYS_MAX = 40_000
"""As many days as a person may bring along from before the tracker."""
RECOUNT_PAGE = 200


class Tracker(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `trackers`; (account, category) is unique. `timezone` is the account's unless it has its own.

    `claimed_days` in a row from `started_on` on were before the tracker was made.
    """

    id: str
    account_id: str
    category: str
    timezone: str
    started_on: date
    claimed_days: int
    created_at: datetime
    streak: Streak


class TrackerView(View, frozen=True):
    id: str
    category: str
    timezone: str
    started_on: date
    current_run_days: int
    longest_run_days: int
    total_days: int
    next_milestone: int
    last_check_in: str | None


class TrackerAnswer(View, frozen=True):
    """Ack data of `checkin:record` and `slip:record`; `crisis` when the note calls for it."""

    tracker: TrackerView
    crisis: CrisisResources | None = None


class TrackerMilestone(View, frozen=True):
    """Data of `tracker:milestone`: `days` in a row were reached."""

    tracker: TrackerView
    days: int


class CreateTracker(Command, frozen=True):
    """`started_on` is the first day of the run that somebody brings along; without it, today."""

    category: Slug
    timezone: Timezone | None = None
    started_on: date | None = None


def tracker_view(tracker: Tracker, now: datetime) -> TrackerView:
    current = streaks.current_run_days(tracker.streak, now, tracker.timezone)
    last = tracker.streak.last_check_in
    return TrackerView(
        id=tracker.id,
        category=tracker.category,
        timezone=tracker.timezone,
        started_on=tracker.started_on,
        current_run_days=current,
        longest_run_days=tracker.streak.longest_run_days,
        total_days=tracker.streak.total_days,
        next_milestone=streaks.next_milestone(current),
        last_check_in=rfc3339(last) if last else None,
    )


async def create_tracker(command: CreateTracker, user: User, ports: Ports) -> TrackerView:
    """Makes the tracker of a category, or answers the one there is; a `timezone` that is sent moves it."""
    if command.timezone is not None:
        accounts.check_timezone(command.timezone)
    mine = await ports.records.trackers.of_account(user.id)
    known = next((tracker for tracker in mine if tracker.category == command.category), None)
    if known is None:
        if len(mine) >= ports.settings.trackers_max:
            raise Conflict(f"You can keep {ports.settings.trackers_max} trackers.", field="category")
        known = await ports.records.trackers.add(new_tracker(command, user, ports), command.timezone)
    elif command.timezone is not None:
        known = await ports.records.trackers.move(known.id, command.timezone) or known
    return tracker_view(known, ports.now())


def new_tracker(command: CreateTracker, user: User, ports: Ports) -> Tracker:
    """Raises `Invalid` for a start in the future, or before anybody's time."""
    timezone, now = command.timezone or user.timezone, ports.now()
    today = local_day(now, timezone)
    started_on = command.started_on or today
    claimed_days = (today - started_on).days
    if not 0 <= claimed_days <= CLAIMED_DAYS_MAX:
        raise Invalid("Please choose a day that has been.", field="started_on")
    return Tracker(
        id=new_id(),
        account_id=user.id,
        category=command.category,
        timezone=timezone,
        started_on=started_on,
        claimed_days=claimed_days,
        created_at=now,
        streak=streaks.claimed(started_on, claimed_days),
    )


async def my_trackers(user: User, ports: Ports) -> Page[TrackerView]:
    found = await ports.records.trackers.of_account(user.id)
    return Page(items=[tracker_view(tracker, ports.now()) for tracker in found], next_cursor=None)


async def own_tracker(tracker_id: str, user: User, ports: Ports) -> Tracker:
    """The tracker, or `not_found`: that somebody else has one is nobody's business."""
    return access.sees_tracker(await ports.records.trackers.get(tracker_id), user.id)


async def count(tracker_id: str, newest: Mark | None, jobs: Sequence[Job], ports: Ports) -> Tracker:
    """Takes what was recorded into the tracker's streak, and tells the milestones that it reached.

    Safe to run again: the number of marks says whether one is missing. Without `newest` all are counted anew.
    """
    async with ports.transaction() as tx:
        tracker = await tx.trackers.lock(tracker_id)
        if tracker is None:
            raise NotFound
        streak = await _counted(tracker, newest, ports)
        if streak != tracker.streak:
            await tx.trackers.keep(tracker_id, streak)
        told = milestone_events(tracker, streak, newest, ports.now())
        owed = await _record(told, [*jobs, *map(celebrate_job, told)], tx)
    ports.announcer.announce(*told, jobs=owed)
    return msgspec.structs.replace(tracker, streak=streak)


async def recount_page(after: str, ports: Ports) -> tuple[str | None, int]:
    """Counts a page of trackers anew; where the next page begins, and how many came out otherwise."""
    found = await ports.records.trackers.page(after, RECOUNT_PAGE)
    recounted = [await count(tracker.id, None, [], ports) for tracker in found]
    wrong = sum(now.streak != before.streak for before, now in zip(found, recounted, strict=True))
    return (found[-1].id if len(found) == RECOUNT_PAGE else None), wrong


async def _record(told: Sequence[Event], jobs: Sequence[Job], tx: Records) -> list[Job]:
    for event in told:
        await events.record(event, [], tx)
    return await tx.jobs.add(jobs) if jobs else []


async def _counted(tracker: Tracker, newest: Mark | None, ports: Ports) -> Streak:
    if newest is not None:
        uncounted = await ports.content.checkins.count(tracker.id) - tracker.streak.counted
        if uncounted == 0:
            return tracker.streak
        if uncounted == 1 and (advanced := streaks.advanced(tracker.streak, newest)) is not None:
            return advanced
    marks = await ports.content.checkins.marks(tracker.id)
    recounted = streaks.recounted(streaks.claimed(tracker.started_on, tracker.claimed_days), marks)
    # Clocks of servers differ by milliseconds: what was shown stays, whatever order they tell.
    longest = max(recounted.longest_run_days, tracker.streak.longest_run_days)
    return msgspec.structs.replace(recounted, longest_run_days=longest)


def milestone_events(tracker: Tracker, streak: Streak, newest: Mark | None, now: datetime) -> list[Event]:
    """What a check-in gives reason to celebrate, once for each run. A slip tells nobody anything."""
    if newest is None or newest.kind == "slip" or not streaks.current_run_days(streak, now, tracker.timezone):
        return []
    return [
        Event(
            id=derived_id("tracker:milestone", tracker.id, str(streak.run_started_on), str(days)),
            name="tracker:milestone",
            at=now,
            refs={"account_id": tracker.account_id, "tracker_id": tracker.id, "days": str(days)},
        )
        for days in streaks.milestones_reached(tracker.streak, streak)
    ]


def celebrate_job(event: Event) -> Job:
    args = {"tracker_id": event.refs["tracker_id"], "days": event.refs["days"], "event_id": event.id}
    return Job(name="celebrate", args=args, key=f"celebrate:{event.id}", lane="default")


async def celebrate(tracker_id: str, days: int, event_id: str, ports: Ports) -> None:
    """Notifies of a milestone, for a person who is not here to hear it; as `compose_milestone`, not after a
    slip.
    """
    tracker = await ports.records.trackers.get(tracker_id)
    if tracker is not None and tracker_view(tracker, ports.now()).current_run_days >= days:
        await notifications.notify(tracker.account_id, "milestone", event_id, None, ports)


@events.composes("tracker:milestone")
async def compose_milestone(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    """Not told any more after a slip: then it would hurt."""
    tracker, days = await ports.records.trackers.get(event.refs["tracker_id"]), int(event.refs["days"])
    if tracker is None:
        return None
    view = tracker_view(tracker, ports.now())
    if view.current_run_days < days:
        return None
    return [rooms.user_room(tracker.account_id)], TrackerMilestone(tracker=view, days=days)
