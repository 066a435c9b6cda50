"""One SOS as one trace through a server and a worker, told to a collector without a word of what was said."""

import sys
from collections.abc import AsyncIterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from db.embedded.port import free_port
from demo.cluster import Cluster
from domain.ids import derived_id
from domain.settings import SettingsError, load_settings
from domain.trace import TRACEPARENT
from telemetry.tracing import is_on, recording, span, tracing
from tests.store_lines import store_lines
from tests.system.collector import Collector, collecting
from tests.system.conftest import StartPhone

SAMPLED = 0x01
"""A flag of W3C Trace Context."""
SOS = {"client_id": "a-traced-sos", "type": "sos", "content": "canary-content: about to drink"}


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as collector:
        yield collector


async def test_an_sos_is_one_trace_across_server_and_worker(
    servers: Cluster, start_phone: StartPhone, collector: Collector
) -> None:
    servers.settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
    server = await servers.server()
    await servers.worker()
    author = await start_phone(server, handle="canary-handle")
    post = (await author.send("post:create", **SOS))["post"]
    jobs = {"scan_post", "record_activity"}
    await collector.until(lambda spans: {"post:create", *jobs} <= {span.name for span in spans})
    (event,) = collector.named("post:create")
    assert (event.service, event.parent) == ("anonymous-support-server", "")
    assert event.values == {"account_id": author.account["id"], "outcome": "ok"}
    for name in jobs:
        (job,) = collector.named(name)
        assert (job.service, job.trace, job.parent) == ("anonymous-support-worker", event.trace, event.id)
    assert collector.named("scan_post")[0].values == {
        "job.id": f"scan_post:{post['id']}",
        "job.lane": "urgent",
        "job.attempt": 1,
        "job.verdict": "done",
    }


async def test_what_the_relay_tells_is_part_of_the_trace_of_its_post(
    servers: Cluster,
    start_phone: StartPhone,
    collector: Collector,
    postgres_url: str,
    mongodb_uri: str,
    redis_url: str,
) -> None:
    """The server loses Redis before the post: it stores and answers, and leaves the telling to the relay."""
    stores = {"POSTGRES_URL": postgres_url, "MONGODB_URI": mongodb_uri, "REDIS_URL": redis_url}
    servers.settings.update(stores, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    async with store_lines(redis_url) as (redis,):
        server = await servers.server(REDIS_URL=redis.url)
        author = await start_phone(server, handle="canary-handle")
        redis.cut()
        post = (await author.send("post:create", **SOS))["post"]
        await servers.worker()
        await collector.until(lambda spans: {"post:create", "tell post:new"} <= {span.name for span in spans})
    (event,), (told,) = collector.named("post:create"), collector.named("tell post:new")
    assert (told.service, told.trace, told.parent) == ("anonymous-support-worker", event.trace, event.id)
    assert (told.values, told.failed) == ({"event.id": derived_id("post:new", post["id"])}, False)
    assert b"canary" not in collector.raw.lower()


async def test_requests_and_refusals_are_spans_and_a_socket_is_none(
    servers: Cluster, start_phone: StartPhone, collector: Collector
) -> None:
    server = await servers.server(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    phone = await start_phone(server, handle="canary-handle")
    await phone.client.call("canary-event", {"canary": 1})
    await phone.client.call("post:create", {"content": "canary-content"})
    await phone.rest("GET", "/v1/feed?category=canary_category")
    await phone.http.get(f"{server.url}/canary-path?canary=query")
    await collector.until(lambda spans: "GET unmatched" in {span.name for span in spans})
    outcomes = {span.name: span.values.get("outcome") for span in collector.spans}
    assert outcomes["unknown"] == outcomes["post:create"] == "invalid"
    (feed,) = collector.named("GET /v1/feed")
    assert feed.values["http.response.status_code"] == 200
    assert feed.values["http.route"] == "/v1/feed"
    assert not [span.name for span in collector.spans if "socket.io" in span.name]
    assert not any(span.failed for span in collector.spans)


async def test_traces_tell_nothing_of_what_was_said_or_by_whom(
    servers: Cluster, start_phone: StartPhone, collector: Collector
) -> None:
    servers.settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
    server = await servers.server()
    await servers.worker()
    author, helper = await start_phone(server, handle="canary-handle"), await start_phone(server)
    body = {"email": "canary@canary.example", "password": "canary-password"}
    await author.rest("POST", "/v1/auth/register/email", body)
    post = (await author.send("post:create", **SOS))["post"]
    answer = {"client_id": "a-traced-answer", "type": "text", "content": "canary-answer"}
    await helper.send("support:respond", post_id=post["id"], **answer)
    await collector.until(lambda spans: "notify" in {span.name for span in spans})
    said = collector.raw.lower()
    secrets = [phone.tokens[name] for phone in (author, helper) for name in ("access_token", "refresh_token")]
    for word in ("canary", "127.0.0.1", "about to drink", *secrets):
        assert word.lower().encode() not in said


async def test_a_collector_that_is_away_is_not_missed(servers: Cluster, start_phone: StartPhone) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    server = await servers.server(OTEL_EXPORTER_OTLP_ENDPOINT=nobody)
    phone = await start_phone(server)
    assert (await phone.send("post:create", **SOS))["post"]["type"] == "sos"
    assert await server.stop() == 0


def test_nothing_is_traced_without_a_collector() -> None:
    with tracing(load_settings(None), "server"):
        assert not is_on()
        assert TRACEPARENT.get() is None


def test_an_endpoint_without_the_packages_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    settings = load_settings(None, otel_exporter_otlp_endpoint="http://127.0.0.1:4318")
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_ENDPOINT"), tracing(settings, "server"):
        pass


def test_what_fails_says_its_class_and_not_its_message() -> None:
    spans = InMemorySpanExporter()
    with (
        recording(SimpleSpanProcessor(spans), "test"),
        pytest.raises(ValueError, match="canary"),
        span("scan_post", "consumer"),
    ):
        raise ValueError("canary-message")
    (told,) = spans.get_finished_spans()
    assert told.attributes == {"error.type": "ValueError"}
    assert not told.status.is_ok
    assert "canary" not in told.to_json()


def test_a_trace_goes_on_where_its_job_says_and_is_left_afterwards() -> None:
    spans = InMemorySpanExporter()
    with recording(SimpleSpanProcessor(spans), "test"):
        with span("post:create", "server"):
            carried = TRACEPARENT.get()
        assert TRACEPARENT.get() is None
        with span("scan_post", "consumer", parent=carried):
            pass
        with span("another", "server"):
            pass
    first, job, another = (told.get_span_context().trace_id for told in spans.get_finished_spans())
    assert first == job != another


def test_of_traces_that_are_not_sampled_nothing_is_told() -> None:
    spans = InMemorySpanExporter()
    with recording(SimpleSpanProcessor(spans), "test", share=0.0):
        with span("post:create", "server"):
            carried = TRACEPARENT.get()
        with span("scan_post", "consumer", parent=carried):
            pass
    assert carried is not None
    assert not int(carried[-2:], 16) & SAMPLED
    assert spans.get_finished_spans() == ()
