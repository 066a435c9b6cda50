from domain import shares
from domain.ports import Ports
from workers.job import job


@job(lane="default", timeout_seconds=30, attempts=8)
async def set_apart(ports: Ports, one: str, other: str) -> None:
    await shares.set_apart(one, other, ports)
