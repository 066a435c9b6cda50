"""`python -m bench.sockets`: measure the peers against each other and print one JSON line per result."""

import argparse
import json
import os
import sys
from collections.abc import Sequence

from bench.sockets.cases import CASES, PRODUCT_CASES, QUICK_SCALE, Case, ProductCase
from bench.sockets.peer import CLIENT_CORE, COMMANDS, install_node_peer, started_peer
from bench.sockets.product import started_product
from bench.sockets.report import Report


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chosen cases; `--help` lists the choices."""
    options = _parser().parse_args(arguments)
    os.sched_setaffinity(0, {CLIENT_CORE})
    if "node" in options.peers:
        install_node_peer()
    for name in options.case:
        case = (CASES | PRODUCT_CASES)[name]
        for members in options.members or (case.quick_sizes if options.quick else case.sizes):
            if isinstance(case, ProductCase):
                _measure_product(case, members, options)
            else:
                _compare(case, members, options)


def _measure_product(case: ProductCase, members: int, options: argparse.Namespace) -> None:
    """All repetitions against one server: it keeps its data, as a server does."""
    report = Report()
    with started_product() as product:
        for _ in range(1 if options.quick else options.repeat):
            measured = case.measure(product, members, QUICK_SCALE if options.quick else 1.0)
            for line, figures in measured.items():
                report.add(line, members, "ours", figures)
    _print(report)


def _compare(case: Case, members: int, options: argparse.Namespace) -> None:
    """All repetitions of one case at one size. The peers take turns, and another one begins each time."""
    report = Report()
    for repetition in range(1 if options.quick else options.repeat):
        turn = repetition % len(options.peers)
        for kind in options.peers[turn:] + options.peers[:turn]:
            with started_peer(kind) as peer:
                measured = case.measure(peer, members, QUICK_SCALE if options.quick else 1.0)
            for line, figures in measured.items():
                report.add(line, members, kind, figures)
    _print(report)


def _print(report: Report) -> None:
    for result in report.lines():
        print(json.dumps(result), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.sockets", description=sys.modules[__name__].__doc__)
    parser.add_argument(
        "--case", nargs="+", choices=[*CASES, *PRODUCT_CASES], default=[*CASES, *PRODUCT_CASES]
    )
    parser.add_argument("--peers", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--members", nargs="+", type=int, help="instead of the sizes of the case")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small sizes, short, once: at most a minute")
    return parser


if __name__ == "__main__":
    main()
