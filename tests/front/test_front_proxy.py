"""Behind a reverse proxy that keeps its connections and uses each for whatever comes next."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import socketio
from aiohttp import web
from front_harness import DEADLINE_SECONDS, Service, owner, within


class Proxy:
    """`reused`: how often a request went over a connection that had carried another before."""

    def __init__(self, upstream: str) -> None:
        self.reused = 0
        self._upstream = upstream
        self._tracing = aiohttp.TraceConfig()
        self._tracing.on_connection_reuseconn.append(self._count)

    async def _count(self, *event: object) -> None:
        self.reused += 1

    async def pass_on(self, request: web.Request) -> web.Response:
        url = self._upstream + request.path_qs
        async with self.session.request(request.method, url, data=await request.read()) as answer:
            headers = {"Content-Type": answer.headers["Content-Type"]}
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)

    async def start(self) -> str:
        self.session = aiohttp.ClientSession(trace_configs=[self._tracing])
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.pass_on)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self.session.close()


@pytest.fixture
async def proxy(service: Service) -> AsyncIterator[Proxy]:
    made = Proxy(service.url)
    yield made
    await made.stop()


async def test_sessions_of_all_workers_share_the_proxys_connections(proxy: Proxy) -> None:
    url = await proxy.start()
    clients = [socketio.AsyncClient() for _ in range(20)]
    patient = {"transports": ["polling"], "wait_timeout": DEADLINE_SECONDS}
    await within(asyncio.gather(*(client.connect(url, **patient) for client in clients)))
    assert {owner(client.eio.sid) for client in clients} == {0, 1, 2}
    for turn in range(10):
        calls = (client.call("message-with-ack", [turn, n]) for n, client in enumerate(clients))
        assert await within(asyncio.gather(*calls)) == [[turn, n] for n in range(20)]
    assert proxy.reused > 20
    await within(asyncio.gather(*(client.disconnect() for client in clients)))
