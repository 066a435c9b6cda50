"""The REST application on real stores, driven by a client that knows its vocabulary."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from rest_harness import MovableClock, Person, Rest, opened

from db.stores import open_stores
from domain.ports import Ports
from domain.settings import Settings

PATIENT_SECONDS = 60.0
"""A request may take this long on a busy machine."""


@pytest.fixture
def clock() -> MovableClock:
    """The stores' and the commands' time; tests move it instead of waiting."""
    return MovableClock()


@pytest.fixture
def settings(postgres_url: str, mongodb_uri: str, redis_url: str) -> Settings:
    return Settings(
        _env_file=None,
        server_env="test",
        postgres_url=postgres_url,
        mongodb_uri=mongodb_uri,
        mongodb_database=urlsplit(mongodb_uri).path.strip("/"),
        redis_url=redis_url,
        jwt_secret="a-signing-secret-for-tests-0123456789",
        encryption_key="an-encryption-secret-for-tests-0123456789",
        registrations_per_hour=1000,
        login_attempts_per_minute=1000,
        requests_per_minute=10_000,
        handler_timeout_seconds=PATIENT_SECONDS,
    )


@pytest.fixture
async def ports(settings: Settings, clock: MovableClock) -> AsyncIterator[Ports]:
    async with open_stores(settings, now=clock) as stores:
        yield stores.ports


@pytest.fixture
async def rest(ports: Ports) -> AsyncIterator[Rest]:
    async with opened(ports) as rest:
        yield rest


@pytest.fixture
async def alice(rest: Rest) -> Person:
    return await rest.register(handle="alice")


@pytest.fixture
async def bob(rest: Rest) -> Person:
    return await rest.register(handle="bob")
