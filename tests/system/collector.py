"""A collector of traces for tests: takes spans as OTLP over HTTP, and keeps the bytes that came."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

DEADLINE_SECONDS = 60.0


class Told(NamedTuple):
    """A span that came. `parent` is empty for the first of a trace."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    values: dict[str, str | int]
    failed: bool


class Collector:
    def __init__(self) -> None:
        self.url = ""
        self.raw = b""
        self.spans: list[Told] = []
        self._news = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.raw += body
        asked = ExportTraceServiceRequest.FromString(body)
        self.spans += [told for resource in asked.resource_spans for told in spans_of(resource)]
        self._news.set()
        return web.Response(body=b"", content_type="application/x-protobuf")

    async def until(self, condition: Callable[[Sequence[Told]], bool]) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition(self.spans):
                self._news.clear()
                await self._news.wait()

    def named(self, name: str) -> list[Told]:
        return [span for span in self.spans if span.name == name]


def spans_of(resource: Any) -> list[Told]:
    service = str(values_of(resource.resource)["service.name"])
    return [told_of(service, span) for scope in resource.scope_spans for span in scope.spans]


def told_of(service: str, span: Any) -> Told:
    trace, id, parent = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
    return Told(service, span.name, trace, id, parent, values_of(span), span.status.code == 2)


def values_of(holder: Any) -> dict[str, str | int]:
    return {one.key: one.value.string_value or one.value.int_value for one in holder.attributes}


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    collector, app = Collector(), web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield collector
    finally:
        await runner.cleanup()
