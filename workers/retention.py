"""How long the history of jobs is kept."""

from datetime import UTC, datetime, timedelta

from domain.ports import Ports
from workers.job import job
from workers.schedule import Cron, scheduled

PRUNE_BATCH = 5_000


@scheduled(Cron(minute=17))
@job(lane="bulk", timeout_seconds=300)
async def prune_jobs(ports: Ports) -> None:
    """Delete rows whose time is over, in batches that hold no lock for long."""
    now, kept = datetime.now(UTC), ports.settings.jobs
    done_before, dead_before = now - timedelta(days=kept.done_days), now - timedelta(days=kept.dead_days)
    while await ports.jobs.prune(done_before=done_before, dead_before=dead_before, limit=PRUNE_BATCH):
        pass
