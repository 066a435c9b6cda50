"""The operators' dashboard at `/ops/`: pages for people, `/ops/api/` for scripts, admins only."""

from pathlib import Path

from aiohttp import web

from api.address import Addresses
from api.endpoint import Endpoint
from api.health import PROBE
from api.keys import EXPOSITION, PORTS
from api.ops.pages import PAGES
from api.ops.scripts import Scripts
from api.ops.watch import Watch
from api.site import add_site
from api.site.site import Site
from domain import access

SITE = Site(
    path="/ops",
    title="Operations",
    who="operator",
    greeting="For operators. What you do here is recorded.",
    check=access.check_operator,
    tabs=(("/ops/", "Overview"), ("/ops/sos", "SOS"), ("/ops/jobs", "Jobs"), ("/ops/lanes", "Lanes")),
    templates=Path(__file__).parent / "templates",
)


def add_ops(app: web.Application, addresses: Addresses) -> None:
    """Expects the health routes to be there: the dashboard asks the same probe."""
    ports = app[PORTS]
    watch = Watch(ports, app[PROBE], app[EXPOSITION])
    add_site(app, SITE, PAGES, watch, addresses)
    for route in Scripts(watch).routes.table:
        app.router.add_route(route.method, route.path, Endpoint(route, ports, addresses).serve)
