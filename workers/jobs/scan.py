from domain import scanning
from domain.ports import Ports
from workers.job import job


@job(lane="urgent", timeout_seconds=10, attempts=8)
async def scan_post(ports: Ports, post_id: str) -> None:
    await scanning.scan_post(post_id, ports)


@job(lane="urgent", timeout_seconds=10, attempts=8)
async def scan_response(ports: Ports, response_id: str) -> None:
    await scanning.scan_response(response_id, ports)
