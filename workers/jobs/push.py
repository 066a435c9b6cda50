from domain import pushing
from domain.ports import Ports
from workers.job import Retry, job
from workers.schedule import Cron, scheduled

PRUNE_BATCH = 1_000


# Two or three hours: what a push service refuses looks as if it were away, and is to end as a dead letter.
@job(lane="default", timeout_seconds=30, attempts=30, patience_seconds=0)
async def push(ports: Ports, notification_id: str) -> Retry | None:
    """Sends one notification to its person's devices, or waits for the end of quiet hours or of a group."""
    later = await pushing.push(notification_id, ports)
    if later is None:
        return None
    return Retry(max((later - ports.now()).total_seconds(), 0.0), error="not_yet")


@scheduled(Cron(minute=47))
@job(lane="bulk", timeout_seconds=300)
async def prune_devices(ports: Ports) -> None:
    """Deletes devices of ended sessions; they were out of reach from the moment of the end."""
    while await ports.records.devices.prune(PRUNE_BATCH):
        pass
