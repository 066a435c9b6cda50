from domain import support
from domain.ports import Ports
from workers.job import job


@job(lane="default", timeout_seconds=10, attempts=8)
async def score_support(ports: Ports, post_id: str, giver_id: str, kind: str, ref: str) -> None:
    await support.score_support(post_id, giver_id, kind, ref, ports)


@job(lane="default", timeout_seconds=10, attempts=8)
async def reverse_points(ports: Ports, post_id: str, ref: str | None = None) -> None:
    await support.settle_points(post_id, ref, ports)


@job(lane="default", timeout_seconds=10, attempts=8)
async def restore_points(ports: Ports, post_id: str, ref: str | None = None) -> None:
    await support.bring_back_points(post_id, ref, ports)
