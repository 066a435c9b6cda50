"""One SOS as one trace through a server and a worker, told to a collector without a word of what was said."""

from collections.abc import AsyncIterator

import pytest

from demo.cluster import Cluster
from tests.system.collector import Collector, collecting
from tests.system.conftest import StartPhone

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
