"""Every contract test runs twice: on the fakes, and on the real stores."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from db.redis.leases import RedisSocketLeases
from db.redis.presence import RedisPresence
from db.stores import open_stores
from domain.clock import utc_now
from domain.ports import Ports, Presence, SocketLeases
from domain.settings import load_settings
from tests.contract.makers import Makers
from tests.fakes.leases import FakeSocketLeases
from tests.fakes.ports import SECRET, make_fakes
from tests.fakes.presence import FakePresence

ROOM_LOG_EVENTS = 10


@dataclass(frozen=True)
class Bench:
    """The ports under test, what stands behind them, and makers of what they hold."""

    ports: Ports
    make: Makers
    flush_rooms: Callable[[], Awaitable[object]]
    """Takes everything from the room logs."""


@pytest.fixture
async def fake_bench() -> Bench:
    fakes = make_fakes(now=utc_now, room_log_events=ROOM_LOG_EVENTS)

    async def flush() -> None:
        fakes.rooms.flush()

    return Bench(fakes.ports, Makers(fakes.ports), flush)


@pytest.fixture
async def real_bench(postgres_url: str, mongodb_uri: str, redis_url: str) -> AsyncIterator[Bench]:
    settings = load_settings(
        None,
        server_env="test",
        postgres_url=postgres_url,
        mongodb_uri=mongodb_uri,
        mongodb_database=urlsplit(mongodb_uri).path.strip("/"),
        redis_url=redis_url,
        jwt_secret=SECRET,
        encryption_key=SECRET,
        room_log_events=ROOM_LOG_EVENTS,
    )
    async with open_stores(settings) as stores, Redis.from_url(redis_url) as redis:
        yield Bench(stores.ports, Makers(stores.ports), redis.flushdb)


@pytest.fixture(params=["fake", "real"])
def bench(request: pytest.FixtureRequest) -> Bench:
    found: Bench = request.getfixturevalue(f"{request.param}_bench")
    return found


@pytest.fixture
def ports(bench: Bench) -> Ports:
    return bench.ports


@pytest.fixture
def make(bench: Bench) -> Makers:
    return bench.make


@pytest.fixture(params=["fake", "real"])
async def short_lease(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Ports]:
    """Ports whose leases of sockets lapse after a moment."""
    fakes = make_fakes(now=utc_now)
    if request.param == "fake":
        leases: SocketLeases = FakeSocketLeases(utc_now, lease_seconds=0.05)
        yield replace(fakes.ports, leases=leases)
        return
    async with Redis.from_url(redis_url) as redis:
        yield replace(fakes.ports, leases=RedisSocketLeases(redis, lease_seconds=0.05))


TwoServers = Callable[[float], tuple[SocketLeases, SocketLeases]]


@pytest.fixture(params=["fake", "real"])
async def two_servers(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[TwoServers]:
    """Makes the long leases of two servers, that take a server for dead after so many seconds of silence."""
    async with Redis.from_url(redis_url) as redis:

        def make(silence_seconds: float) -> tuple[SocketLeases, SocketLeases]:
            if request.param == "fake":
                fake = FakeSocketLeases(utc_now, lease_seconds=600, silence_seconds=silence_seconds)
                return fake, fake.beside()
            one, other = (
                RedisSocketLeases(redis, lease_seconds=600, silence_seconds=silence_seconds) for _ in range(2)
            )
            return one, other

        yield make


@pytest.fixture(params=["fake", "real"])
async def short_grace(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Ports]:
    """Ports whose presence lapses after a moment."""
    fakes = make_fakes(now=utc_now)
    if request.param == "fake":
        presence: Presence = FakePresence(utc_now, grace_seconds=0.05)
        yield replace(fakes.ports, presence=presence)
        return
    async with Redis.from_url(redis_url) as redis:
        yield replace(fakes.ports, presence=RedisPresence(redis, grace_seconds=0.05))
