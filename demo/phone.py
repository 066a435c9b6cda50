"""A phone: a REST client and a Socket.IO client that remember what they heard and where they were."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import socketio

DEADLINE_SECONDS = 60.0


class RefusedError(Exception):
    """The server said no; the message is its error object."""


class Phone:
    def __init__(self, http: aiohttp.ClientSession, url: str, name: str) -> None:
        self.http = http
        self.url = url
        self.name = name
        self.account: dict[str, Any] = {}
        self.tokens: dict[str, Any] = {}
        self.recovery_code = ""
        self.positions: dict[str, dict[str, Any]] = {}
        self.heard: list[tuple[str, Any]] = []
        self._news = asyncio.Event()
        self.client = self._client()

    def _client(self) -> socketio.AsyncClient:
        client = socketio.AsyncClient(reconnection=False)
        client.on("*", self._hear)
        self._gone = asyncio.Event()
        client.on("disconnect", lambda *_: self._gone.set())
        return client

    def _hear(self, event: str, data: Any = None) -> None:
        self.heard.append((event, data))
        if isinstance(data, dict) and "seq" in data:
            self.positions[data["room"]] = {"epoch": data["epoch"], "seq": data["seq"]}
        if event == "ready":
            for room, state in data["rooms"].items():
                self.positions[room] = {"epoch": state["epoch"], "seq": state["seq"]}
        self._news.set()

    async def rest(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded body of a REST answer; raises `RefusedError` for an error."""
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"} if self.tokens else {}
        async with self.http.request(method, self.url + path, json=body, headers=headers) as response:
            answer = await response.json() if response.content_type == "application/json" else None
            if response.status >= 400:
                raise RefusedError(str(answer))
            return answer

    async def register(self, **fields: Any) -> None:
        answer = await self.rest("POST", "/v1/auth/register", fields)
        self.account, self.tokens = answer["account"], answer["tokens"]
        self.recovery_code = answer["recovery_code"]

    async def connect(self, url: str | None = None) -> Any:
        """Connects with the positions it remembers; returns the data of `ready`."""
        self.url = url or self.url
        self.client = self._client()
        mark = len(self.heard)
        auth = {"token": self.tokens["access_token"], "positions": self.positions}
        await self.client.connect(self.url, auth=auth, wait_timeout=DEADLINE_SECONDS)
        return await self.received("ready", since=mark)

    async def send(self, event: str, **data: Any) -> Any:
        ack = await self.client.call(event, data, timeout=DEADLINE_SECONDS)
        if not ack["ok"]:
            raise RefusedError(str(ack["error"]))
        return ack.get("data")

    async def received(
        self, event: str, match: Callable[[Any], bool] = lambda _: True, *, since: int = 0
    ) -> Any:
        """The first matching event, also when it came before (but not before `since`)."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                self._news.clear()
                for name, data in self.heard[since:]:
                    if name == event and match(data):
                        return data
                await self._news.wait()

    async def dropped(self) -> None:
        """Returns when the connection has broken."""
        await asyncio.wait_for(self._gone.wait(), DEADLINE_SECONDS)

    async def disconnect(self) -> None:
        await self.client.disconnect()
