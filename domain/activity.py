"""Activity: on which local days somebody was here, for streaks; recomputed from its events at any time."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from domain.clock import rfc3339
from domain.jobs import Job
from domain.ports import Ports


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """Something an account did (`ref` names it, once) on a day of its own time zone."""

    ref: str
    account_id: str
    kind: str
    at: datetime
    day: date


class ActivityRun(msgspec.Struct, frozen=True):
    """Days in a row: the run that is still going, the longest one, and all days."""

    current_days: int
    longest_days: int
    total_days: int


def activity_job(account_id: str, kind: str, ref: str, at: datetime) -> Job:
    return Job(
        name="record_activity",
        args={"account_id": account_id, "kind": kind, "ref": ref, "at": rfc3339(at)},
        key=f"record_activity:{ref}",
        lane="bulk",
    )


async def record_activity(account_id: str, kind: str, ref: str, at: datetime, ports: Ports) -> None:
    """Counts the day of `at` for the account; the same `ref` again changes nothing."""
    account = await ports.records.accounts.get(account_id)
    if account is None:
        return
    day = at.astimezone(ZoneInfo(account.timezone)).date()
    await ports.records.activities.add(Activity(ref=ref, account_id=account_id, kind=kind, at=at, day=day))


def runs(days: list[date], today: date) -> ActivityRun:
    """From distinct days in order. A run is still going until the end of the day after its last day."""
    longest = length = 0
    previous: date | None = None
    for day in days:
        length = length + 1 if previous is not None and (day - previous).days == 1 else 1
        longest, previous = max(longest, length), day
    alive = previous is not None and (today - previous).days <= 1
    return ActivityRun(length if alive else 0, longest, len(days))
