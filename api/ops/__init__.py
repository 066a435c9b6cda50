"""The operators' dashboard at `/ops/`: pages for people, `/ops/api/` for scripts, admins only."""

from aiohttp import hdrs, web

from api.address import Addresses
from api.endpoint import Endpoint
from api.health import PROBE
from api.keys import EXPOSITION, PORTS
from api.ops.assets import add_assets
from api.ops.desk import Desk
from api.ops.login import Login
from api.ops.pages import PAGES
from api.ops.rendering import Templates
from api.ops.scripts import Scripts
from api.ops.watch import Watch


def add_ops(app: web.Application, addresses: Addresses) -> None:
    """Expects the health routes to be there: the dashboard asks the same probe."""
    ports = app[PORTS]
    watch = Watch(ports, app[PROBE], app[EXPOSITION])
    templates = Templates(add_assets(app))
    desk = Desk(ports, watch, templates)
    app.router.add_get("/ops", to_overview)
    for page in PAGES.table:
        add = app.router.add_get if page.method == hdrs.METH_GET else app.router.add_post
        add(page.path, desk.serving(page))
    login = Login(ports, addresses, templates)
    app.router.add_get("/ops/login", login.show)
    app.router.add_post("/ops/login", login.enter)
    for route in Scripts(watch).routes.table:
        app.router.add_route(route.method, route.path, Endpoint(route, ports, addresses).serve)


async def to_overview(_: web.Request) -> web.Response:
    """The pages' addresses are relative to the folder."""
    return web.Response(status=308, headers={hdrs.LOCATION: "/ops/"})
