"""One SOS between phones: `python -m demo`. Prints each step and its latency; fails when a step fails."""

import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from demo.cluster import Cluster, NotReadyError, Process, cluster
from demo.phone import Phone, RefusedError

T = TypeVar("T")


def tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def step(text: str, work: Awaitable[T]) -> T:
    """Waits for `work` and prints how long it took."""
    started = time.perf_counter()
    result = await work
    tell(f"  ✓ {(time.perf_counter() - started) * 1000:7.1f} ms  {text}")
    return result


def expect(truth: object, text: str) -> None:
    if not truth:
        raise AssertionError(text)


async def story(first: Process, second: Process, http: aiohttp.ClientSession) -> None:
    """Anna and Carla are on the first server, Ben is on the second."""
    homes = (("Anna", first), ("Carla", first), ("Ben", second))
    anna, carla, ben = (Phone(http, server.url, name) for name, server in homes)
    tell("\nThree people, no names")
    for phone in (anna, carla, ben):
        await step(f"{phone.name} registers", phone.register(country="DE"))
        ready = await step(f"{phone.name} connects", phone.connect())
        expect("feed" in ready["rooms"], "everybody hears the feed")
    post = await sos(anna, carla, ben)
    await answers(anna, ben, post)
    await history(anna, ben, post)
    await resume(anna, ben, second)
    await survive(anna, ben, first, second)
    await asyncio.gather(anna.disconnect(), carla.disconnect(), ben.disconnect())


async def sos(anna: Phone, carla: Phone, ben: Phone) -> dict[str, Any]:
    tell("\nAnna is thirty days sober and about to drink")
    created = await step(
        "Anna sends an SOS; it is stored before the ack",
        anna.send(
            "post:create", client_id="demo-sos-1", type="sos", content="Day 30 and I am about to drink."
        ),
    )
    post: dict[str, Any] = created["post"]
    numbers = ", ".join(created["crisis"]["emergency"])
    expect(numbers, "the ack of an SOS carries help")
    tell(f"               the ack carries help for DE: {numbers}")
    here = lambda told: told["data"]["post"]["id"] == post["id"]  # noqa: E731
    heard = [
        await step(f"{phone.name} hears it", phone.received("post:new", here)) for phone in (carla, ben, anna)
    ]
    expect(heard[0] == heard[1] == heard[2], "the same event, the same seq, on both servers")
    again = await step(
        "Anna's phone retries; it is the same post",
        anna.send(
            "post:create", client_id="demo-sos-1", type="sos", content="Day 30 and I am about to drink."
        ),
    )
    expect(again["post"]["id"] == post["id"], "a retry returns the original")
    return post


async def answers(anna: Phone, ben: Phone, post: dict[str, Any]) -> None:
    tell("\nBen, on the other server, answers")
    await step("Ben taps stay_strong", ben.send("support:quick", post_id=post["id"], kind="stay_strong"))
    told = await step("Anna sees it", anna.received("support:changed"))
    expect(told["data"]["counts"] == {"stay_strong": 1}, "one tap is one tap")
    await step(
        "Ben writes back",
        ben.send(
            "support:respond",
            client_id="demo-response-1",
            post_id=post["id"],
            type="text",
            content="I am here. Put the kettle on and tell me about day 29.",
        ),
    )
    await step("Anna reads it", anna.received("response:new"))
    balance = await step(
        "Ben gets strength points (1 + 3) from the worker",
        ben.received("points:changed", lambda told: told["data"]["balance"] == 4),
    )
    expect(balance["room"] == f"user:{ben.account['id']}", "points are told to their owner alone")
    await step("Anna gets a notification", anna.received("notification:new"))


async def history(anna: Phone, ben: Phone, post: dict[str, Any]) -> None:
    tell("\nREST tells the same")
    mine = await step("Anna's history", anna.rest("GET", "/v1/me/history"))
    expect([item["id"] for item in mine["items"]] == [post["id"]], "the history holds the post")
    thread = await step("the responses", ben.rest("GET", f"/v1/posts/{post['id']}/responses"))
    expect(len(thread["items"]) == 1, "the thread holds one response")
    me = await step("Ben's account", ben.rest("GET", "/v1/me"))
    expect(me["strength_points"] == 4, "the balance is the sum of the ledger")


async def resume(anna: Phone, ben: Phone, second: Process) -> None:
    tell("\nBen loses the network")
    await ben.disconnect()
    await missed(anna, ben, second.url, "Still here")


async def survive(anna: Phone, ben: Phone, first: Process, second: Process) -> None:
    """The process that serves Ben dies without a word; Anna writes on, on the server that is left."""
    tell("\nBen's server is killed")
    await step(f"kill -9 of {second.name}", second.kill())
    await step("Ben's phone notices", ben.dropped())
    await missed(anna, ben, first.url, "Still writing")


async def missed(anna: Phone, ben: Phone, url: str, words: str) -> None:
    """Anna posts while Ben is away; he connects to `url` and hears all of it, in order, once."""
    mark = len(ben.heard)
    said = [f"{words}, {number}." for number in range(3)]
    for content in said:
        client_id = "demo-" + "-".join(re.findall(r"\w+", content))
        await anna.send("post:create", client_id=client_id, type="check_in", content=content)
    await anna.received("post:new", lambda told: told["data"]["post"]["content"] == said[-1])
    ready = await step("Ben comes back with his positions", ben.connect(url))
    expect(ready["rooms"]["feed"]["recovered"], "nothing is missing")
    heard = [data["data"]["post"]["content"] for name, data in ben.heard[mark:] if name == "post:new"]
    expect(heard == said, f"whole and in order, got {heard}")
    tell("               replayed whole and in order: " + " ".join(heard))


async def run(servers: Cluster) -> None:
    tell("Starting stores, two servers and a worker")
    first = await step("first server", servers.server())
    second = await step("second server", servers.server())
    await step("worker", servers.worker())
    async with aiohttp.ClientSession() as http:
        await story(first, second, http)


async def main() -> int:
    with tempfile.TemporaryDirectory(prefix="anonymous-support-demo-") as folder:
        async with cluster(Path(folder)) as servers:
            try:
                await run(servers)
            except (AssertionError, NotReadyError, RefusedError, TimeoutError) as error:
                tell(f"  ✗ {type(error).__name__}: {error}")
                for process in servers.processes:
                    tell(f"\n--- {process.name}\n{process.tail()}")
                return 1
    tell("\nEverything arrived. Nothing was lost.")
    return 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
