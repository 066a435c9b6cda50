from domain import echoes
from domain.ports import Ports
from workers.job import job


@job(lane="default", timeout_seconds=10, attempts=8)
async def echo(ports: Ports, name: str, event_id: str, author_id: str, **refs: str) -> None:
    await echoes.echo(name, event_id, author_id, refs, ports)
