"""The moderators' pages at `/moderation/`: the queue, one case, appeals; for moderators and admins."""

from pathlib import Path

from aiohttp import web

from api.address import Addresses
from api.moderation.pages import PAGES
from api.site import add_site
from api.site.site import Site
from domain import access

SITE = Site(
    path="/moderation",
    title="Moderation",
    who="moderator",
    greeting="For moderators. What you take and decide is recorded.",
    check=access.check_moderator,
    tabs=(
        ("/moderation/", "Queue"),
        ("/moderation/queue/risk", "Danger"),
        ("/moderation/queue/conduct", "Conduct"),
        ("/moderation/queue/appeal", "Appeals"),
    ),
    templates=Path(__file__).parent / "templates",
)


def add_moderation(app: web.Application, addresses: Addresses) -> None:
    add_site(app, SITE, PAGES, None, addresses)
