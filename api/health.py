"""Is this process alive, is it ready for traffic, and how do its stores do."""

import asyncio
import time

import msgspec
from aiohttp import web

from api.endpoint import json_answer
from api.keys import PORTS, READINESS
from domain.ports import Health, Ports

KEEP_SECONDS = 0.5


class StoreHealth(msgspec.Struct, frozen=True):
    ok: bool
    milliseconds: float


class HealthReport(msgspec.Struct, frozen=True):
    """`ok` when every store answers and every check passes."""

    ok: bool
    stores: dict[str, StoreHealth]
    checks: dict[str, bool]


class Alive(msgspec.Struct, frozen=True):
    ok: bool = True


class Probe:
    """Asks the stores at most once in `KEEP_SECONDS`: anybody may call, and a call is not free."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._asking = asyncio.Lock()
        self._found: list[Health] = []
        self._fresh_until = 0.0

    async def ask(self) -> list[Health]:
        async with self._asking:
            if time.monotonic() >= self._fresh_until:
                self._found = await self._ports.probe()
                self._fresh_until = time.monotonic() + KEEP_SECONDS
            return self._found


PROBE = web.AppKey("PROBE", Probe)


def add_health(app: web.Application) -> None:
    app[READINESS] = {}
    app[PROBE] = Probe(app[PORTS])
    app.router.add_get("/health", show_health)
    app.router.add_get("/health/live", show_live)
    app.router.add_get("/health/accepting", show_accepting)
    app.router.add_get("/health/ready", show_health)


async def show_live(request: web.Request) -> web.Response:
    """200 as long as the process can answer at all."""
    return json_answer(Alive())


async def show_accepting(request: web.Request) -> web.Response:
    """200 until this process drains, whatever its stores do: an SOS is answered with help without them."""
    accepting = request.app[READINESS].get("accepting")
    ok = accepting is None or accepting()
    return json_answer(Alive(ok), 200 if ok else 503)


async def show_health(request: web.Request) -> web.Response:
    """Every store with the milliseconds it took to answer, every check; 503 when any of them fails."""
    stores = {
        store.name: StoreHealth(store.ok, store.milliseconds) for store in await request.app[PROBE].ask()
    }
    checks = {name: check() for name, check in request.app[READINESS].items()}
    ok = all(checks.values()) and all(store.ok for store in stores.values())
    return json_answer(HealthReport(ok, stores, checks), 200 if ok else 503)
