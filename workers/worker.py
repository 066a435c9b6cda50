"""A worker process: three lanes side by side, one history, one pulse, one schedule."""

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import structlog
from arq.connections import ArqRedis

import workers.retention  # noqa: F401  (registers its job)
from domain.jobs import LANES, JobSettings, JobStore, Lane
from workers.heartbeat import Heartbeat
from workers.history import History, Queue
from workers.job import KINDS, Kind
from workers.lane import LaneWorker
from workers.loop import cancel_all, keep_alive
from workers.schedule import SCHEDULE, Entry, Schedule

log = structlog.get_logger(__name__)


class WorkerPorts(Protocol):
    """What the layer itself needs of the ports that jobs are given."""

    @property
    def jobs(self) -> JobStore: ...

    @property
    def queue(self) -> Queue: ...


class Workers:
    """Everything one process runs. `start`, then `stop` (or `run` until cancelled).

    `redis` is arq's client, the one `ports.queue` uses; `kinds` and `schedule` are what `@job` and
    `scheduled` registered, unless a test brings its own.
    """

    def __init__(
        self,
        ports: WorkerPorts,
        *,
        redis: ArqRedis,
        settings: JobSettings | None = None,
        lanes: Sequence[Lane] = LANES,
        kinds: Mapping[str, Kind] = KINDS,
        schedule: Mapping[str, Entry] = SCHEDULE,
    ) -> None:
        self.id = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self.settings = settings or JobSettings()
        self.history = History(ports.jobs, ports.queue, self.settings)
        self.lanes = [
            LaneWorker(
                lane,
                ports=ports,
                queue=ports.queue,
                history=self.history,
                redis=redis,
                kinds=kinds,
                settings=self.settings,
                worker_id=self.id,
            )
            for lane in lanes
        ]
        self.heartbeat = Heartbeat(
            self.id,
            self.lanes,
            store=ports.jobs,
            queue=ports.queue,
            history=self.history,
            settings=self.settings,
        )
        self.schedule = Schedule(schedule, store=ports.jobs, queue=ports.queue, settings=self.settings)
        self.queue = ports.queue
        self._loops: list[asyncio.Task[None]] = []
        self._taking: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to take jobs; survives stores that are not there yet."""
        self._taking = [self._loop(f"lane-{lane.lane}", lane.async_run) for lane in self.lanes]
        self._taking.append(self._loop("schedule", self.schedule.tick))
        self._loops = [
            self._loop("history", self.history.write_next),
            self._loop("heartbeat", self._each_pulse(self.heartbeat.beat)),
            self._loop("progress", self._each_pulse(self.heartbeat.tell_progress)),
        ]
        log.info("workers.started", worker=self.id, lanes=[lane.lane for lane in self.lanes])

    async def stop(self) -> None:
        """Take nothing more, let running jobs finish within their bound, give the rest back uncounted."""
        await asyncio.gather(*(lane.stop_taking() for lane in self.lanes))
        await cancel_all(self._taking)
        running = [task for lane in self.lanes for task in lane.tasks.values()]
        if running:
            await asyncio.wait(running, timeout=self.settings.stop_seconds)
        broken_off = await self._break_off()
        await cancel_all(self._loops)
        await self._say_goodbye()
        log.info("workers.stopped", worker=self.id, released=broken_off)

    async def run(self) -> None:
        """Work until cancelled, then stop in order."""
        await self.start()
        try:
            await asyncio.gather(*self._taking, *self._loops)
        finally:
            await self.stop()

    def _loop(self, name: str, step: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        return asyncio.create_task(keep_alive(name, step), name=f"workers-{name}")

    def _each_pulse(self, step: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def pulse() -> None:
            await step()
            await asyncio.sleep(self.settings.pulse_seconds)

        return pulse

    async def _break_off(self) -> int:
        runs = [run for lane in self.lanes for run in lane.runs.values()]
        for run in runs:
            run.broken_off = "stop"
        await cancel_all(
            [run.task for run in runs if run.task is not None], within_seconds=self.settings.pulse_seconds
        )
        return len(runs)

    async def _say_goodbye(self) -> None:
        """The stores may be gone as well; then leases and heartbeat lapse by themselves."""
        try:
            await self.history.close()
            await self.queue.leave(self.id)
        except Exception as error:  # noqa: BLE001  (a stop has to end)
            log.warning("workers.goodbye_failed", worker=self.id, error=type(error).__name__)


async def run_workers(ports: WorkerPorts, *, redis: ArqRedis, settings: JobSettings | None = None) -> None:
    """Run every lane with the registered jobs and schedule until cancelled."""
    await Workers(ports, redis=redis, settings=settings).run()
