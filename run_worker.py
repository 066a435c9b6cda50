"""Runs the background workers: `python run_worker.py`. Every setting is in `.env.example`."""

import asyncio
import gc
from contextlib import AsyncExitStack

import structlog
import uvloop

from db.embedded import EmbeddedStoresError
from db.stores import Stores, located, open_stores
from domain import moderation
from domain.errors import Unavailable
from domain.settings import Settings, SettingsError, load_settings
from telemetry.exposition import Exposition
from telemetry.logs import configure_logs
from telemetry.probe import probe_site
from telemetry.signals import stop_signals
from telemetry.tracing import tracing
from workers import jobs
from workers.loop import cancel_all
from workers.recovery import Recovery
from workers.relay import Relay
from workers.waiting import watch_waiting
from workers.worker import Workers

log = structlog.get_logger("run_worker")

WARM_UP = "The first text compiles the patterns; it should not be somebody's SOS."


async def work(settings: Settings) -> None:
    """Works until a stop signal, then finishes what is running."""
    stopping = asyncio.Event()
    for number in stop_signals():
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        located_settings = await stack.enter_async_context(located(settings))
        stores = await stack.enter_async_context(open_stores(located_settings))
        workers = Workers(stores.ports, redis=stores.queue.redis, settings=located_settings.jobs)
        beside = [
            asyncio.create_task(relay_of(stores).run(), name="relay"),
            asyncio.create_task(watch_waiting(stores.ports), name="sos-waiting"),
        ]
        await stack.enter_async_context(
            probe_site(
                settings.server_host, settings.worker_port, stores.ports, Exposition(), setting="WORKER_PORT"
            )
        )
        moderation.scan(WARM_UP)
        await workers.start()
        # What the start left is here to stay: collections need not walk over it.
        gc.collect()
        gc.freeze()
        log.info("worker.ready", jobs=sorted(jobs.__all__))
        await stopping.wait()
        await cancel_all(beside, within_seconds=located_settings.store_timeout_seconds)
        await workers.stop()


def relay_of(stores: Stores) -> Relay:
    recovery = Recovery(stores.ports.jobs, stores.ports.queue, stores.ports.settings.jobs)
    return Relay(stores.ports, recover=recovery.tick)


def main() -> None:
    try:
        settings = load_settings()
    except SettingsError as error:
        raise SystemExit(f"The settings are wrong:\n{error}") from None
    configure_logs(settings.log_level, settings.log_format, process="worker")
    run(settings)


def run(settings: Settings) -> None:
    try:
        with tracing(settings, "worker"):
            uvloop.run(work(settings))
    except SettingsError as error:
        raise SystemExit(f"The settings are wrong:\n{error}") from None
    except (EmbeddedStoresError, Unavailable) as error:
        raise SystemExit(f"The stores cannot be reached: {error}") from None


if __name__ == "__main__":
    main()
