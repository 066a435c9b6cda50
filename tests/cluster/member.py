"""A member who comes back from every loss, as a good app would: with positions, and by REST when refused."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import aiohttp
import socketio
from socketio.exceptions import SocketIOError

from demo.phone import Phone, RefusedError
from tests.cluster.cable import Cable

ATTEMPT_SECONDS = 15.0
RETRY_SECONDS = 0.3


class Member:
    """`told`: every durable event once, by (room, epoch, seq), in the order it came; `fetched`: post ids."""

    def __init__(self, http: aiohttp.ClientSession, cables: Sequence[Cable], dice: random.Random) -> None:
        self._cables = cables
        self._dice = dice
        self.phone = Phone(http, cables[0].url, "member")
        self.positions: dict[str, dict[str, Any]] = {}
        self.told: dict[tuple[str, str, int], dict[str, Any]] = {}
        self.repeated = 0
        self.fetched: set[str] = set()
        self.refused = 0
        self.resumed = 0
        self.out_of_order: list[tuple[str, int, int]] = []
        self.news = asyncio.Event()
        self._gone = asyncio.Event()
        self._client = socketio.AsyncClient(reconnection=False)

    @property
    def posts(self) -> set[str]:
        """Ids of all posts this member knows of."""
        heard = {told["data"]["post"]["id"] for told in self.told.values() if "post" in told["data"]}
        return heard | self.fetched

    async def live(self) -> None:
        """Stays connected, to one server or the other, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(ATTEMPT_SECONDS):
                    ready = await self._connect()
                    await self._settle(ready)
                await self._gone.wait()
            except (SocketIOError, aiohttp.ClientError, TimeoutError, OSError, RefusedError):
                await asyncio.sleep(self._dice.random() * RETRY_SECONDS)
            finally:
                with suppress(Exception):
                    await self._client.disconnect()

    async def _connect(self) -> dict[str, Any]:
        """Returns the data of `ready`, after everything that came before it."""
        ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._gone = gone = asyncio.Event()
        self._client = client = socketio.AsyncClient(reconnection=False)

        def hear(event: str, data: Any = None) -> None:
            if event == "ready":
                if not ready.done():
                    ready.set_result(data)
            elif isinstance(data, dict) and data.get("seq"):
                self._hear(data)

        def lost(*reason: object) -> None:
            gone.set()
            if not ready.done():
                ready.set_exception(ConnectionResetError())

        client.on("*", hear)
        client.on("disconnect", lost)
        auth = {"token": self.phone.tokens["access_token"], "positions": dict(self.positions)}
        self.phone.url = self._dice.choice(self._cables).url
        transports = self._dice.choice([["websocket"], ["polling", "websocket"]])
        await client.connect(self.phone.url, auth=auth, transports=transports, wait_timeout=ATTEMPT_SECONDS)
        try:
            return await ready
        except asyncio.CancelledError:
            ready.cancel()
            raise

    def _hear(self, told: dict[str, Any]) -> None:
        room, epoch, seq = told["room"], told["epoch"], told["seq"]
        if (room, epoch, seq) in self.told:
            self.repeated += 1
            return
        before = self.positions.get(room)
        if before and before["epoch"] == epoch and before["seq"] > seq:
            self.out_of_order.append((room, before["seq"], seq))
        self.told[room, epoch, seq] = told
        self.positions[room] = {"epoch": epoch, "seq": seq}
        self.news.set()

    async def _settle(self, ready: dict[str, Any]) -> None:
        """Refetches what was refused; only then is its new position taken."""
        asked = dict(self.positions)
        for room, state in ready["rooms"].items():
            if state["recovered"]:
                self.resumed += 1
                continue
            if room in asked:
                self.refused += 1
            if room == "feed":
                self.fetched |= await self.fetch_feed()
            if self.positions.get(room) == asked.get(room):
                self.positions[room] = {"epoch": state["epoch"], "seq": state["seq"]}
        self.news.set()

    async def fetch_feed(self) -> set[str]:
        found: set[str] = set()
        path = "/v1/feed?limit=100"
        while True:
            page = await self.phone.rest("GET", path)
            found |= {post["id"] for post in page["items"]}
            if not page["next_cursor"]:
                return found
            path = f"/v1/feed?limit=100&cursor={page['next_cursor']}"

    async def post(self, text: str) -> str:
        """Posts it until it is acknowledged; the id."""
        said = {"client_id": text, "type": "check_in", "content": f"Day one, again. {text}"}
        while True:
            ack = await self._answer(said)
            if ack is not None and ack["ok"]:
                return str(ack["data"]["post"]["id"])
            await asyncio.sleep(self._dice.random() * RETRY_SECONDS)

    async def _answer(self, said: dict[str, str]) -> dict[str, Any] | None:
        """None when the connection is lost before the acknowledgement."""
        asked = asyncio.ensure_future(self._client.call("post:create", said, timeout=ATTEMPT_SECONDS))
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait({asked, gone}, return_when=asyncio.FIRST_COMPLETED)
            return await asked if asked.done() else None
        except (SocketIOError, OSError):
            return None
        finally:
            asked.cancel()
            gone.cancel()
