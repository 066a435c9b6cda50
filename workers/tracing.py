"""Attempts as spans, each part of the trace of what owed its job."""

from telemetry.tracing import span
from workers.job import Dead, Retry, Verdict
from workers.run import Run, perform


async def traced(run: Run, ports: object) -> Verdict:
    """As `perform`."""
    job = run.claim.job
    with span(run.kind.name, "consumer", parent=job.traceparent, job__id=run.claim.id) as told:
        told.note(job__lane=job.lane, job__attempt=run.claim.attempt)
        verdict = await perform(run, ports)
        told.note(job__verdict=type(verdict).__name__.lower())
        if isinstance(verdict, Retry | Dead):
            told.fail(verdict.error)
        return verdict
