"""The trace that what is done here belongs to, carried from an event to the jobs that it owes."""

from contextvars import ContextVar

TRACEPARENT: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""As in W3C Trace Context (https://www.w3.org/TR/trace-context/#traceparent-header); None without a trace.

It is written with a job, so that its run, elsewhere and perhaps days later, is part of the same trace.
"""
