"""Runs the server: `python run_server.py [--processes N] [--with-worker]`; settings: `.env.example`."""

import argparse
import asyncio
import gc
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from pathlib import Path

import structlog
import uvloop
from aiohttp import web

from api.app import READINESS, SocketContract, build_app
from api.asyncapi import Exchange
from api.runner import Runner
from db.embedded import EmbeddedStoresError, child
from db.embedded.identity import same_user
from db.secrets import kept_secret
from db.stores import Stores, located, open_stores
from domain import moderation
from domain.errors import Unavailable
from domain.seeding import MODERATOR, OPERATOR, seed
from domain.settings import Settings, SettingsError, load_settings, settings_to_blame
from realtime import contract
from realtime.front import Front, Place, supervise
from realtime.server import Realtime
from telemetry.exposition import Exposition, exposed
from telemetry.logs import configure_logs
from telemetry.probe import probe_site
from telemetry.signals import stop_signals
from telemetry.tracing import tracing
from workers.beside import WorkerBeside

log = structlog.get_logger("run_server")

BACKLOG = 4_096
KEEPALIVE_SECONDS = 75.0
WARM_UP = "The first text loads the model; it should not be somebody's SOS."
STOP_GRACE_SECONDS = 10.0
"""For what comes after the drain: requests that run, telling what was committed, closing the stores."""
SPARE_FILES = 1_024
"""Beside the sockets: of stores, of requests, of uploads."""
REQUEST_GRACE_SECONDS = 4.0
"""For requests that still run after the drain; a body or a reader that is slow for ever holds nobody up."""


async def serve(settings: Settings, place: Place | None = None) -> None:
    """Serves until a stop signal, then drains; at `place`, when several processes serve the port."""
    stopping = asyncio.Event()
    for number in stop_signals():
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        settings = await stack.enter_async_context(located(settings))
        stores = await stack.enter_async_context(open_stores(settings))
        realtime = Realtime(stores.ports, stores.feed)
        front = Front(place) if place else None
        exposition = await stack.enter_async_context(_exposed(settings, stores, place))
        runner = await _started(settings, stores, realtime, front, exposition)
        stack.push_async_callback(runner.cleanup)
        if place is None or place.index == 0:
            await _welcome(settings, stores, runner)
        # What the start left is here to stay: collections need not walk over it, and nobody waits for that.
        gc.collect()
        gc.freeze()
        log.info("server.ready")
        await stopping.wait()
        log.info("server.draining")
        if front is not None:
            front.stop_accepting()
        await realtime.drain()
        await realtime.stop()


@asynccontextmanager
async def _exposed(settings: Settings, stores: Stores, place: Place | None) -> AsyncIterator[Exposition]:
    """Metrics of this process, or of all at its port; on `METRICS_PORT` meanwhile."""
    async with (
        exposed(place.metrics, place.index) if place else exposed() as exposition,
        probe_site(
            settings.server_host,
            settings.metrics_port,
            stores.ports,
            exposition,
            setting="METRICS_PORT",
            shared=bool(place),
        ),
    ):
        yield exposition


async def _started(
    settings: Settings, stores: Stores, realtime: Realtime, front: Front | None, exposition: Exposition
) -> web.AppRunner:
    app = build_app(stores.ports, socket=_contract(realtime), exposition=exposition)
    app[READINESS]["room_feed"] = lambda: realtime.hearing
    app[READINESS]["accepting"] = lambda: not realtime.engine.draining
    realtime.attach(app)
    if front is not None:
        front.join(app, realtime.engine)
    runner = Runner(
        app,
        access_log=None,
        handle_signals=False,
        auto_decompress=False,  # a compressed body is refused, so it cannot be a bomb
        keepalive_timeout=KEEPALIVE_SECONDS,
        shutdown_timeout=REQUEST_GRACE_SECONDS,
    )
    await runner.setup()
    moderation.quick_check(WARM_UP)
    moderation.scan(WARM_UP)
    realtime.start()
    with listening(settings):
        if front is not None:
            await front.listen(runner)
        else:
            await web.TCPSite(runner, settings.server_host, settings.server_port, backlog=BACKLOG).start()
    return runner


def listening(settings: Settings) -> AbstractContextManager[None]:
    """Raises SettingsError for an address that is taken, or not ours."""
    address = f"{settings.server_host}:{settings.server_port}"
    return settings_to_blame("SERVER_HOST, SERVER_PORT", f"{address} cannot be listened on")


def _contract(realtime: Realtime) -> SocketContract:
    asked = contract.exchanges(realtime.cast)
    commands = {event: Exchange(*parts) for event, parts in asked.items()}
    return SocketContract(commands, contract.EVENTS, bare=contract.BARE, passing=contract.PASSING)


async def _welcome(settings: Settings, stores: Stores, runner: web.AppRunner) -> None:
    host, port = settings.server_host, settings.server_port or runner.addresses[0][1]
    lines = ["", f"  Anonymous Support is up: http://{host}:{port}", ""]
    lines += [f"  {name:<10} http://{host}:{port}{path}" for name, path in PLACES]
    if settings.server_env == "development":
        password = kept_secret(settings.data_dir / "secrets" / "demo_password")
        seeded = await seed(password, stores.ports)
        lines += ["", f"  Log in as {', '.join(seeded.handles)} with the password {password}"]
        lines += [f"  {OPERATOR} opens /ops/ and /moderation/, {MODERATOR} opens /moderation/"]
        lines += [
            f"  curl -s http://{host}:{port}/v1/auth/login -H 'Content-Type: application/json' \\",
            f'    -d \'{{"identifier": "{seeded.handles[-1]}", "password": "{password}"}}\'',
        ]
    sys.stdout.write("\n".join([*lines, "", "  Ctrl-C stops everything.", ""]) + "\n")
    sys.stdout.flush()


PLACES = (
    ("REST", "/v1/"),
    ("Socket.IO", "/socket.io/"),
    ("docs", "/docs"),
    ("operators", "/ops/"),
    ("moderators", "/moderation/"),
    ("health", "/health/ready"),
    ("metrics", "/metrics"),
)


def main() -> None:
    arguments = parsed_arguments()
    settings = configured(arguments)
    configure_logs(settings.log_level, settings.log_format, process="server")
    with worker_beside() if arguments.with_worker else nullcontext():
        code = run(settings)
    raise SystemExit(code)


def run(settings: Settings) -> int:
    """Serves in this process, or in several; returns the exit code."""
    allow_files(settings.connections_max + SPARE_FILES)
    if settings.server_processes == 1:
        run_one(settings)
        return 0
    with telling_why(), listening(settings):
        return supervise(
            settings.server_processes,
            lambda place: run_one(settings, place),
            host=settings.server_host,
            port=settings.server_port,
            stop_seconds=settings.drain_seconds + STOP_GRACE_SECONDS,
        )


def run_one(settings: Settings, place: Place | None = None) -> None:
    with telling_why(), tracing(settings, "server"):
        uvloop.run(serve(settings, place))


@contextmanager
def telling_why() -> Iterator[None]:
    """What an operator can mend ends the process with a sentence."""
    try:
        yield
    except SettingsError as error:
        raise SystemExit(f"The settings are wrong:\n{error}") from None
    except (EmbeddedStoresError, Unavailable) as error:
        raise SystemExit(f"The stores cannot be reached: {error}") from None


def allow_files(wanted: int) -> None:
    """A socket is a file, and many systems begin with 1,024 for each process, though they allow more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("server.few_files", allowed=allowed, wanted=wanted)


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The API and Socket.IO server.")
    parser.add_argument("--host", help="the address to listen on (SERVER_HOST)")
    parser.add_argument("--port", type=int, help="the port to listen on (SERVER_PORT)")
    parser.add_argument("--processes", type=int, help="processes that serve the port (SERVER_PROCESSES)")
    parser.add_argument("--with-worker", action="store_true", help="run a worker beside it")
    return parser.parse_args()


def configured(arguments: argparse.Namespace) -> Settings:
    given = {
        "server_host": arguments.host,
        "server_port": arguments.port,
        "server_processes": arguments.processes,
    }
    try:
        return load_settings(**{name: value for name, value in given.items() if value is not None})
    except SettingsError as error:
        raise SystemExit(f"The settings are wrong:\n{error}") from None


@contextmanager
def worker_beside() -> Iterator[None]:
    worker = WorkerBeside(started_worker)
    worker.start()
    try:
        yield
    finally:
        worker.stop()


def started_worker() -> "subprocess.Popen[bytes]":
    """It is told to stop when this process ends, however that ends."""
    command = [sys.executable, str(Path(__file__).with_name("run_worker.py"))]
    return subprocess.Popen(command, preexec_fn=child.before_exec(same_user(), signal.SIGTERM))


if __name__ == "__main__":
    main()
