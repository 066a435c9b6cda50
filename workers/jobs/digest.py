from datetime import date

from domain import digest
from domain.ports import Ports
from workers.job import job
from workers.schedule import Cron, scheduled


@scheduled(Cron(minute=5))
@job(lane="bulk", timeout_seconds=300, attempts=3)
async def send_digests(ports: Ports) -> None:
    await digest.send_digests(ports)


@job(lane="bulk", timeout_seconds=10, attempts=5)
async def send_digest(ports: Ports, account_id: str, monday: str) -> None:
    await digest.send_digest(account_id, date.fromisoformat(monday), ports)
