"""Check-ins and slips on a tracker."""

from datetime import date, datetime, timedelta

import msgspec

from domain import moments, trackers
from domain.accounts import User
from domain.activity import activity_job
from domain.moments import Moment
from domain.ports import Ports
from domain.streaks import Kind, Mark, local_day
from domain.trackers import Tracker, TrackerAnswer

SWEEP_WINDOW = timedelta(hours=2)
SETTLED_AFTER = timedelta(seconds=10)
"""A younger one may still be on its way into its tracker."""
SWEEP_LIMIT = 5_000


class CheckIn(msgspec.Struct, frozen=True, kw_only=True):
    """A document of `checkins`; `day` is the local one in `timezone` at `at`."""

    id: str
    tracker_id: str
    account_id: str
    kind: Kind
    at: datetime
    recorded_at: datetime
    day: date
    timezone: str
    mood: int | None = None
    intensity: int | None = None
    triggers: list[str] = []
    resisted: bool | None = None
    note: str | None = None


class RecordCheckIn(Moment, frozen=True):
    """Data of `checkin:record`."""


class RecordSlip(Moment, frozen=True):
    """Data of `slip:record`."""


async def record_check_in(command: RecordCheckIn, user: User, ports: Ports) -> TrackerAnswer:
    """Counts the local day, once however often somebody checks in on it."""
    return await _record("check_in", command, user, ports)


async def record_slip(command: RecordSlip, user: User, ports: Ports) -> TrackerAnswer:
    """Ends the current run and nothing else."""
    return await _record("slip", command, user, ports)


async def _record(kind: Kind, command: Moment, user: User, ports: Ports) -> TrackerAnswer:
    tracker = await trackers.own_tracker(command.tracker_id, user, ports)
    check_in = await _stored(kind, command, tracker, user, ports)
    jobs = [activity_job(user.id, kind, check_in.id, check_in.at)]
    tracker = await trackers.count(tracker.id, mark_of(check_in), jobs, ports)
    return TrackerAnswer(
        tracker=trackers.tracker_view(tracker, ports.now()), crisis=moments.offered_help(command, user)
    )


async def _stored(kind: Kind, command: Moment, tracker: Tracker, user: User, ports: Ports) -> CheckIn:
    id = moments.moment_id(kind, command)
    original = await ports.content.checkins.get(id) if command.client_id else None
    if original is not None:
        return original
    check_in = new_check_in(id, kind, command, tracker, ports.now())
    await moments.check_rate(user, ports)
    return await ports.content.checkins.add(check_in)


def new_check_in(id: str, kind: Kind, command: Moment, tracker: Tracker, now: datetime) -> CheckIn:
    at = moments.moment_at(command, tracker, now)
    return CheckIn(
        id=id,
        tracker_id=tracker.id,
        account_id=tracker.account_id,
        kind=kind,
        at=at,
        recorded_at=now,
        day=local_day(at, tracker.timezone),
        timezone=tracker.timezone,
        mood=command.mood,
        intensity=command.intensity,
        triggers=command.triggers,
        resisted=command.resisted,
        note=moments.note_of(command),
    )


def mark_of(check_in: CheckIn) -> Mark:
    return msgspec.convert(check_in, Mark, from_attributes=True)


async def sweep_uncounted(ports: Ports) -> int:
    """Counts what was stored before a process died that should have; returns on how many trackers."""
    now = ports.now()
    recent = await ports.content.checkins.recorded(now - SWEEP_WINDOW, now - SETTLED_AFTER, SWEEP_LIMIT)
    newest = {check_in.tracker_id: check_in for check_in in recent}
    behind = [check_in for check_in in newest.values() if await _is_uncounted(check_in.tracker_id, ports)]
    for check_in in behind:
        await trackers.count(check_in.tracker_id, mark_of(check_in), [], ports)
    return len(behind)


async def _is_uncounted(tracker_id: str, ports: Ports) -> bool:
    tracker = await ports.records.trackers.get(tracker_id)
    return tracker is not None and await ports.content.checkins.count(tracker_id) > tracker.streak.counted
