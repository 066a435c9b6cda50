import structlog

from domain import checkins, trackers
from domain.jobs import Job, enqueue_jobs
from domain.ports import Ports
from workers.job import job
from workers.metrics import RECONCILED
from workers.schedule import Cron, scheduled

log = structlog.get_logger(__name__)


@job(lane="default", timeout_seconds=10, attempts=8)
async def celebrate(ports: Ports, tracker_id: str, days: str, event_id: str) -> None:
    await trackers.celebrate(tracker_id, int(days), event_id, ports)


@scheduled(Cron(minute=set(range(4, 60, 10))))
@job(lane="bulk", timeout_seconds=60, attempts=3)
async def sweep_check_ins(ports: Ports) -> None:
    await checkins.sweep_uncounted(ports)


@scheduled(Cron(weekday=6, hour=3, minute=30))
@job(lane="bulk", timeout_seconds=10, attempts=3)
async def recount_streaks(ports: Ports) -> None:
    """Once a week all streaks are counted anew, page by page, and repaired where they came out otherwise."""
    await _add_page("", ports.now().date().isoformat(), ports)


@job(lane="bulk", timeout_seconds=60, attempts=5)
async def recount_streaks_page(ports: Ports, after: str, week: str) -> None:
    following, wrong = await trackers.recount_page(after, ports)
    if wrong:
        log.warning("streaks.repaired", trackers=wrong)
        RECONCILED.labels("streaks").inc(wrong)
    if following is not None:
        await _add_page(following, week, ports)


async def _add_page(after: str, week: str, ports: Ports) -> None:
    args = {"after": after, "week": week}
    page = Job(name="recount_streaks_page", args=args, key=f"recount_streaks:{week}:{after}", lane="bulk")
    await enqueue_jobs([page], ports)
