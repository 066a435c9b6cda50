"""The SOS ladder, step by step, and what comes after it."""

from domain import followups, ladder
from domain.ports import Ports
from workers.job import job
from workers.metrics import FIRST_RESPONSE_SECONDS
from workers.schedule import Cron, scheduled


@job(lane="urgent", timeout_seconds=10, attempts=8)
async def climb(ports: Ports, post_id: str, step: str) -> None:
    await ladder.climb(post_id, int(step), ports)


@job(lane="urgent", timeout_seconds=10, attempts=8)
async def revisit_sos(ports: Ports, post_id: str) -> None:
    await ladder.revisit(post_id, ports)


@scheduled(Cron(second={0, 30}), lane="urgent")
@job(lane="urgent", timeout_seconds=60, attempts=2)
async def tend_ladders(ports: Ports) -> None:
    await ladder.tend(ports)


@job(lane="bulk", timeout_seconds=10)
async def measure_answer(ports: Ports, post_id: str) -> None:
    if answered := await ladder.measure_answer(post_id, ports):
        category = ladder.category_of(answered.categories)
        FIRST_RESPONSE_SECONDS.labels(category).observe(answered.seconds)


@job(lane="default", timeout_seconds=10, attempts=8)
async def follow_up(ports: Ports, post_id: str, number: str) -> None:
    await followups.follow_up(post_id, int(number), ports)
