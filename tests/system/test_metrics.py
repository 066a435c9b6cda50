"""Metrics of several processes that serve one port, read from whichever answers."""

import asyncio
import re
import secrets
import signal

import aiohttp
import psutil
from prometheus_client.parser import text_string_to_metric_families

from db.embedded.port import free_port
from demo.cluster import Cluster
from demo.phone import Phone
from telemetry.exposition import exposed, together
from tests.system.conftest import StartPhone

PHONES = 6
PATIENCE_SECONDS = 2.0
DEADLINE_SECONDS = 60.0


async def scraped(port: int) -> dict[tuple[str, str], float]:
    """Samples of one scrape by name and process, summed over their other labels."""
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as answer:
        families = list(text_string_to_metric_families(await answer.text()))
    found: dict[tuple[str, str], float] = {}
    for sample in (sample for family in families for sample in family.samples):
        place = sample.name, sample.labels["process"]
        found[place] = found.get(place, 0.0) + sample.value
    return found


async def scraped_at_last(port: int) -> dict[tuple[str, str], float]:
    """The kernel gives some connections to a process that hangs: those are given up."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    return await scraped(port)
            except TimeoutError:
                continue


async def test_one_scrape_shows_every_process_whoever_answers(
    servers: Cluster, start_phone: StartPhone
) -> None:
    inside = free_port()
    server = await servers.server("--processes", "3", METRICS_PORT=str(inside))
    phones: list[Phone] = [await start_phone(server) for _ in range(PHONES)]
    for port in (server.port, *[inside] * 5):
        found = await scraped(port)
        sockets = [found["sockets_connections", process] for process in ("0", "1", "2")]
        assert sum(sockets) == len(phones)
        assert [found["process_up", process] for process in ("0", "1", "2")] == [1, 1, 1]


async def test_a_process_that_hangs_is_said_to_be_down_and_hides_no_other(servers: Cluster) -> None:
    server = await servers.server("--processes", "2", METRICS_PORT=str(free_port()))
    first = psutil.Process(server.child.pid).children()[0]
    first.send_signal(signal.SIGSTOP)
    try:
        found = await scraped_at_last(server.port)
    finally:
        first.send_signal(signal.SIGCONT)
    assert sorted(found["process_up", process] for process in ("0", "1")) == [0, 1]


def test_texts_come_together_with_each_metric_said_once() -> None:
    text = '# HELP a_total Says "a b"\n# TYPE a_total counter\na_total{x="{ "} 1.0\n'
    text += "# HELP b B\n# TYPE b gauge\nb 2.0\n"
    told = together({0: text, 1: text, 2: None})
    assert re.findall(r"^# TYPE (\w+)", told, re.MULTILINE) == ["a_total", "b", "process_up"]
    assert 'a_total{process="1",x="{ "} 1.0\n' in told
    assert 'b{process="0"} 2.0\nb{process="1"} 2.0\n' in told
    assert told.endswith('process_up{process="0"} 1\nprocess_up{process="1"} 1\nprocess_up{process="2"} 0\n')


async def test_gauges_of_every_process_are_read_by_name() -> None:
    addresses = [f"\0{secrets.token_hex(8)}" for _ in range(3)]
    async with exposed(addresses, 0) as one, exposed(addresses, 1):
        found = await one.values("process_start_time_seconds", "never_heard_of")
    assert len(found) == 2, "the third does not answer"
    assert found[0] == found[1]
    assert found[0]["never_heard_of"] is None
