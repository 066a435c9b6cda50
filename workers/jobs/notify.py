from domain import notifications
from domain.notifications import NotificationKind
from domain.ports import Ports
from workers.job import job


@job(lane="default", timeout_seconds=10, attempts=8)
async def notify(ports: Ports, account_id: str, kind: NotificationKind, event_id: str, post_id: str) -> None:
    await notifications.notify(account_id, kind, event_id, post_id, ports)
