"""Jobs: work that is owed after the answer was given.

PostgreSQL is the truth (`JobStore`): a job is a row, inserted in the transaction of the data it serves.
Redis moves it (`JobQueue`, `JobFeed`): losing Redis costs latency, never a job. A job runs at least once,
so every job is safe to run twice. Arguments are ids; content stays in its store.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Literal, Protocol

import msgspec

Lane = Literal["urgent", "default", "bulk"]
State = Literal["queued", "started", "done", "dead", "cancelled"]

LANES: tuple[Lane, ...] = ("urgent", "default", "bulk")
UNFINISHED: tuple[State, ...] = ("queued", "started")
FINISHED: tuple[State, ...] = ("done", "dead", "cancelled")


class Job(msgspec.Struct, frozen=True):
    """What to do, and the name that keeps it from being done twice.

    `key` is deterministic (`scan_post:<post_id>`). By default a key runs once: adding it again while its
    row is kept changes nothing. With `repeats`, adding it again means that the facts changed: a waiting
    row absorbs it, a running one runs once more afterwards, a finished one is queued anew.
    """

    name: str
    args: dict[str, str]
    key: str
    lane: Lane = "default"
    run_at: datetime | None = None
    repeats: bool = False
    run: int = 1
    """How often the key was queued anew; set by `JobStore.add`."""
    attempts: int = 0
    """Attempts already used in this run."""
    traceparent: str | None = None
    """The trace of what owed it, see `domain.trace`; set by `JobStore.add`."""

    @property
    def id(self) -> str:
        """Names this run of the key in Redis and in logs."""
        return self.key if self.run == 1 else f"{self.key}#{self.run}"


class Claim(msgspec.Struct, frozen=True):
    """A job leased to one worker. `id` names the run in Redis; times are in Unix seconds: `due_at` of this
    attempt, `due_since` of the first one that Redis knows of.
    """

    id: str
    job: Job
    attempt: int
    held: int
    """Names this claim among all of the job: what an earlier one still has to say counts for nothing."""
    due_at: float
    due_since: float
    lost: int = 0
    """Claims that ended without a word: their leases lapsed."""
    confirm: bool = False
    """Not the first claim, or the job came back from its row: it may have ended already."""


class Start(msgspec.Struct, frozen=True):
    """An attempt that began."""

    job: Job
    attempt: int
    worker: str
    started_at: datetime


class Outcome(msgspec.Struct, frozen=True):
    """How an attempt ended; `state` queued means: again at `run_at`, with `attempts` used so far."""

    job: Job
    state: State
    attempts: int
    worker: str
    started_at: datetime
    finished_at: datetime
    run_at: datetime | None = None
    error: str | None = None
    trace: str | None = None


class Settled(msgspec.Struct, frozen=True):
    """What Redis has to forget, or to hold back for `delay_seconds`; `refund`: it was no attempt."""

    id: str
    lane: Lane
    delay_seconds: float | None = None
    refund: bool = False
    held: int = 0
    """The claim that ended; with a delay, the end of any other is passed over."""


class Unfinished(msgspec.Struct, frozen=True):
    """A row that is owed; `row` is its place in the order of queueing."""

    row: int
    job: Job
    started: bool


class JobRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the history, as operators see it. Times in seconds where the name says so."""

    row: int
    key: str
    name: str
    lane: Lane
    args: dict[str, str]
    state: State
    run: int
    attempts: int
    run_at: datetime
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    wait_seconds: float | None
    run_seconds: float | None
    worker: str | None
    error: str | None
    trace: str | None
    progress_done: int | None
    progress_total: int | None
    traceparent: str | None


class JobFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows; every part that is set must match, none set matches all."""

    keys: tuple[str, ...] | None = None
    key_prefix: str | None = None
    name: str | None = None
    lane: Lane | None = None
    states: tuple[State, ...] | None = None
    error: str | None = None


class Slot(msgspec.Struct, frozen=True):
    """When a scheduled job is due next, and was last; `missed` times were merged into that last one."""

    name: str
    spec: str
    next_run_at: datetime
    last_run_at: datetime | None = None
    missed: int = 0


class Sentinel(msgspec.Struct, frozen=True):
    """Proof that Redis still holds what it was given: a random value we set, and the server's run id."""

    value: str
    run_id: str


class Depth(msgspec.Struct, frozen=True):
    """A lane at this moment: due and waiting, later (retries and plans, also leased ones), paused."""

    due: int
    later: int
    paused: bool


class JobStore(Protocol):
    """The rows. Everything here is safe to repeat."""

    async def add(self, jobs: Sequence[Job]) -> list[Job]:
        """Insert rows; returns those to push, with their run and the present trace.

        Meant for the transaction of the data.
        """

    async def started(self, starts: Sequence[Start]) -> set[str]:
        """Record beginnings; returns the keys that are still owed."""

    async def settle(self, outcomes: Sequence[Outcome]) -> list[Job]:
        """Record ends; returns jobs that were added again while they ran and must be pushed.

        An end with attempts left (`queued`) is passed over while another attempt is on record as running.
        """

    async def progressed(self, progress: Mapping[str, tuple[int, int]]) -> None:
        """Keys to (done, total)."""

    async def unfinished(
        self, lane: Lane, *, after: int, limit: int, older_than_seconds: float = 0.0
    ) -> list[Unfinished]:
        """Owed rows of a lane in the order in which they were queued, from the one behind `after` on."""

    async def find(self, which: JobFilter, *, before: int | None = None, limit: int = 50) -> list[JobRow]:
        """Newest first; `before` is the last row of the page above."""

    async def counts(self) -> dict[tuple[Lane, State], int]:
        """Rows per lane and state, finished ones of kept history included."""

    async def cancel(self, which: JobFilter, *, limit: int) -> list[Job]: ...

    async def requeue(self, which: JobFilter, *, limit: int) -> list[Job]:
        """Queue finished rows anew, with all attempts; returns jobs to push."""

    async def discard(self, which: JobFilter, *, limit: int) -> int:
        """Delete finished rows; returns how many."""

    async def prune(self, *, done_before: datetime, dead_before: datetime, limit: int) -> int:
        """Delete rows that finished before these times; returns how many."""

    async def paused(self) -> set[Lane]: ...

    async def set_paused(self, lane: Lane, paused: bool) -> None: ...

    async def sentinel(self) -> Sentinel | None: ...

    async def set_sentinel(self, sentinel: Sentinel) -> None: ...

    async def slots(self) -> list[Slot]: ...

    async def plan(self, slots: Sequence[Slot], *, drop: bool = True) -> None:
        """Make the schedule these: add what is new, replan another spec, and `drop` what is absent."""

    async def take_slot(self, slot: Slot, *, next_run_at: datetime, missed: int, job: Job) -> list[Job]:
        """Move a slot on and add its job in one statement; empty when another worker was first."""

    async def replan_slot(self, slot: Slot, next_run_at: datetime) -> None:
        """Bring a slot to another time, unless somebody moved it meanwhile."""


class JobQueue(Protocol):
    """The producer's and the operator's side of Redis."""

    async def push(self, jobs: Sequence[Job], *, confirm: bool = False) -> int:
        """Make jobs run; those Redis already holds are left alone. Returns how many were new.

        `confirm`: their rows were read a while ago, and are looked at again before they run.
        """

    async def cancel(self, jobs: Sequence[Job]) -> None:
        """Take jobs out; one that runs is interrupted by its worker within a pulse."""

    async def set_paused(self, lane: Lane, paused: bool) -> None: ...

    async def depths(self) -> dict[Lane, Depth]: ...

    async def workers(self) -> list[dict[str, object]]:
        """The heartbeats of workers that are alive."""

    async def read_sentinel(self) -> Sentinel: ...

    async def write_sentinel(self, value: str) -> None: ...


class JobFeed(Protocol):
    """The worker's side of Redis."""

    async def claim(self, lane: Lane, limit: int, lease_seconds: float) -> tuple[list[Claim], float]:
        """Lease due jobs; also the seconds until the next one is due (infinite when none waits)."""

    async def wait(self, lane: Lane, seconds: float) -> None:
        """Return when something was pushed to the lane, or after `seconds`."""

    async def renew(self, lane: Lane, held: Mapping[str, int], lease_seconds: float) -> list[str]:
        """Keep the leases of these claims; returns the ids that an operator cancelled."""

    async def settle(self, settled: Sequence[Settled]) -> None: ...

    async def beat(self, worker: str, state: Mapping[str, object], seconds: float) -> None:
        """Tell for `seconds` that this worker lives."""

    async def leave(self, worker: str) -> None: ...


class JobPorts(Protocol):
    @property
    def jobs(self) -> JobStore: ...

    @property
    def queue(self) -> JobQueue: ...


class JobRecords(Protocol):
    @property
    def jobs(self) -> JobStore: ...


class CancelPorts(JobPorts, Protocol):
    @property
    def transaction(self) -> Callable[[], AbstractAsyncContextManager[JobRecords]]: ...


class JobSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of one worker process, and how long its history is kept; `JOB_…` in the environment."""

    urgent_slots: int = 32
    default_slots: int = 32
    bulk_slots: int = 8
    lease_seconds: float = 6.0
    """A killed worker's jobs start elsewhere after this long at most."""
    pulse_seconds: float = 1.5
    """How often leases are renewed and the heartbeat is told."""
    lost_max: int = 20
    """A job that had begun and in whose hands this many workers died is dead: it may be what kills them."""
    idle_wait_seconds: float = 1.0
    flush_seconds: float = 0.02
    """How long history gathers before it is written."""
    flush_rows: int = 500
    unsettled_max: int = 5_000
    """No more jobs are claimed while this many ends are not yet written."""
    stop_seconds: float = 20.0
    """How long running jobs may finish after SIGTERM."""
    recheck_after_seconds: float = 2.0
    recheck_seconds: float = 30.0
    recheck_rows: int = 1_000
    schedule_wait_seconds: float = 5.0
    done_days: int = 7
    """Done and cancelled rows; also how long a key that runs once cannot be added again."""
    dead_days: int = 30

    def slots(self, lane: Lane) -> int:
        """How many jobs of a lane run at a time."""
        return {"urgent": self.urgent_slots, "default": self.default_slots, "bulk": self.bulk_slots}[lane]


BULK_LIMIT = 1_000
"""Rows that one operator command changes at most; it says how many, and may be given again."""


async def enqueue_jobs(jobs: Sequence[Job], ports: JobPorts) -> list[Job]:
    """Add and push outside of a transaction; returns the jobs that were new."""
    added = await ports.jobs.add(jobs)
    await ports.queue.push(added)
    return added


async def cancel_jobs(which: JobFilter, ports: CancelPorts, *, limit: int = BULK_LIMIT) -> int:
    """Cancel waiting and running jobs; returns how many.

    Not in one store alone: a job that Redis did not hear of would run, and be found by no second try.
    """
    async with ports.transaction() as tx:
        cancelled = await tx.jobs.cancel(which, limit=limit)
        await ports.queue.cancel(cancelled)
    return len(cancelled)


async def requeue_jobs(which: JobFilter, ports: JobPorts, *, limit: int = BULK_LIMIT) -> int:
    """Run dead, cancelled or done jobs again with all their attempts; returns how many."""
    requeued = await ports.jobs.requeue(which, limit=limit)
    await ports.queue.push(requeued)
    return len(requeued)


async def discard_jobs(which: JobFilter, ports: JobPorts, *, limit: int = BULK_LIMIT) -> int:
    """Delete finished rows, dead letters among them; returns how many."""
    return await ports.jobs.discard(which, limit=limit)


async def pause_lane(lane: Lane, ports: JobPorts) -> None:
    """Start nothing more from the lane; running jobs finish. Survives the loss of Redis."""
    await ports.jobs.set_paused(lane, True)
    await ports.queue.set_paused(lane, True)


async def resume_lane(lane: Lane, ports: JobPorts) -> None:
    await ports.jobs.set_paused(lane, False)
    await ports.queue.set_paused(lane, False)
