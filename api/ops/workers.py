"""Heartbeats of workers as operators see them."""

import re
from collections.abc import Iterable, Mapping

import msgspec

from domain.jobs import Lane
from domain.wire import View

RUN = re.compile(r"#\d+\Z")


class Busy(View, frozen=True):
    """A job in a worker's hands. `id` names the run, `key` the job."""

    id: str
    name: str
    lane: str
    attempt: int
    started_at: str
    done: int | None = None
    total: int | None = None

    @property
    def key(self) -> str:
        return RUN.sub("", self.id)


class Slots(View, frozen=True):
    running: int
    slots: int


class Worker(View, frozen=True):
    """What one worker process last told. `unsettled`: ends that are not yet in PostgreSQL."""

    id: str
    host: str = ""
    pid: int = 0
    version: str = ""
    started_at: str = ""
    seen_at: str = ""
    rss_bytes: int = 0
    lanes: Mapping[str, Slots] = {}
    unsettled: int = 0
    busy: list[Busy] = []


def workers_of(heartbeats: Iterable[Mapping[str, object]]) -> list[Worker]:
    """In a steady order. A heartbeat of another version of the product keeps its name at least."""
    return sorted(map(worker_of, heartbeats), key=lambda worker: worker.id)


def worker_of(heartbeat: Mapping[str, object]) -> Worker:
    try:
        return msgspec.convert(heartbeat, Worker)
    except msgspec.ValidationError:
        return Worker(id=str(heartbeat.get("id", "unknown")))


def slots_of(lane: Lane, workers: Iterable[Worker]) -> Slots:
    mine = [worker.lanes[lane] for worker in workers if lane in worker.lanes]
    return Slots(running=sum(each.running for each in mine), slots=sum(each.slots for each in mine))
