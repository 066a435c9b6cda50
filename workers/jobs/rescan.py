from domain import scanning
from domain.ports import Ports
from workers.job import job


@job(lane="bulk", timeout_seconds=30, attempts=5)
async def rescan_post(ports: Ports, post_id: str, cause: str) -> None:
    await scanning.scan_post(post_id, ports, cause=cause)


@job(lane="bulk", timeout_seconds=30, attempts=5)
async def rescan_response(ports: Ports, response_id: str, cause: str) -> None:
    await scanning.scan_response(response_id, ports, cause=cause)
