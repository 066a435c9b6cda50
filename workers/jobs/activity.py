from datetime import datetime

from domain import activity
from domain.ports import Ports
from workers.job import job


@job(lane="bulk", timeout_seconds=10, attempts=8)
async def record_activity(ports: Ports, account_id: str, kind: str, ref: str, at: str) -> None:
    await activity.record_activity(account_id, kind, ref, datetime.fromisoformat(at), ports)
