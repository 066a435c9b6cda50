"""Phones that listen, some of which post; what was acknowledged has to reach every one of them."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import aiohttp
import socketio
from hdrh.histogram import HdrHistogram

CONNECTS_AT_ONCE = 20
SETTLE_SECONDS = 20.0
MICROSECONDS_MAX = 60_000_000


class Tally:
    """What happened, in counts and histograms of microseconds."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, float] = {}
        self.refused: Counter[str] = Counter()
        self.heard = 0
        self.twice = 0
        self.acks = HdrHistogram(1, MICROSECONDS_MAX, 3)
        self.deliveries = HdrHistogram(1, MICROSECONDS_MAX, 3)


class Listener:
    """One phone of the crowd."""

    def __init__(self, tally: Tally, sent_at: dict[str, float]) -> None:
        self.heard: set[str] = set()
        self.client = socketio.AsyncClient(reconnection=False)
        self._tally = tally
        self._sent_at = sent_at
        self.client.on("post:new", self._hear)

    def _hear(self, told: dict[str, Any]) -> None:
        post = told["data"]["post"]
        sent_at = self._sent_at.get(post["content"])
        if sent_at is None:
            return
        if post["id"] in self.heard:
            self._tally.twice += 1
            return
        self.heard.add(post["id"])
        self._tally.heard += 1
        self._tally.deliveries.record_value(microseconds(time.perf_counter() - sent_at))


class Crowd:
    def __init__(self, urls: list[str], sockets: int) -> None:
        """The sockets are spread over `urls` in turns."""
        self._urls = urls
        self.tally = Tally()
        self._sent_at: dict[str, float] = {}
        self.listeners = [Listener(self.tally, self._sent_at) for _ in range(sockets)]

    async def connect(self, http: aiohttp.ClientSession) -> None:
        """Everybody registers and connects, a few at a time."""
        slots = asyncio.Semaphore(CONNECTS_AT_ONCE)

        async def enter(index: int, listener: Listener) -> None:
            url = self._urls[index % len(self._urls)]
            async with slots, http.post(f"{url}/v1/auth/register", json={}) as response:
                response.raise_for_status()
                token = (await response.json())["tokens"]["access_token"]
                await listener.client.connect(url, auth={"token": token}, wait_timeout=SETTLE_SECONDS)

        await asyncio.gather(*(enter(*pair) for pair in enumerate(self.listeners)))

    async def post(self, seconds: float, posts_per_second: float) -> None:
        """Posts at a steady pace, by one phone after the other, whether or not the last was answered."""
        started = time.perf_counter()
        posting: list[asyncio.Task[None]] = []
        for number in range(int(seconds * posts_per_second)):
            await asyncio.sleep(started + number / posts_per_second - time.perf_counter())
            listener = self.listeners[number % len(self.listeners)]
            posting.append(asyncio.create_task(self._post(listener, number)))
        await asyncio.gather(*posting)

    async def _post(self, listener: Listener, number: int) -> None:
        content = f"Still sober, one hour at a time. Hour {number}."
        command = {"client_id": f"swarm-{number:08}", "type": "check_in", "content": content}
        self._sent_at[content] = sent_at = time.perf_counter()
        ack = await listener.client.call("post:create", command, timeout=30)
        if not ack["ok"]:
            self.tally.refused[ack["error"]["code"]] += 1
            return
        self.tally.acks.record_value(microseconds(time.perf_counter() - sent_at))
        self.tally.acknowledged[ack["data"]["post"]["id"]] = sent_at

    async def settle(self) -> int:
        """Waits until everybody heard everything that was acknowledged; returns how much was not heard."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (missing := self.missing()) and time.monotonic() < deadline:  # noqa: ASYNC110  (hundreds of clients, one look now and then)
            await asyncio.sleep(0.05)
        return missing

    def missing(self) -> int:
        wanted = self.tally.acknowledged.keys()
        return sum(len(wanted - listener.heard) for listener in self.listeners)

    async def leave(self) -> None:
        await asyncio.gather(*(listener.client.disconnect() for listener in self.listeners))


def microseconds(seconds: float) -> int:
    return max(1, min(int(seconds * 1_000_000), MICROSECONDS_MAX))


def milliseconds(histogram: HdrHistogram, percentiles: Iterable[float]) -> dict[str, float]:
    return {
        f"p{point:g}_ms": round(histogram.get_value_at_percentile(point) / 1000, 2) for point in percentiles
    }
