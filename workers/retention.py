"""How long the history of jobs is kept."""

from datetime import UTC, datetime, timedelta

from domain.jobs import JobPorts
from workers.job import job
from workers.schedule import Cron, scheduled

KEEP_DONE = timedelta(days=7)
"""Done and cancelled rows; also how long a key that runs once cannot be added again."""
KEEP_DEAD = timedelta(days=30)
PRUNE_BATCH = 5_000


@scheduled(Cron(minute=17))
@job(lane="bulk", timeout_seconds=300)
async def prune_jobs(ports: JobPorts) -> None:
    """Delete rows whose time is over, in batches that hold no lock for long."""
    now = datetime.now(UTC)
    while await ports.jobs.prune(done_before=now - KEEP_DONE, dead_before=now - KEEP_DEAD, limit=PRUNE_BATCH):
        pass
