"""`python -m bench.sockets.table run.jsonl`: a run as the Markdown tables of docs/benchmarks.md."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.sockets.cases import PRIMARY
from bench.sockets.peer import COMMANDS
from bench.sockets.report import REFERENCES

Line = dict[str, Any]
HEAD = ("case", "members", *COMMANDS, *(f"× {reference}" for reference in REFERENCES), "p50 ms", "p99 ms")


def tables(lines: Iterable[Line]) -> Iterator[str]:
    """One table for each primary figure; p50 and p99 name the peers in the order of the columns."""
    by_figure: dict[str, dict[tuple[str, int], dict[str, Line]]] = {}
    for line in lines:
        rows = by_figure.setdefault(PRIMARY[line["case"]], {})
        rows.setdefault((line["case"], line["members"]), {})[line["peer"]] = line
    for figure, rows in by_figure.items():
        yield f"\n`{figure}`\n"
        yield _row(HEAD)
        yield _row("---" for _ in HEAD)
        for (case, members), peers in rows.items():
            yield _row((f"`{case}`", f"{members:,}", *_cells(peers, figure)))


def _cells(peers: dict[str, Line], figure: str) -> Iterator[str]:
    for peer in COMMANDS:
        yield _shown(peers.get(peer, {}).get(figure))
    for reference in REFERENCES:
        yield _shown(peers.get("ours", {}).get(f"ratio_to_{reference}"))
    for percentile in ("p50_ms", "p99_ms"):
        yield " · ".join(_shown(peers.get(peer, {}).get(percentile)) for peer in COMMANDS)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    for text in tables(json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()):
        print(text)
