"""Care for data, by the clock."""

from domain import care, voice_notes
from domain.ports import Ports
from workers.job import job
from workers.schedule import Cron, scheduled


@scheduled(Cron(minute={5, 20, 35, 50}))
@job(lane="bulk", timeout_seconds=600)
async def expire_content(ports: Ports) -> None:
    await care.expire_content(ports)


@scheduled(Cron(minute={0, 10, 20, 30, 40, 50}))
@job(lane="bulk", timeout_seconds=300)
async def sweep_voice_notes(ports: Ports) -> None:
    await voice_notes.sweep_voice_notes(ports)


@scheduled(Cron(hour=4, minute=10))
@job(lane="bulk", timeout_seconds=300)
async def prune_sessions(ports: Ports) -> None:
    await care.prune_sessions(ports)


@scheduled(Cron(hour=4, minute=20))
@job(lane="bulk", timeout_seconds=300)
async def prune_invitations(ports: Ports) -> None:
    await care.prune_invitations(ports)


@scheduled(Cron(hour=4, minute=30))
@job(lane="bulk", timeout_seconds=300)
async def prune_attention(ports: Ports) -> None:
    await care.prune_attention(ports)
