"""What the engine counts is seen by Prometheus."""

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.realtime.conftest import Running, StartPhone


def samples() -> dict[str, float]:
    families = text_string_to_metric_families(generate_latest().decode())
    return {
        sample.name: sample.value for family in families for sample in family.samples if not sample.labels
    }


async def test_connections_and_deliveries_are_exported(server: Running, start_phone: StartPhone) -> None:
    phones = [await start_phone(server) for _ in range(2)]
    await phones[0].ok("post:create", client_id="metric-01", type="victory", content="One whole week today.")
    for phone in phones:
        await phone.received("post:new")
    seen = samples()
    assert seen["sockets_connections"] == 2
    assert seen["sockets_deliveries_total"] >= 2
    assert seen["sockets_slow_consumers_closed_total"] == 0
    assert seen["sockets_buffered_bytes"] >= 0
