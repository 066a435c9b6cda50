"""The REST application: `build_app(ports)`; the entry point attaches Socket.IO to it and serves it."""

from aiohttp import web

from api.address import Addresses
from api.asyncapi import Exchange, SocketContract
from api.docs import add_docs
from api.edge import make_edge
from api.endpoint import Endpoint, json_answer
from api.health import add_health
from api.keys import EXPOSITION, PATHS, PORTS, READINESS
from api.metrics import show_metrics
from api.moderation import add_moderation
from api.ops import add_ops
from api.pack import add_pack
from api.route import Route
from api.routes import ROUTES
from api.security import Security
from domain.ports import Ports
from telemetry.exposition import Exposition

__all__ = ["PORTS", "READINESS", "Exchange", "SocketContract", "build_app"]

INDEX = {
    "name": "Anonymous Support",
    "version": 1,
    "docs": "/docs",
    "openapi": "/docs/openapi.json",
    "health": "/health",
    "crisis_resources": "/v1/crisis/resources",
    "crisis_guidance": "/v1/crisis/guidance",
    "crisis_pack": "/v1/crisis/pack",
}


def build_app(
    ports: Ports, *, socket: SocketContract | None = None, exposition: Exposition | None = None
) -> web.Application:
    """Raises `SettingsError` for trusted proxies that are not networks.

    `socket` describes the Socket.IO events, for the AsyncAPI document; without it there is none. `exposition`
    reads the metrics, those of this process alone if it is not given.
    """
    app = web.Application(middlewares=[make_edge(Security(ports.settings))])
    app[PORTS] = ports
    app[EXPOSITION] = exposition or Exposition()
    addresses = Addresses(ports.settings.trusted_proxies, ports.cipher)
    for route in ROUTES:
        add_route(app, route, Endpoint(route, ports, addresses))
    app.router.add_get("/", show_index)
    app.router.add_get("/v1/", show_index)
    app.router.add_get("/metrics", show_metrics)
    add_health(app)
    add_pack(app)
    add_docs(app, socket)
    add_ops(app, addresses)
    add_moderation(app, addresses)
    app[PATHS] = frozenset(resource.canonical for resource in app.router.resources())
    return app


def add_route(app: web.Application, route: Route, endpoint: Endpoint) -> None:
    """HEAD comes with GET."""
    methods = ("GET", "HEAD") if route.method == "GET" else (route.method,)
    resource = app.router.add_resource(route.path)
    for method in methods:
        resource.add_route(method, endpoint.serve)


async def show_index(request: web.Request) -> web.Response:
    """Where everything is."""
    return json_answer(INDEX)
