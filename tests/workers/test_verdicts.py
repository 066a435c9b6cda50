"""How runs end: done, later, cancelled, dead."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from domain.errors import Invalid, Unavailable
from tests.workers.conftest import Bench
from workers.job import (
    PATIENCE_SECONDS,
    SLOW_PATIENCE_SECONDS,
    Backoff,
    Cancel,
    Kind,
    Retry,
    job,
    report_progress,
)

SOON = Backoff(base_seconds=0.02, cap_seconds=0.05)


async def test_a_job_that_returns_is_done(bench: Bench) -> None:
    async def greet(ports: Bench, post_id: str) -> None:
        ports.call(post_id)

    bench.job(greet)
    await bench.work()
    await bench.enqueue("greet", "greet:7", args={"post_id": "7"})
    row = await bench.finished("greet:7")
    assert bench.calls == ["7"]
    assert (row.state, row.attempts, row.error) == ("done", 1, None)
    assert row.wait_seconds is not None
    assert row.run_seconds is not None
    await bench.until_settled()


async def test_an_exception_is_retried_until_it_works(bench: Bench) -> None:
    async def flaky(ports: Bench) -> None:
        if ports.call("flaky") < 3:
            raise ConnectionError("secret canary text")

    bench.job(flaky, backoff=SOON)
    await bench.work()
    await bench.enqueue("flaky")
    row = await bench.finished("flaky:1")
    assert (row.state, row.attempts) == ("done", 3)


async def test_used_attempts_make_a_dead_letter_without_the_message(bench: Bench) -> None:
    async def broken(ports: Bench, post_id: str) -> None:
        ports.call("broken")
        raise ValueError(post_id * 3)

    bench.job(broken, attempts=2, backoff=SOON)
    await bench.work()
    await bench.enqueue("broken", args={"post_id": "p1"})
    row = await bench.finished("broken:1")
    assert row.error == "ValueError"
    assert (row.state, row.attempts, row.args) == ("dead", 2, {"post_id": "p1"})
    assert row.trace is not None
    assert "in broken" in row.trace
    assert "p1p1p1" not in row.trace + row.error
    assert bench.calls == ["broken", "broken"]
    await bench.until_settled()


async def test_a_job_that_takes_too_long_is_tried_again(bench: Bench) -> None:
    async def slow(ports: Bench) -> None:
        if ports.call("slow") == 1:
            await ports.open_gate.wait()

    bench.job(slow, timeout_seconds=0.05, backoff=SOON)
    await bench.work()
    await bench.enqueue("slow")
    row = await bench.finished("slow:1")
    assert (row.state, row.attempts) == ("done", 2)


async def test_a_permanent_refusal_is_dead_at_once(bench: Bench) -> None:
    async def refused(ports: Bench) -> None:
        ports.call("refused")
        raise Invalid("private words")

    bench.job(refused, backoff=SOON)
    await bench.work()
    await bench.enqueue("refused")
    row = await bench.finished("refused:1")
    assert (row.state, row.attempts, row.error) == ("dead", 1, "Invalid:invalid")


async def test_a_temporary_refusal_is_retried(bench: Bench) -> None:
    async def waiting(ports: Bench) -> None:
        if ports.call("waiting") == 1:
            raise Unavailable

    bench.job(waiting, backoff=SOON)
    await bench.work()
    await bench.enqueue("waiting")
    assert (await bench.finished("waiting:1")).attempts == 2


async def test_what_is_away_takes_nobodys_last_attempt(bench: Bench) -> None:
    """A store that is away for ten minutes must not leave dead letters of jobs that nothing is wrong with."""

    async def waiting(ports: Bench) -> None:
        if ports.call("waiting") < 6:
            raise Unavailable

    bench.job(waiting, attempts=2, backoff=SOON)
    await bench.work()
    await bench.enqueue("waiting")
    row = await bench.finished("waiting:1")
    assert (row.state, row.attempts, len(bench.calls)) == ("done", 2, 6)


async def test_an_error_after_an_outage_is_an_error_like_any_other(bench: Bench) -> None:
    async def waiting(ports: Bench) -> None:
        raise Unavailable if ports.call("waiting") < 4 else ValueError

    bench.job(waiting, attempts=2, backoff=SOON)
    await bench.work()
    await bench.enqueue("waiting")
    row = await bench.finished("waiting:1")
    assert (row.state, row.error, len(bench.calls)) == ("dead", "ValueError", 4)


async def test_what_is_slow_takes_nobodys_last_attempt(bench: Bench) -> None:
    """A store that answers, and so late that no run has time enough."""

    async def slow(ports: Bench) -> None:
        if ports.call("slow") < 6:
            await ports.open_gate.wait()

    bench.job(slow, attempts=2, timeout_seconds=0.05, backoff=SOON)
    await bench.work()
    await bench.enqueue("slow")
    row = await bench.finished("slow:1")
    assert (row.state, row.attempts, len(bench.calls)) == ("done", 2, 6)


async def test_what_is_out_of_time_for_an_hour_is_dead(bench: Bench) -> None:
    async def slow(ports: Bench) -> None:
        ports.call("slow")
        await ports.open_gate.wait()

    bench.job(slow, attempts=2, timeout_seconds=0.05, backoff=SOON)
    await bench.enqueue("slow", run_at=datetime.now(UTC) - timedelta(seconds=SLOW_PATIENCE_SECONDS))
    await bench.work()
    row = await bench.finished("slow:1")
    assert (row.state, row.error, len(bench.calls)) == ("dead", "TimeoutError", 2)


async def test_patience_ends_a_day_after_a_job_was_due(bench: Bench) -> None:
    async def waiting(ports: Bench) -> None:
        ports.call("waiting")
        raise Unavailable

    bench.job(waiting, attempts=2, backoff=SOON)
    await bench.enqueue("waiting", run_at=datetime.now(UTC) - timedelta(seconds=PATIENCE_SECONDS))
    await bench.work()
    row = await bench.finished("waiting:1")
    assert (row.state, row.error, len(bench.calls)) == ("dead", "Unavailable:unavailable", 2)


async def test_retry_and_cancel_can_be_returned(bench: Bench) -> None:
    async def undecided(ports: Bench) -> Retry | Cancel:
        return Retry(0.01) if ports.call("undecided") == 1 else Cancel("post_removed")

    bench.job(undecided)
    await bench.work()
    await bench.enqueue("undecided")
    row = await bench.finished("undecided:1")
    assert (row.state, row.error, row.attempts) == ("cancelled", "post_removed", 2)


async def test_a_job_that_cancels_itself_is_an_error_like_any_other(bench: Bench) -> None:
    async def quitter(ports: Bench) -> None:
        if ports.call("quitter") == 1:
            raise asyncio.CancelledError

    bench.job(quitter, backoff=SOON)
    await bench.work()
    await bench.enqueue("quitter")
    row = await bench.finished("quitter:1")
    assert (row.state, row.attempts) == ("done", 2)


async def test_an_unknown_job_waits_for_a_worker_that_knows_it(bench: Bench) -> None:
    await bench.work()
    await bench.enqueue("newer")

    async def tried() -> bool:
        return (await bench.row("newer:1")).error == "LookupError"

    await bench.until(tried)
    assert (await bench.row("newer:1")).state == "queued"


async def test_every_verdict_is_counted(bench: Bench) -> None:
    async def counted(ports: Bench) -> None:
        if ports.call("counted") == 1:
            raise ValueError

    def count(verdict: str) -> float:
        labels = {"name": "counted", "lane": "bulk", "verdict": verdict}
        return REGISTRY.get_sample_value("jobs_total", labels) or 0.0

    bench.job(counted, backoff=SOON)
    await bench.work()
    await bench.enqueue("counted", lane="bulk")
    await bench.finished("counted:1")
    assert (count("retry"), count("done")) == (1, 1)


def test_the_backoff_doubles_up_to_its_cap_and_spreads() -> None:
    backoff = Backoff(base_seconds=1, cap_seconds=60)
    for attempt, ceiling in ((1, 1), (2, 2), (5, 16), (9, 60), (5_000, 60)):
        delays = {backoff.delay(attempt) for _ in range(50)}
        assert len(delays) > 1
        assert all(ceiling / 2 <= delay <= ceiling for delay in delays)


def test_a_name_is_registered_once() -> None:
    async def same(ports: object) -> None: ...

    kinds: dict[str, Kind] = {}
    job(kinds=kinds)(same)
    with pytest.raises(ValueError, match="two jobs are called same"):
        job(kinds=kinds)(same)


async def test_progress_reaches_the_row_while_the_job_runs(bench: Bench) -> None:
    async def long(ports: Bench) -> None:
        report_progress(3, 10)
        await ports.open_gate.wait()

    bench.job(long)
    await bench.work()
    await bench.enqueue("long")

    async def told() -> bool:
        row = await bench.row("long:1")
        return (row.state, row.progress_done, row.progress_total) == ("started", 3, 10)

    await bench.until(told)  # the start and the progress are written by two loops, in either order

    async def shown() -> bool:
        (beat,) = await bench.queue.workers()
        return [run["done"] for run in beat["busy"]] == [3]  # type: ignore[attr-defined]

    await bench.until(shown)
