"""The weekly digest: on Monday morning, where the person lives, a word that there is a week to look at.

The week itself is `week` in `GET /v1/me/progress`. Who was not here that week is not called back.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain import notifications
from domain.ids import derived_id
from domain.jobs import Job, enqueue_jobs
from domain.ports import Ports
from domain.progress import last_monday

MONDAY = 0
HOURS = range(9, 12)
"""Local hours in which digests are sent; more than one, so that an outage of two hours costs none."""
PAGE = 500


async def send_digests(ports: Ports) -> int:
    """Adds the digests of those for whom it is Monday morning, once a week; returns how many."""
    now = ports.now()
    zones = [zone for zone in await ports.records.trackers.timezones() if is_due(now, zone)]
    added, after = 0, ""
    while page := await ports.records.trackers.accounts_in(zones, after, PAGE):
        jobs = [digest_job(account_id, last_monday(now, zone)) for account_id, zone in page]
        added += len(await enqueue_jobs(jobs, ports))
        after = page[-1][0]
    return added


def is_due(now: datetime, timezone: str) -> bool:
    local = now.astimezone(ZoneInfo(timezone))
    return local.weekday() == MONDAY and local.hour in HOURS


def digest_job(account_id: str, monday: date) -> Job:
    args = {"account_id": account_id, "monday": monday.isoformat()}
    return Job(name="send_digest", args=args, key=f"send_digest:{account_id}:{monday}", lane="bulk")


async def send_digest(account_id: str, monday: date, ports: Ports) -> None:
    """Notifies once of a week in which there was something."""
    if not await _was_here(account_id, monday, ports):
        return
    event_id = derived_id("digest", account_id, monday.isoformat())
    await notifications.notify(account_id, "digest", event_id, None, ports)


async def _was_here(account_id: str, monday: date, ports: Ports) -> bool:
    account = await ports.records.accounts.get(account_id)
    if account is None or account.status != "active":
        return False
    days = await ports.records.activities.days(account_id)
    return any(monday <= day < monday + timedelta(days=7) for day in days)
