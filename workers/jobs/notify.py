from datetime import timedelta

from domain import notifications
from domain.jobs import Lane
from domain.kinds import NotificationKind
from domain.notifications import About
from domain.ports import Ports
from workers.job import job
from workers.schedule import Cron, scheduled

PRUNE_BATCH = 1_000


@job(lane="default", timeout_seconds=10, attempts=8)
async def notify(
    ports: Ports,
    account_id: str,
    kind: NotificationKind,
    event_id: str,
    post_id: str,
    actor_id: str = "",
) -> None:
    await notifications.notify(account_id, kind, event_id, post_id or None, ports, actor_id=actor_id or None)


@job(lane="bulk", timeout_seconds=30, attempts=8)
async def notify_many(
    ports: Ports,
    account_ids: str,
    kind: NotificationKind,
    event_id: str,
    post_id: str,
    actor_id: str,
    push_lane: Lane,
) -> None:
    """One chunk of a fan-out; `account_ids` with commas between them."""
    about = About(kind=kind, event_id=event_id, post_id=post_id or None, actor_id=actor_id or None)
    await notifications.notify_many(about, account_ids.split(","), ports, push_lane=push_lane)


@scheduled(Cron(minute=29))
@job(lane="bulk", timeout_seconds=300)
async def prune_notifications(ports: Ports) -> None:
    """Deletes what is old, in batches that hold no lock for long."""
    before = ports.now() - timedelta(days=ports.settings.notification_days)
    while await ports.records.notifications.prune(before, PRUNE_BATCH):
        pass
