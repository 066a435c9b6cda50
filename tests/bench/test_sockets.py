import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.peers.workload import ACK_FRAME, FRAME_BYTES, STAMP_DIGITS, STAMP_OFFSET, announcement
from bench.sockets import wire
from bench.sockets.crowd import opened_crowd
from bench.sockets.latency import percentiles
from bench.sockets.load import Load
from bench.sockets.peer import started_peer
from bench.sockets.report import Report
from bench.sockets.table import tables

ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "bench.sockets", "--quick", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_quick_fan_out_prints_a_line_for_each_way_of_emitting() -> None:
    lines = bench("--case", "fanout", "--peers", "stock", "--members", "10")
    assert [line["case"] for line in lines] == ["fanout", "fanout_batch", "fanout_paced"]
    for line in lines:
        assert (line["peer"], line["members"]) == ("stock", 10)
        assert {"deliveries_per_s", "cpu_us_per_delivery", "p50_ms", "p99_ms", "binding"} <= line.keys()


def test_every_python_peer_answers_the_same_events_with_the_same_bytes() -> None:
    lines = bench("--case", "inbound", "--peers", "ours", "stock", "bound", "--members", "5")
    assert {(line["case"], line["peer"]) for line in lines} == {
        (case, peer) for case in ("inbound", "inbound_paced") for peer in ("ours", "stock", "bound")
    }
    assert all("ratio_to_stock" in line for line in lines if line["peer"] != "stock")


@pytest.mark.parametrize("kind", ["ours", "stock", "bound"])
def test_a_delivery_has_the_agreed_size_and_carries_its_time(kind: str) -> None:
    with started_peer(kind) as peer, opened_crowd(peer.port) as crowd:
        crowd.join(3, rooms=("feed",))
        assert peer.stats().connections == 3
        reception = crowd.receive(lambda: peer.emit("feed", 2), 6)
        assert len(reception.latencies_ns) == 6
        assert all(latency > 0 for latency in reception.latencies_ns)
        assert all(member.tail == b"" for member in crowd.members.values())


@pytest.mark.parametrize("kind", ["ours", "stock"])
def test_who_is_not_in_the_room_gets_nothing(kind: str) -> None:
    with started_peer(kind) as peer, opened_crowd(peer.port) as crowd:
        crowd.join(1, rooms=("elsewhere",))
        crowd.join(1, rooms=("feed",))
        crowd.receive(lambda: peer.emit("feed", 1), 1)
        peer.quiet_stats()
        assert crowd.readable(time.monotonic() + 1, 0) == []


def test_the_workload_fills_a_frame_of_the_agreed_size() -> None:
    packet = b'42["post:new",' + json.dumps(announcement(), separators=(",", ":")).encode() + b"]"
    frame = b"\x81\x7e" + len(packet).to_bytes(2, "big") + packet
    assert len(frame) == FRAME_BYTES
    assert int(frame[STAMP_OFFSET : STAMP_OFFSET + STAMP_DIGITS]) > 0


def test_frames_are_split_wherever_the_stream_is_cut() -> None:
    long = b"x" * 300
    stream = ACK_FRAME + b"\x81\x7e" + len(long).to_bytes(2, "big") + long + b"\x81\x012"
    for cut in range(len(stream) + 1):
        first, rest = wire.split_frames(stream[:cut], bytes)
        then, rest = wire.split_frames(rest + stream[cut:], bytes)
        assert first + then == [ACK_FRAME[2:], long, b"2"]
        assert rest == b""


def test_percentiles_are_in_milliseconds() -> None:
    assert percentiles([2_000_000] * 99 + [50_000_000]) == {
        "p50_ms": pytest.approx(2, rel=0.01),
        "p99_ms": pytest.approx(2, rel=0.01),
    }
    assert percentiles([]) == {}


@pytest.mark.parametrize(
    ("server", "client", "binding"), [(0.9, 0.5, "server"), (0.9, 0.95, "client"), (0.5, 0.4, "neither")]
)
def test_the_fuller_core_is_what_binds(server: float, client: float, binding: str) -> None:
    assert Load(10, 1.0, server, 0.1, client).binding() == binding


def test_a_ratio_above_one_says_that_this_peer_is_better() -> None:
    report = Report()
    for ours, stock in ((2.0, 20.0), (4.0, 20.0), (2.5, 20.0)):
        report.add("fanout", 10, "ours", {"cpu_us_per_delivery": ours, "deliveries_per_s": 1e6 / ours})
        report.add("fanout", 10, "stock", {"cpu_us_per_delivery": stock, "deliveries_per_s": 1e6 / stock})
    mine, theirs = report.lines()
    assert (mine["cpu_us_per_delivery"], mine["ratio_to_stock"]) == (2.5, 8.0)
    assert mine["rate_ratio_to_stock"] == 8.0
    assert theirs["cpu_us_per_delivery"] == 20.0


def test_the_table_has_a_row_for_each_case_and_size() -> None:
    lines: list[dict[str, object]] = [
        {
            "case": "fanout",
            "members": 2000,
            "peer": "ours",
            "cpu_us_per_delivery": 4.25,
            "ratio_to_stock": 8.0,
        },
        {"case": "fanout", "members": 2000, "peer": "stock", "cpu_us_per_delivery": 34.0},
    ]
    row = list(tables(lines))[-1]
    assert row == "| `fanout` | 2,000 | 4.25 | 34 | – | – | 8 | – | – | – · – · – · – | – · – · – · – |"
