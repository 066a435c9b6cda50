"""The push services that are configured, kept from hurting more than themselves."""

import asyncio
import ssl
from collections.abc import Mapping
from time import monotonic
from typing import Protocol

import httpx2
from prometheus_client import Counter, Histogram

from db.push.answer import Refused
from db.push.apns import Apns
from db.push.fcm import Fcm
from db.push.web import WebPush
from domain.devices import Address, Platform
from domain.errors import Unavailable
from domain.pushing import PushMessage
from domain.settings import Settings

AT_ONCE = 16
"""Pushes to one service at a time and per process: an outage there must not take every slot of a lane."""
FAILURES_MAX = 5
PAUSE_SECONDS = 10.0
"""After so many failures in a row nothing is tried for so long; a refusal is none."""
KEEP_OPEN_SECONDS = 300.0
"""Push services want few connections that last, and take many new ones for an attack."""

PUSHES = Counter("pushes_total", "Pushes by platform and how they ended", ["platform", "outcome"])
SECONDS = Histogram("push_seconds", "Time of a push service's answer", ["platform"])


class Service(Protocol):
    async def send(self, address: Address, message: PushMessage) -> bool: ...


class Guarded:
    """A service with a bound on what is tried at once, and a pause while it is down."""

    def __init__(self, platform: Platform, service: Service) -> None:
        self._platform = platform
        self._service = service
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._failures = 0
        self._paused_until = 0.0

    async def send(self, address: Address, message: PushMessage) -> bool:
        paused = self._paused_until - monotonic()
        if paused > 0:
            raise Unavailable(retry_after=paused)
        async with self._slots:
            with SECONDS.labels(self._platform).time():
                return await self._counted(address, message)

    async def _counted(self, address: Address, message: PushMessage) -> bool:
        try:
            alive = await self._service.send(address, message)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
            self._failed()
            raise Unavailable from None
        except Refused:
            PUSHES.labels(self._platform, "refused").inc()
            raise
        except Unavailable:
            self._failed()
            raise
        self._failures = 0
        PUSHES.labels(self._platform, "sent" if alive else "gone").inc()
        return alive

    def _failed(self) -> None:
        PUSHES.labels(self._platform, "failed").inc()
        self._failures += 1
        if self._failures >= FAILURES_MAX:
            self._failures = 0
            self._paused_until = monotonic() + PAUSE_SECONDS


class PushServices:
    """`domain.ports.Push`."""

    def __init__(
        self, services: Mapping[Platform, Service], clients: list[httpx2.AsyncClient], web_key: str | None
    ) -> None:
        self._services = {platform: Guarded(platform, one) for platform, one in services.items()}
        self._clients = clients
        self._web_key = web_key

    @property
    def platforms(self) -> frozenset[Platform]:
        return frozenset(self._services)

    @property
    def web_key(self) -> str | None:
        return self._web_key

    async def send(self, address: Address, message: PushMessage) -> bool:
        service = self._services.get(address.platform)
        if service is None:
            raise Unavailable
        return await service.send(address, message)

    async def aclose(self) -> None:
        for client in self._clients:
            await client.aclose()


def open_push(settings: Settings, *, trust: ssl.SSLContext | None = None) -> PushServices:
    """`trust` replaces the certificates of public authorities. Raises `ValueError` for a key of no use."""
    services: dict[Platform, Service] = {}
    clients: list[httpx2.AsyncClient] = []
    web_key = None

    def client() -> httpx2.AsyncClient:
        clients.append(new_client(settings.push_timeout_seconds, trust))
        return clients[-1]

    if settings.apns_key_file:
        services["ios"] = Apns(
            client(),
            url=settings.apns_url,
            key_file=settings.apns_key_file,
            key_id=settings.apns_key_id,
            team_id=settings.apns_team_id,
            topic=settings.apns_topic,
        )
    if settings.fcm_service_account_file:
        file = settings.fcm_service_account_file
        services["android"] = Fcm(client(), url=settings.fcm_url, service_account_file=file)
    if key := settings.vapid_private_key.get_secret_value():
        web = WebPush(client(), private_key=key, subject=settings.vapid_subject)
        services["web"], web_key = web, web.public_key
    return PushServices(services, clients, web_key)


def new_client(timeout_seconds: float, trust: ssl.SSLContext | None) -> httpx2.AsyncClient:
    """One for each service: they share no connection and no limit. Redirects are not followed."""
    return httpx2.AsyncClient(
        http2=True,
        timeout=timeout_seconds,
        limits=httpx2.Limits(max_connections=AT_ONCE, keepalive_expiry=KEEP_OPEN_SECONDS),
        verify=True if trust is None else trust,
    )
