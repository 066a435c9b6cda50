from domain import enforcement
from domain.ports import Ports
from workers.job import job
from workers.schedule import Cron, scheduled


@job(lane="urgent", timeout_seconds=10, attempts=8)
async def apply_decision(ports: Ports, decision_id: str) -> None:
    await enforcement.apply_decision(decision_id, ports)


@scheduled(Cron(minute={0, 10, 20, 30, 40, 50}))
@job(lane="bulk", timeout_seconds=60)
async def lift_bans(ports: Ports) -> None:
    """Lets back in whose ban has run out."""
    await enforcement.lift_bans(ports)
