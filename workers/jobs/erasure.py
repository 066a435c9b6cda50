"""Erasures, and whether they are done in time."""

import structlog

from domain import erasure
from domain.ports import Ports
from workers.job import Backoff, job
from workers.metrics import ERASURES_OVERDUE
from workers.schedule import Cron, scheduled

log = structlog.get_logger(__name__)


@job(lane="bulk", timeout_seconds=600, attempts=12, backoff=Backoff(base_seconds=5.0))
async def erase_account(ports: Ports, receipt_id: str) -> None:
    await erasure.erase_account(receipt_id, ports)


@scheduled(Cron(minute={2, 12, 22, 32, 42, 52}))
@job(lane="bulk", timeout_seconds=60, attempts=3)
async def check_erasures(ports: Ports) -> None:
    """Gives stuck ones to a job again; one that is overdue is for a person to look at."""
    unfinished = await erasure.check_erasures(ports)
    ERASURES_OVERDUE.inc(unfinished.overdue)
    if unfinished.overdue:
        log.error("erasure.overdue", overdue=unfinished.overdue, running=unfinished.running)
