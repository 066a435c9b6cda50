"""The bundled data: read once when the module is imported, never again."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from domain.crisis.countries import COUNTRIES, WORLDWIDE

BUNDLE_PATH = Path(__file__).parent / "data" / "resources.json"

Kind = Literal[
    "suicide",
    "crisis",
    "emotional_support",
    "mental_health",
    "youth",
    "substance_use",
    "gambling",
    "peer_support",
    "directory",
]
Service = Literal["ambulance", "fire", "police"]
Language = Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}$")]
Text = Annotated[str, msgspec.Meta(min_length=1)]


class Helpline(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One way to reach people. `hours` of null means unknown: never show that as 24/7.

    `languages` is what a source or the name says and may be incomplete. `seen` is the date of the newest
    evidence for the entry. `phone` is to be shown and may have a suffix to dial; `phone_e164` can be dialled.
    """

    name: Text
    kinds: Annotated[tuple[Kind, ...], msgspec.Meta(min_length=1)]
    languages: tuple[Language, ...]
    hours: Text | None
    phone: Text | None = None
    phone_e164: Annotated[str, msgspec.Meta(pattern=r"^\+[1-9][0-9]{5,14}$")] | None = None
    sms: Text | None = None
    chat_url: Annotated[str, msgspec.Meta(pattern="^https?://")] | None = None
    website: Annotated[str, msgspec.Meta(pattern="^https?://")] | None = None
    audience: Text | None = None
    seen: Annotated[str, msgspec.Meta(pattern="^20[0-9]{2}-[0-9]{2}(-[0-9]{2})?$")] | None = None


class EmergencyNumber(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number and the services it is evidenced for; none named means the general one."""

    number: Annotated[str, msgspec.Meta(pattern="^[0-9]{2,10}$")]
    services: tuple[Service, ...]


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All countries' helplines and emergency numbers, and the day on which they were put together."""

    built: Annotated[str, msgspec.Meta(pattern="^20[0-9]{2}-[0-9]{2}-[0-9]{2}$")]
    emergency: dict[str, tuple[EmergencyNumber, ...]]
    helplines: dict[str, tuple[Helpline, ...]]


def load_bundle(text: bytes) -> Bundle:
    """The validated bundle. Raises ValueError when anything in it is not as it must be."""
    bundle = msgspec.json.decode(text, type=Bundle)
    if unknown := (bundle.emergency.keys() | bundle.helplines.keys()) - COUNTRIES - {WORLDWIDE}:
        raise ValueError(f"not country codes: {sorted(unknown)}")
    for country, lines in bundle.helplines.items():
        for line in lines:
            if not (line.phone or line.sms or line.chat_url or line.website):
                raise ValueError(f"{country}: {line.name} cannot be reached in any way")
    return bundle


BUNDLE = load_bundle(BUNDLE_PATH.read_bytes())
