"""The trace that what is done here belongs to, carried to what is owed by it: jobs, and events to be told."""

from contextvars import ContextVar

TRACEPARENT: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""As in W3C Trace Context (https://www.w3.org/TR/trace-context/#traceparent-header); None without a trace.

It is written with a job and with an event of the outbox, so that the run of the one and the telling of the
other, elsewhere and perhaps days later, are part of the same trace.
"""
