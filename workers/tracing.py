"""Attempts of jobs and late tellings of events as spans, each part of the trace of what owed it."""

from domain.events import Event, tell
from domain.ports import Ports
from telemetry.tracing import is_on, span
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


async def tell_traced(event: Event, ports: Ports) -> None:
    """As `domain.events.tell`; what belongs to no trace begins none."""
    if not is_on() or event.traceparent is None:
        await tell(event, ports)
        return
    with span(f"tell {event.name}", "consumer", parent=event.traceparent, event__id=event.id):
        await tell(event, ports)
