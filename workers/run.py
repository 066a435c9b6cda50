"""One attempt of one job, from claim to verdict: small steps over one value."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

import structlog

from domain.jobs import Claim, Outcome, Settled, Start, State
from workers.job import (
    PROGRESS,
    UNKNOWN,
    Cancel,
    Dead,
    Done,
    Kind,
    Progress,
    Release,
    Retry,
    Verdict,
    judge_error,
    judge_result,
)
from workers.metrics import JOBS, RUN_SECONDS, WAIT_SECONDS

log = structlog.get_logger(__name__)

STATES: dict[type, State] = {
    Done: "done",
    Cancel: "cancelled",
    Dead: "dead",
    Retry: "queued",
    Release: "queued",
}


class Run:
    """The attempt while it lasts. `broken_off` says who interrupted it."""

    __slots__ = ("broken_off", "claim", "kind", "progress", "started_at", "task", "worker")

    def __init__(self, claim: Claim, kind: Kind, worker: str) -> None:
        self.claim = claim
        self.kind = kind
        self.worker = worker
        self.started_at = datetime.now(UTC)
        self.progress = Progress()
        self.broken_off: Literal["operator", "stop"] | None = None
        self.task: asyncio.Task[None] | None = None

    def break_off(self, by: Literal["operator", "stop"]) -> None:
        self.broken_off = by
        if self.task is not None:
            self.task.cancel()

    @property
    def waited_seconds(self) -> float:
        """From when the job was first due to now."""
        return datetime.now(UTC).timestamp() - self.claim.due_since

    def start(self) -> Start:
        return Start(self.claim.job, self.claim.attempt, self.worker, self.started_at)


async def perform(run: Run, ports: object) -> Verdict:
    """Call the function within its time and judge what came of it."""
    PROGRESS.set(run.progress)
    try:
        async with asyncio.timeout(run.kind.timeout_seconds):
            result = await run.kind.function(ports, **run.claim.job.args)
    except Exception as error:  # noqa: BLE001  (the verdict is where every error of a job ends)
        return judge_error(error, run.kind, run.claim.attempt, run.waited_seconds)
    return judge_result(result, run.kind, run.claim.attempt)


def verdict_of_cancel(run: Run, error: asyncio.CancelledError) -> Verdict:
    """Who cancelled the task: an operator, our own stop, or the job itself."""
    if run.broken_off == "operator":
        return Cancel("operator")
    if run.broken_off == "stop":
        return Release()
    return judge_error(error, run.kind, run.claim.attempt, run.waited_seconds)


def after_break(run: Run, verdict: Verdict) -> Verdict:
    """An error that our own interruption set off, a roll-back on a torn connection say, is not the job's."""
    if isinstance(verdict, Retry | Dead) and run.broken_off is not None:
        return Cancel("operator") if run.broken_off == "operator" else Release()
    return verdict


def outcome_of(run: Run, verdict: Verdict) -> Outcome:
    finished_at = datetime.now(UTC)
    delay = delay_of(verdict)
    return Outcome(
        job=run.claim.job,
        state=STATES[type(verdict)],
        attempts=run.claim.attempt - is_free(verdict),
        worker=run.worker,
        started_at=run.started_at,
        finished_at=finished_at,
        run_at=None if delay is None else finished_at + timedelta(seconds=delay),
        error=storable(error_of(verdict)),
        trace=storable(verdict.trace if isinstance(verdict, Retry | Dead) else None),
    )


def storable(text: str | None) -> str | None:
    """PostgreSQL refuses NUL in text, and one refused row would hold up its whole batch."""
    return None if text is None else text.replace("\x00", "")


def settled_of(run: Run, verdict: Verdict) -> Settled:
    claim = run.claim
    return Settled(claim.id, claim.job.lane, delay_of(verdict), is_free(verdict), claim.held)


def is_free(verdict: Verdict) -> bool:
    """Whether it used no attempt."""
    return isinstance(verdict, Release) or (isinstance(verdict, Retry) and not verdict.counted)


def delay_of(verdict: Verdict) -> float | None:
    """Seconds until the next attempt; None when there is none."""
    if isinstance(verdict, Retry):
        return max(verdict.seconds, 0.0)
    return 0.0 if isinstance(verdict, Release) else None


def error_of(verdict: Verdict) -> str | None:
    match verdict:
        case Retry() | Dead():
            return verdict.error
        case Cancel():
            return verdict.reason
    return None


def report_start(run: Run) -> None:
    WAIT_SECONDS.labels(run.claim.job.lane).observe(max(run.started_at.timestamp() - run.claim.due_at, 0.0))


def report_end(run: Run, verdict: Verdict) -> None:
    """Metrics of every attempt; a log line of those somebody may want to look into."""
    name, lane = run.kind.name, run.claim.job.lane
    seconds = datetime.now(UTC).timestamp() - run.started_at.timestamp()
    JOBS.labels(name, lane, type(verdict).__name__.lower()).inc()
    RUN_SECONDS.labels(name, lane).observe(seconds)
    if isinstance(verdict, Done):
        return
    say = log.error if isinstance(verdict, Dead) else log.warning
    say(
        EVENTS[type(verdict)],
        job=run.claim.job.name,
        job_id=run.claim.id,
        lane=lane,
        attempt=run.claim.attempt,
        error=error_of(verdict),
        seconds=round(seconds, 4),
    )


EVENTS = {Retry: "job.retry_later", Cancel: "job.cancelled", Dead: "job.dead", Release: "job.released"}


def kind_of(name: str, kinds: Mapping[str, Kind]) -> Kind:
    return kinds.get(name, UNKNOWN)
