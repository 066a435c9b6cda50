"""Points and counters, compared with their truth at night."""

import structlog

from domain import reconciliation
from domain.ports import Ports
from workers.job import job
from workers.metrics import RECONCILED
from workers.schedule import Cron, scheduled

log = structlog.get_logger(__name__)


@scheduled(Cron(hour=3, minute=20))
@job(lane="bulk", timeout_seconds=300)
async def reconcile_points(ports: Ports) -> None:
    repaired = await reconciliation.reconcile_balances(ports)
    for account_id, off in repaired.items():
        log.warning("points.reconciled", account_id=account_id, off=off)
    RECONCILED.labels("balance").inc(len(repaired))


@scheduled(Cron(hour=3, minute=40))
@job(lane="bulk", timeout_seconds=600)
async def reconcile_counts(ports: Ports) -> None:
    await reconciliation.suspect_counts(ports)


@job(lane="bulk", timeout_seconds=10)
async def recount_post(ports: Ports, post_id: str, drift: str) -> None:
    if await reconciliation.recount_post(post_id, drift, ports):
        log.warning("counts.reconciled", post_id=post_id)
        RECONCILED.labels("counts").inc()
