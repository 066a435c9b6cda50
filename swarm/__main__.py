"""`python -m swarm`: a crowd of sockets against servers of its own, or against yours. Prints one JSON line.

Exits with 1 when something acknowledged was not heard by everybody.
"""

import argparse
import asyncio
import ipaddress
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from demo.cluster import cluster
from swarm.crowd import Crowd, milliseconds

SOCKETS_MAX, SECONDS_MAX = 5_000, 600
PERCENTILES = (50.0, 99.0)
OWN_LIMITS = {
    "REGISTRATIONS_PER_HOUR": "1000000",
    "POSTS_PER_HOUR": "1000000",
    "LOG_LEVEL": "warning",
    "SERVER_ENV": "test",
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m swarm", description=__doc__)
    parser.add_argument(
        "--url", action="append", help="a running server (repeat for several); none: own ones"
    )
    parser.add_argument("--sockets", type=bounded(SOCKETS_MAX), default=200)
    parser.add_argument("--seconds", type=bounded(SECONDS_MAX), default=15)
    parser.add_argument("--posts-per-second", type=float, default=5.0)
    parser.add_argument("--target-is-mine", action="store_true", help="allow a server on another machine")
    return parser.parse_args()


def bounded(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(f"1 to {most}")
        return value

    return number


def check_target(url: str, *, mine: bool) -> None:
    """A crowd is sent to this machine only, unless its owner says otherwise."""
    host = urlsplit(url).hostname or ""
    local = host == "localhost" or (
        host.replace(".", "").isdigit() and ipaddress.ip_address(host).is_loopback
    )
    if not (local or host == "::1" or mine):
        raise SystemExit(f"{host} is another machine: add --target-is-mine if you may load it")


async def swarm(urls: list[str], asked: argparse.Namespace) -> int:
    crowd = Crowd(urls, asked.sockets)
    async with aiohttp.ClientSession() as http:
        await crowd.connect(http)
        await crowd.post(asked.seconds, asked.posts_per_second)
        lost = await crowd.settle()
        await crowd.leave()
    tally = crowd.tally
    report = {
        "sockets": asked.sockets,
        "servers": len(urls),
        "acknowledged": len(tally.acknowledged),
        "refused": dict(tally.refused),
        "heard": tally.heard,
        "lost": lost,
        "twice": tally.twice,
        "ack": milliseconds(tally.acks, PERCENTILES),
        "delivery": milliseconds(tally.deliveries, PERCENTILES),
    }
    sys.stdout.write(json.dumps(report) + "\n")
    return 1 if lost else 0


async def main() -> int:
    asked = arguments()
    if asked.url:
        for url in asked.url:
            check_target(url, mine=asked.target_is_mine)
        return await swarm(asked.url, asked)
    with tempfile.TemporaryDirectory(prefix="anonymous-support-swarm-") as folder:
        async with cluster(Path(folder), **OWN_LIMITS) as servers:
            first, second, _ = await asyncio.gather(servers.server(), servers.server(), servers.worker())
            return await swarm([first.url, second.url], asked)


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
