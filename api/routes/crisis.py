"""Where somebody in a crisis can turn."""

import msgspec

from api.route import Routes
from domain import crisis
from domain.crisis import Audience, CrisisResources
from domain.ports import Ports

routes = Routes()
LANGUAGES_MAX = 8
AUDIENCES: dict[str | None, Audience] = {"adult": "adult", "youth": "youth"}


class CrisisQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`country` is an ISO 3166 code, `languages` BCP 47 tags between commas.

    Not strict like the others: whatever is wrong with the question, somebody may need the numbers now.
    """

    country: str | None = None
    audience: str | None = None
    languages: str = ""


@routes.public("GET", "/v1/crisis/resources", limit=None)
async def get_resources(query: CrisisQuery, _: Ports) -> CrisisResources:
    """Emergency numbers and helplines of a country; from memory, so they come with every store down."""
    languages = [tag.strip() for tag in query.languages.split(",")[:LANGUAGES_MAX] if tag.strip()]
    return crisis.resources_for(query.country, audience=AUDIENCES.get(query.audience), languages=languages)
