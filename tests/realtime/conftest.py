"""A realtime server on a real port over real stores, and phones that talk to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import socketio
from aiohttp import web
from pydantic import SecretStr

from db.stores import Stores, open_stores
from domain import sessions
from domain.clock import Clock, utc_now
from domain.sessions import RegisterAnonymous, Registered
from domain.settings import Settings
from realtime.server import Realtime

DEADLINE_SECONDS = 60.0

StartServer = Callable[..., Awaitable["Running"]]
StartPhone = Callable[..., Awaitable["Phone"]]


class Running:
    """One server process worth of realtime, inside the test's own loop."""

    def __init__(self, stores: Stores, realtime: Realtime, runner: web.AppRunner) -> None:
        self.stores = stores
        self.ports = stores.ports
        self.realtime = realtime
        self.runner = runner

    @property
    def url(self) -> str:
        host, port = self.runner.addresses[0][:2]
        return f"http://{host}:{port}"


class Phone:
    """A real Socket.IO client that keeps everything it hears, and waits for what it wants."""

    def __init__(self, account: Registered) -> None:
        self.account = account
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard: list[tuple[str, Any]] = []
        self._news = asyncio.Event()
        self.client.on("*", self._hear)

    @property
    def id(self) -> str:
        return self.account.account.id

    def _hear(self, event: str, data: Any = None) -> None:
        self.heard.append((event, data))
        self._news.set()

    async def connect(self, url: str, *, token: str | None = None, **auth: Any) -> dict[str, Any]:
        """Connects and returns the data of `ready`."""
        token = token or self.account.tokens.access_token
        await self.client.connect(url, auth={"token": token, **auth}, wait_timeout=DEADLINE_SECONDS)
        return await self.received("ready")

    async def send(self, event: str, data: Any = None) -> dict[str, Any]:
        """Emits and returns the ack."""
        return await self.client.call(event, data, timeout=DEADLINE_SECONDS)

    async def ok(self, event: str, **data: Any) -> Any:
        """Emits, expects success, and returns the ack's data."""
        ack = await self.send(event, data)
        assert ack["ok"], ack
        return ack.get("data")

    async def refused(self, event: str, data: Any = None) -> dict[str, Any]:
        ack = await self.send(event, data)
        assert ack["ok"] is False, ack
        return ack["error"]

    async def received(self, event: str, match: Callable[[Any], bool] = lambda _: True) -> Any:
        """The first event of this name that matches, also when it came before."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                self._news.clear()
                for name, data in self.heard:
                    if name == event and match(data):
                        return data
                await self._news.wait()

    def all(self, event: str, room: str | None = None) -> list[Any]:
        return [data for name, data in self.heard if name == event and room in (None, data.get("room"))]

    async def close(self) -> None:
        await self.client.disconnect()


def settings_for(postgres_url: str, mongodb_uri: str, redis_url: str, **changes: Any) -> Settings:
    usual: dict[str, Any] = {
        "server_env": "test",
        "postgres_url": postgres_url,
        "mongodb_uri": mongodb_uri,
        "mongodb_database": mongodb_uri.partition("?")[0].rpartition("/")[2],
        "redis_url": redis_url,
        "jwt_secret": SecretStr("a-secret-for-tests-0123456789-abcdef"),
        "encryption_key": SecretStr("another-secret-for-tests-0123456789"),
        "session_check_seconds": 0.1,
        "drain_seconds": 2,
        "handler_timeout_seconds": DEADLINE_SECONDS / 2,
    }
    return Settings(_env_file=None, **{**usual, **changes})  # type: ignore[call-arg]


@asynccontextmanager
async def running_server(settings: Settings, now: Clock = utc_now) -> AsyncIterator[Running]:
    async with open_stores(settings, now=now) as stores:
        realtime = Realtime(stores.ports, stores.feed)
        app = web.Application()
        realtime.attach(app)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        realtime.start()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield Running(stores, realtime, runner)
        finally:
            await realtime.drain()
            await realtime.stop()
            await runner.cleanup()


@pytest.fixture
async def stack(postgres_url: str, mongodb_uri: str, redis_url: str) -> AsyncIterator[AsyncExitStack]:
    """Closed before the databases are dropped."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def start_server(stack: AsyncExitStack, postgres_url: str, mongodb_uri: str, redis_url: str) -> StartServer:
    async def start(now: Clock = utc_now, **changes: Any) -> Running:
        settings = settings_for(postgres_url, mongodb_uri, redis_url, **changes)
        return await stack.enter_async_context(running_server(settings, now))

    return start


@pytest.fixture
async def server(start_server: StartServer) -> Running:
    return await start_server()


@pytest.fixture
def start_phone(stack: AsyncExitStack) -> StartPhone:
    async def start(server: Running, *, connect: bool = True, country: str | None = None) -> Phone:
        account = await sessions.register_anonymous(RegisterAnonymous(country=country), server.ports)
        phone = Phone(account)
        stack.push_async_callback(phone.close)
        if connect:
            await phone.connect(server.url)
        return phone

    return start
