"""The control surface of the Python peers, and how one serves until its harness is gone."""

import asyncio
import gc
import json
import os
import resource
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from aiohttp import web

from bench.peers.workload import TEXT

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MAX_EMITS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Emission:
    """What to announce: `count` times a text to a room, at a rate or in batches."""

    room: str
    text: str
    count: int
    rate: float
    batch: int


@dataclass(slots=True)
class Control:
    """`POST /control/emit?room=&count=[&rate=][&batch=][&text=]`, `GET /control/stats[?settle=1]`.

    `emit(room, text)` announces a text to a room; `connections()` counts the sockets connected now.
    rate: emits a second (0: as fast as the loop turns); batch: emits in one turn of the loop;
    text: characters, instead of those of the workload.
    """

    emit: Callable[[str, str], Awaitable[None]]
    connections: Callable[[], int]
    emissions: set[asyncio.Task[None]] = field(default_factory=set)

    def attach(self, app: web.Application) -> None:
        app.router.add_post("/control/emit", self._start_emitting)
        app.router.add_get("/control/stats", self._stats)

    async def _start_emitting(self, request: web.Request) -> web.Response:
        wanted = Emission(
            room=request.query["room"],
            text="x" * int(request.query.get("text", len(TEXT))),
            count=min(int(request.query["count"]), MAX_EMITS),
            rate=float(request.query.get("rate", 0)),
            batch=int(request.query.get("batch", 1)),
        )
        emission = asyncio.create_task(self._emit_all(wanted))
        self.emissions.add(emission)
        emission.add_done_callback(self.emissions.discard)
        return web.json_response({"count": wanted.count})

    async def _emit_all(self, wanted: Emission) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        for done in range(1, wanted.count + 1):
            await self.emit(wanted.room, wanted.text)
            if wanted.rate:
                await asyncio.sleep(max(0.0, started + done / wanted.rate - loop.time()))
            elif done % wanted.batch == 0:
                await asyncio.sleep(0)

    async def _stats(self, request: web.Request) -> web.Response:
        if request.query.get("settle"):
            gc.collect()
        used = resource.getrusage(resource.RUSAGE_SELF)
        return web.json_response(
            {
                "cpu_s": used.ru_utime + used.ru_stime,
                "user_s": used.ru_utime,
                "rss_kb": _resident_pages() * PAGE_BYTES / 1024,
                "connections": self.connections(),
                "emitting": len(self.emissions),
            }
        )


def _resident_pages() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1])


def serve(make_app: Callable[[], web.Application]) -> None:
    """Serve on a free loopback port, print it as one JSON line, and end when stdin does."""
    uvloop.run(_serve(make_app))


async def _serve(make_app: Callable[[], web.Application]) -> None:
    runner = web.AppRunner(make_app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await _stdin_closed()
    # The harness is gone or done: a polite shutdown of thousands of sockets would only cost time.
    os._exit(0)


async def _stdin_closed() -> None:
    closed = asyncio.Event()

    def look() -> None:
        if not os.read(0, 64):
            closed.set()

    asyncio.get_running_loop().add_reader(0, look)
    await closed.wait()
