"""A small site for processes without one of their own: `/health/live`, `/health/ready`, `/metrics`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from domain.ports import Ports
from domain.settings import settings_to_blame
from telemetry.exposition import Exposition


@asynccontextmanager
async def probe_site(
    host: str,
    port: int,
    ports: Ports,
    exposition: Exposition,
    *,
    setting: str,
    shared: bool = False,
) -> AsyncIterator[None]:
    """Serves while the block runs; port 0 serves nothing. Raises SettingsError for a port that cannot be had.

    `setting` names the port; it is `shared` with those that `exposition` reads.
    """
    if port == 0:
        yield
        return

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_: web.Request) -> web.Response:
        found = await ports.probe()
        healthy = all(store.ok for store in found)
        stores = {store.name: store.ok for store in found}
        return web.json_response({"ready": healthy, "stores": stores}, status=200 if healthy else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=await exposition.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes(
        [web.get("/health/live", live), web.get("/health/ready", ready), web.get("/metrics", metrics)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        with settings_to_blame(f"SERVER_HOST, {setting}", f"{host}:{port} cannot be listened on"):
            await web.TCPSite(runner, host, port, reuse_port=shared).start()
        yield
    finally:
        await runner.cleanup()
