"""Where somebody in a crisis can turn."""

import base64

import msgspec

from api.route import Routes
from domain import crisis
from domain.crisis import Audience, CrisisResources, Guidance
from domain.crisis.pack import ALGORITHM
from domain.errors import Unavailable
from domain.ports import Ports
from domain.wire import View

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


class PackKey(View, frozen=True):
    """The public half of the key that the offline pack is signed with, base64. Apps are built with it."""

    algorithm: str
    public_key: str


class Anything(msgspec.Struct, frozen=True):
    """Whatever a question says besides its address is not listened to."""


@routes.public("GET", "/v1/crisis/pack/key", limit=None)
async def get_pack_key(_: Anything, ports: Ports) -> PackKey:
    """The key to verify the offline pack with; to build an app with, not to ask for beside each pack."""
    if ports.signer is None:
        raise Unavailable("No key for the pack is configured here.")
    return PackKey(algorithm=ALGORITHM, public_key=base64.b64encode(ports.signer.public_key).decode())


@routes.public("GET", "/v1/crisis/guidance", limit=None)
async def get_guidance(_: Anything, __: Ports) -> Guidance:
    """The guided minute, the question what makes calling hard, and advice for who worries about somebody."""
    return crisis.GUIDANCE


@routes.public("GET", "/v1/crisis/resources", limit=None)
async def get_resources(query: CrisisQuery, _: Ports) -> CrisisResources:
    """Emergency numbers and helplines of a country; from memory, so they come with every store down."""
    languages = [tag.strip() for tag in query.languages.split(",")[:LANGUAGES_MAX] if tag.strip()]
    return crisis.resources_for(query.country, audience=AUDIENCES.get(query.audience), languages=languages)
