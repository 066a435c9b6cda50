from domain import listening
from domain.ports import Ports
from workers.job import job


@job(lane="urgent", timeout_seconds=10, attempts=8)
async def hold_unheard(ports: Ports, response_id: str, case_id: str) -> None:
    await listening.hold_unheard(response_id, case_id, ports)
