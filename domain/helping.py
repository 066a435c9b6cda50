"""Helping: how somebody wants to be asked for help."""

from typing import Annotated

import msgspec

from domain.accounts import User
from domain.ports import Ports
from domain.wire import END, Command, Slug, View

MAX_OPEN = 5
Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}" + END)]
"""ISO 639, as in BCP 47 without a region."""


class HelperSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `helper_settings`. Empty lists mean any."""

    account_id: str
    opted_in: bool = False
    categories: list[str] = []
    languages: list[str] = []
    max_open: int = MAX_OPEN


class EditHelping(Command, frozen=True):
    """`opted_in`: ask me of an SOS also when I am not here. `max_open`: how many at once at most."""

    opted_in: bool
    categories: Annotated[list[Slug], msgspec.Meta(max_length=20)] = []
    languages: Annotated[list[Language], msgspec.Meta(max_length=10)] = []
    max_open: Annotated[int, msgspec.Meta(ge=1, le=50)] = MAX_OPEN


class Helping(View, frozen=True):
    opted_in: bool
    categories: list[str]
    languages: list[str]
    max_open: int


async def get_helping(user: User, ports: Ports) -> Helping:
    return _view(await ports.records.helpers.get(user.id) or HelperSettings(account_id=user.id))


async def edit_helping(command: EditHelping, user: User, ports: Ports) -> Helping:
    settings = HelperSettings(
        account_id=user.id,
        opted_in=command.opted_in,
        categories=sorted(set(command.categories)),
        languages=sorted(set(command.languages)),
        max_open=command.max_open,
    )
    await ports.records.helpers.put(settings)
    return _view(settings)


def _view(settings: HelperSettings) -> Helping:
    return Helping(
        opted_in=settings.opted_in,
        categories=settings.categories,
        languages=settings.languages,
        max_open=settings.max_open,
    )
