from domain import cases
from domain.ports import Ports
from workers.job import job


@job(lane="urgent", timeout_seconds=10, attempts=8)
async def call_moderators(ports: Ports, case_id: str, event_id: str) -> None:
    await cases.call_moderators(case_id, event_id, ports)
