"""Care for data, by the clock."""

from domain import care
from domain.ports import Ports
from workers.job import job
from workers.schedule import Cron, scheduled


@scheduled(Cron(minute={5, 20, 35, 50}))
@job(lane="bulk", timeout_seconds=600)
async def expire_content(ports: Ports) -> None:
    await care.expire_content(ports)


@scheduled(Cron(hour=4, minute=10))
@job(lane="bulk", timeout_seconds=300)
async def prune_sessions(ports: Ports) -> None:
    await care.prune_sessions(ports)
