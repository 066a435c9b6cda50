"""Runs the server: `python run_server.py [--processes N] [--with-worker]`; settings: `.env.example`."""

import argparse
import asyncio
import signal
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
import uvloop
from aiohttp import web
from api.app import READINESS, build_app

from db.embedded import EmbeddedStoresError
from db.secrets import kept_secret
from db.stores import Stores, located, open_stores
from domain.errors import Unavailable
from domain.seeding import seed
from domain.settings import Settings, SettingsError, load_settings
from realtime.server import Realtime
from telemetry.logs import configure_logs

log = structlog.get_logger("run_server")


async def serve(settings: Settings, *, announce: bool) -> None:
    """Serves until SIGTERM or SIGINT, then drains."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        settings = await stack.enter_async_context(located(settings))
        stores = await stack.enter_async_context(open_stores(settings))
        realtime = Realtime(stores.ports, stores.feed)
        runner = await _started(settings, stores, realtime)
        stack.push_async_callback(runner.cleanup)
        if announce:
            await _welcome(settings, stores, runner)
        log.info("server.ready")
        await stopping.wait()
        log.info("server.draining")
        await realtime.drain()
        await realtime.stop()


async def _started(settings: Settings, stores: Stores, realtime: Realtime) -> web.AppRunner:
    app = build_app(stores.ports)
    app[READINESS]["room_feed"] = lambda: realtime.hearing
    realtime.attach(app)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    realtime.start()
    await web.TCPSite(runner, settings.server_host, settings.server_port, backlog=4096).start()
    return runner


async def _welcome(settings: Settings, stores: Stores, runner: web.AppRunner) -> None:
    host, port = runner.addresses[0][:2]
    lines = ["", f"  Anonymous Support is up: http://{host}:{port}", ""]
    lines += [f"  {name:<10} http://{host}:{port}{path}" for name, path in PLACES]
    if settings.server_env == "development":
        password = kept_secret(settings.data_dir / "secrets" / "demo_password")
        seeded = await seed(password, stores.ports)
        lines += ["", f"  Log in as {', '.join(seeded.handles)} with the password {password}"]
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
    ("health", "/health/ready"),
    ("metrics", "/metrics"),
)


def main() -> None:
    arguments = parsed_arguments()
    settings = configured(arguments)
    configure_logs(settings.log_level, settings.log_format, process="server")
    worker = started_worker() if arguments.with_worker else None
    try:
        uvloop.run(serve(settings, announce=True))
    except (EmbeddedStoresError, Unavailable) as error:
        raise SystemExit(f"The stores cannot be reached: {error}") from None
    finally:
        if worker is not None:
            worker.send_signal(signal.SIGTERM)
            worker.wait()


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


def started_worker() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, str(Path(__file__).with_name("run_worker.py"))])


if __name__ == "__main__":
    main()
