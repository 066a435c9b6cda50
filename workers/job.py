"""What a job is to its author: a function, a policy above it, and a verdict per run.

    @job(lane="urgent", timeout_seconds=10, attempts=5)
    async def scan_post(ports, post_id):
        return await moderate_post(post_id, ports)

A run ends in one of four ways: it is done; it is tried again later (an exception, a time-out, a returned
`Retry`) until the attempts are used; it is cancelled (a returned `Cancel`); it is dead (attempts used, or a
`DomainError` that time does not cure), and then waits in the history for a person. A store or a service that
is away takes no job's last attempt: for a day it is tried again until they are back. One that is slow lets
runs end out of time: these take no last attempt for an hour.
"""

import random
import traceback
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

import msgspec

from domain.errors import DomainError
from domain.jobs import Lane

TRACE_CHARACTERS_MAX = 4_000
PATIENCE_SECONDS = 24 * 3600.0
"""So long after it was first due a job is tried again that fails only because something else is away, unless
its policy says otherwise."""
SLOW_PATIENCE_SECONDS = 3600.0
"""The same for one whose runs are out of time: what it waits for may be slow, or it is itself at fault."""
URGENT_CAP_SECONDS = 30.0
"""An urgent job is not left alone for longer than this, unless its policy says otherwise."""

Function = Callable[..., Awaitable[Any]]
F = TypeVar("F", bound=Function)


class Backoff(msgspec.Struct, frozen=True):
    """Exponential, with jitter over the upper half so that what failed together does not return together."""

    base_seconds: float = 1.0
    cap_seconds: float = 600.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait after this attempt (the first is 1)."""
        ceiling = min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempt - 1, 62))
        return ceiling * random.uniform(0.5, 1.0)


class Kind(msgspec.Struct, frozen=True):
    """A registered job function and its policy."""

    name: str
    function: Function
    lane: Lane = "default"
    timeout_seconds: float = 30.0
    attempts: int = 5
    backoff: Backoff = Backoff()
    patience_seconds: float = PATIENCE_SECONDS
    recurs: bool = False
    """Its next slot makes up for a run that found something away."""


class Done(msgspec.Struct, frozen=True):
    """Nothing is left to do."""


class Retry(msgspec.Struct, frozen=True):
    """Try again after `seconds`; dead instead when the attempts are used. Not `counted`, it uses none."""

    seconds: float
    error: str = "Retry"
    trace: str | None = None
    counted: bool = True


class Cancel(msgspec.Struct, frozen=True):
    """There is no reason for this job any more. `reason` is a static word, never content."""

    reason: str


class Dead(msgspec.Struct, frozen=True):
    """A person has to look."""

    error: str
    trace: str | None = None


class Release(msgspec.Struct, frozen=True):
    """The run was broken off by us and counts for nothing."""


Verdict = Done | Retry | Cancel | Dead | Release

KINDS: dict[str, Kind] = {}
"""Every job function by name, filled by importing the modules that define them."""


def job(
    *,
    lane: Lane = "default",
    timeout_seconds: float = 30.0,
    attempts: int = 5,
    backoff: Backoff | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
    kinds: dict[str, Kind] | None = None,
) -> Callable[[F], F]:
    """Register `async def f(ports, **ids)` under its own name and leave it as it is.

    Raises `ValueError` for a second function of the same name. `kinds` is the registry, the shared one
    unless a test brings its own.
    """
    registry = KINDS if kinds is None else kinds

    def register(function: F) -> F:
        name = function.__name__
        if name in registry:
            raise ValueError(f"two jobs are called {name}")
        registry[name] = Kind(
            name, function, lane, timeout_seconds, attempts, backoff or usual_backoff(lane), patience_seconds
        )
        return function

    return register


def usual_backoff(lane: Lane) -> Backoff:
    return Backoff(cap_seconds=URGENT_CAP_SECONDS) if lane == "urgent" else Backoff()


async def unknown_job(_ports: object, **_ids: str) -> None:
    """Stands in for a function this process does not have: a newer worker may have it."""
    raise LookupError


UNKNOWN = Kind("unknown", unknown_job, attempts=30, backoff=Backoff(base_seconds=2.0, cap_seconds=60.0))


def judge_result(result: object, kind: Kind, attempt: int) -> Verdict:
    """A returned `Retry` or `Cancel` is the verdict; any other result means done."""
    if isinstance(result, Cancel):
        return result
    if isinstance(result, Retry):
        return result if attempt < kind.attempts else Dead(result.error, result.trace)
    return Done()


def judge_error(error: BaseException, kind: Kind, attempt: int, waited_seconds: float) -> Verdict:
    """Again after the back-off while attempts are left and time can help, else dead.

    `waited_seconds` since the job was first due.
    """
    name, trace = error_name(error), frames(error)
    refusal = error if isinstance(error, DomainError) else None
    is_last, is_away = attempt >= kind.attempts, refusal is not None and refusal.temporary
    is_over = is_last and waited_seconds >= patience_of(error, kind)
    if is_away and is_over and kind.recurs:
        return Cancel("away")
    if (refusal and not is_away) or is_over:
        return Dead(name, trace)
    asked = (refusal and refusal.retry_after) or 0.0
    return Retry(max(kind.backoff.delay(attempt), asked), name, trace, counted=not is_last)


def patience_of(error: BaseException, kind: Kind) -> float:
    """Seconds since a job was due, within which this error does not take its last attempt."""
    if isinstance(error, DomainError):
        return kind.patience_seconds
    return min(kind.patience_seconds, SLOW_PATIENCE_SECONDS) if isinstance(error, TimeoutError) else 0.0


def error_name(error: BaseException) -> str:
    """The class, and the code of our own errors. Never the message: it may quote what somebody wrote."""
    name = type(error).__name__
    return f"{name}:{error.code}" if isinstance(error, DomainError) else name


def frames(error: BaseException) -> str:
    """Where it happened: the innermost frames, without the message and without values."""
    return "".join(traceback.format_tb(error.__traceback__))[-TRACE_CHARACTERS_MAX:]


class Progress:
    """How far the current run is; told to operators with the next pulse."""

    def __init__(self) -> None:
        self.done = 0
        self.total = 0
        self.changed = False

    def tell(self, done: int, total: int) -> None:
        self.done, self.total, self.changed = done, total, True


PROGRESS: ContextVar[Progress] = ContextVar("job_progress")


def report_progress(done: int, total: int) -> None:
    """Say from inside a long job how far it is. Costs nothing; does nothing outside of a worker."""
    if progress := PROGRESS.get(None):
        progress.tell(done, total)
