"""Sites of server-rendered pages for people with a role, each with a login and a session of its own.

Operators have one, moderators another. They share all of this, and neither opens the other.
"""

from typing import TypeVar

from aiohttp import hdrs, web

from api.address import Addresses
from api.keys import PORTS
from api.site.assets import add_assets
from api.site.desk import Desk, Page, Pages
from api.site.login import Login, log_out
from api.site.rendering import Templates
from api.site.site import Site
from domain.wire import Nothing

K = TypeVar("K")


def add_site(app: web.Application, site: Site, pages: Pages[K], kept: K, addresses: Addresses) -> None:
    """`kept` is at hand for every page."""
    ports = app[PORTS]
    templates = Templates(site, add_assets(app, site))
    desk = Desk(site, ports, templates, kept)
    for page in (*pages.table, Page(hdrs.METH_POST, f"{site.path}/logout", log_out, Nothing)):
        add = app.router.add_get if page.method == hdrs.METH_GET else app.router.add_post
        add(page.path, desk.serving(page))
    login = Login(site, ports, addresses, templates)
    app.router.add_get(site.login, login.show)
    app.router.add_post(site.login, login.enter)

    async def to_home(_: web.Request) -> web.Response:
        """The pages' addresses are relative to the folder."""
        return web.Response(status=308, headers={hdrs.LOCATION: site.home})

    app.router.add_get(site.path, to_home)
