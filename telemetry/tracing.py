"""Traces: what an event or a request set off, on servers and in workers, for an OpenTelemetry collector.

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` names one. A span carries names of ours, ids, times and outcomes;
never content, a token, an address, the query of a URL, or what an exception says. A trace begins here: what
a client claims to belong to is not believed.

The packages of the extra `tracing` are imported when tracing is started, and not before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from domain.settings import Settings, SettingsError
from domain.trace import TRACEPARENT

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.trace import Span, Tracer

Kind = Literal["server", "consumer"]
"""Asked by somebody who waits, or taken from a queue."""

EXPORT_EVERY_SECONDS = 2.0
EXPORT_TIMEOUT_SECONDS = 3.0
SPANS_WAITING_MAX = 2_048
"""More are dropped: a collector that is away costs no memory."""
SPANS_PER_EXPORT = 512
NAME = "anonymous-support"


class Traced:
    """A span while it lasts."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def note(self, **values: str | int) -> None:
        """Adds attributes; `__` in a name stands for a dot."""
        self._span.set_attributes({dotted(name): value for name, value in values.items()})

    def fail(self, error: str) -> None:
        """Says that it went wrong; `error` is a code or the name of a class, never a message."""
        from opentelemetry.trace import StatusCode

        self._span.set_status(StatusCode.ERROR)
        self._span.set_attribute("error.type", error)


_tracer: Tracer | None = None


def is_on() -> bool:
    return _tracer is not None


@contextmanager
def span(name: str, kind: Kind, *, parent: str | None = None, **values: str | int) -> Iterator[Traced]:
    """A span of the trace that `parent` (a `traceparent`) or what is under way belongs to, else of a new one.

    Only while tracing is on. `values` as in `Traced.note`.
    """
    from opentelemetry import trace

    assert _tracer is not None  # noqa: S101  (callers ask `is_on` first)
    attributes = {dotted(key): value for key, value in values.items()}
    with _tracer.start_as_current_span(
        name,
        context_of(parent),
        trace.SpanKind[kind.upper()],
        attributes,
        record_exception=False,  # its message may quote what somebody wrote
        set_status_on_exception=False,
    ) as started:
        token = TRACEPARENT.set(traceparent_of(started))
        try:
            yield Traced(started)
        except BaseException as error:
            Traced(started).fail(type(error).__name__)
            raise
        finally:
            TRACEPARENT.reset(token)


@contextmanager
def tracing(settings: Settings, process: str) -> Iterator[None]:
    """Exports the spans of this process while the block runs, and what is left of them at its end.

    Raises `SettingsError` when there is an endpoint but not the packages that speak to it.
    """
    endpoint = settings.otel_exporter_otlp_endpoint
    if not endpoint:
        yield
        return
    with recording(exporter_to(endpoint), process, share=settings.traces_sampled_share):
        yield


@contextmanager
def recording(processor: SpanProcessor, process: str, *, share: float = 1.0) -> Iterator[None]:
    """Gives the spans of `share` of all traces to `processor` while the block runs."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    global _tracer
    resource = Resource.create({"service.namespace": NAME, "service.name": f"{NAME}-{process}"})
    provider = TracerProvider(sampler=sampler_of(share), resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    _tracer = provider.get_tracer(NAME)
    try:
        yield
    finally:
        _tracer = None
        provider.shutdown()


def exporter_to(endpoint: str) -> SpanProcessor:
    """Sends batches from a thread of its own, as protobuf over HTTP to `<endpoint>/v1/traces`."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT: needs the packages of the extra: pip install '.[tracing]'"
        ) from None
    return BatchSpanProcessor(
        OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_TIMEOUT_SECONDS),
        max_queue_size=SPANS_WAITING_MAX,
        schedule_delay_millis=EXPORT_EVERY_SECONDS * 1000,
        max_export_batch_size=SPANS_PER_EXPORT,
        export_timeout_millis=EXPORT_TIMEOUT_SECONDS * 1000,
    )


def sampler_of(share: float) -> Sampler:
    """Whether a trace is kept is decided where it begins; who joins it follows."""
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

    return ParentBasedTraceIdRatio(share)


def context_of(parent: str | None) -> Context | None:
    """None for what is under way."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return None if parent is None else TraceContextTextMapPropagator().extract({"traceparent": parent})


def traceparent_of(span: Span) -> str:
    made = span.get_span_context()
    return f"00-{made.trace_id:032x}-{made.span_id:016x}-{made.trace_flags:02x}"


def dotted(name: str) -> str:
    return name.replace("__", ".")
