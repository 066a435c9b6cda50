"""A server on a loopback port, and raw clients that speak the protocols packet by packet."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, TypeVar

import aiohttp
import orjson
from aiohttp import web

from realtime.engine import Server

DEADLINE_SECONDS = 60.0

_T = TypeVar("_T")


async def within(awaitable: Awaitable[_T]) -> _T:
    """Wait, but not for ever."""
    return await asyncio.wait_for(awaitable, DEADLINE_SECONDS)


async def until(condition: Callable[[], Any]) -> None:
    """Let the loop turn until something is so."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - any condition, not only events
            await asyncio.sleep(0.001)


@asynccontextmanager
async def serving(server: Server, *, ssl: Any = None) -> AsyncIterator[str]:
    """The address under which `server` is served meanwhile."""
    app = web.Application()
    server.attach(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl).start()
    scheme = "https" if ssl else "http"
    try:
        yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Wire:
    """A websocket client without any Socket.IO library. Heartbeats are answered, and not shown."""

    def __init__(self, url: str, **options: Any) -> None:
        self._url = url
        self._options = options
        self._session = aiohttp.ClientSession()
        self.socket: aiohttp.ClientWebSocketResponse

    async def __aenter__(self) -> "Wire":
        query = self._options.pop("query", "EIO=4&transport=websocket")
        url = f"{self._url}/socket.io/?{query}"
        try:
            self.socket = await within(self._session.ws_connect(url, max_msg_size=0, **self._options))
        except BaseException:
            await self._session.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.socket.close()
        await self._session.close()

    async def send(self, *packets: str | bytes) -> None:
        for packet in packets:
            if isinstance(packet, str):
                await self.socket.send_str(packet)
            else:
                await self.socket.send_bytes(packet)

    async def receive(self) -> str | bytes:
        """The next packet. Fails if the socket is closed instead."""
        while True:
            message = await within(self.socket.receive())
            assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
            if message.data != "2":
                return message.data
            await self.socket.send_str("3")

    async def text(self) -> str:
        packet = await self.receive()
        assert isinstance(packet, str)
        return packet

    async def ask(self, *packets: str | bytes) -> str | bytes:
        await self.send(*packets)
        return await self.receive()

    async def opened(self) -> dict[str, Any]:
        """The handshake that the server begins with."""
        packet = await self.text()
        assert packet.startswith("0")
        return orjson.loads(packet[1:])

    async def connect(self, packet: str = "40") -> str:
        """Handshake and CONNECT; the sid in the main namespace."""
        await self.opened()
        answer = await self.ask(packet)
        assert isinstance(answer, str)
        assert answer.startswith("40{"), answer
        return orjson.loads(answer[2:])["sid"]

    async def closed(self) -> int | None:
        """Read until the server closes; its close code."""
        while True:
            message = await within(self.socket.receive())
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                return self.socket.close_code


class Polling:
    """A long-polling client."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.session = aiohttp.ClientSession()
        self.sid = ""
        self._received: list[str] = []

    async def __aenter__(self) -> "Polling":
        status, body = await self.get()
        assert status == 200
        self.handshake = orjson.loads(body[1:])
        self.sid = self.handshake["sid"]
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.session.close()

    @property
    def url(self) -> str:
        sid = f"&sid={self.sid}" if self.sid else ""
        return f"{self._url}/socket.io/?EIO=4&transport=polling{sid}"

    async def get(self) -> tuple[int, str]:
        async with self.session.get(self.url) as response:
            return response.status, await response.text()

    async def post(self, body: str | bytes) -> tuple[int, str]:
        async with self.session.post(self.url, data=body) as response:
            return response.status, await response.text()

    async def receive(self) -> str:
        """The next packet, polling as often as needed. Heartbeats are answered, and not shown."""
        while not self._received:
            status, body = await within(self.get())
            assert status == 200, body
            packets = body.split("\x1e")
            if "2" in packets:
                await self.post("3")
            self._received += [packet for packet in packets if packet not in ("2", "6")]
        return self._received.pop(0)

    async def connect(self) -> str:
        assert (await self.post("40"))[0] == 200
        answer = await self.receive()
        return orjson.loads(answer[2:])["sid"]
