"""Where somebody in a crisis can turn, by the country they chose. Works with every store down."""

from collections.abc import Sequence

import msgspec

from domain.crisis.bundle import BUNDLE, EmergencyNumber, Helpline
from domain.crisis.countries import COUNTRIES, WORLDWIDE, known_country
from domain.crisis.guidance import ONE_MINUTE_STEP, Step
from domain.crisis.order import AUDIENCES_WITH_UNKNOWN, Audience, in_order

NOTE = (
    "These numbers were collected from public lists and may have changed; each says when it was last seen. "
    "If one does not answer, try the next."
)
LOCAL_SERVICES = "If a life is in danger, call your local emergency services now."


class CrisisResources(msgspec.Struct, frozen=True, omit_defaults=True):
    """The `crisis` shape of the wire: emergency numbers first, then the lines in the order to show them.

    `country` is ZZ when we know nothing about the one that was asked for; `emergency` is empty then, and
    `emergency_note` says it in words. `step` is null when it was not asked for.
    """

    country: str
    emergency: tuple[str, ...]
    emergency_services: tuple[EmergencyNumber, ...]
    emergency_note: str
    resources: tuple[Helpline, ...]
    note: str
    step: Step | None


def resources_for(
    country: str | None,
    *,
    audience: Audience | None = None,
    languages: Sequence[str] = (),
    step: Step | None = ONE_MINUTE_STEP,
) -> CrisisResources:
    """The resources of `country`, an ISO 3166 code in any case; worldwide ones for None and the unknown.

    `audience` and `languages` (BCP 47 tags) change the order alone: nobody's only line is hidden from them.
    """
    found = _PREPARED[known_country(country) or WORLDWIDE, audience]
    if not languages and step is ONE_MINUTE_STEP:
        return found
    lines = with_directory(found.country, audience, languages) if languages else found.resources
    return msgspec.structs.replace(found, resources=lines, step=step)


def prepare(country: str, audience: Audience | None) -> CrisisResources:
    """What `resources_for` answers for one country and audience, made when the module is imported."""
    numbers = BUNDLE.emergency.get(country, ())
    known = bool(numbers or country in BUNDLE.helplines)
    return CrisisResources(
        country=country if known else WORLDWIDE,
        emergency=tuple(number.number for number in numbers),
        emergency_services=numbers,
        emergency_note=emergency_note(numbers),
        resources=with_directory(country, audience, ()),
        note=NOTE,
        step=ONE_MINUTE_STEP,
    )


def with_directory(country: str, audience: Audience | None, languages: Sequence[str]) -> tuple[Helpline, ...]:
    """The lines of a country, then the worldwide ones that it lacks; and always findahelpline.com."""
    own = in_order(BUNDLE.helplines.get(country, ()), audience, languages)
    if country == WORLDWIDE or not own:
        return _EVERYWHERE
    if any("substance_use" in line.kinds for line in own):
        return (*own, _DIRECTORY)
    return (*own, *_SUBSTANCE_USE_EVERYWHERE, _DIRECTORY)


def emergency_note(numbers: Sequence[EmergencyNumber]) -> str:
    """What to do when a life is in danger, in words."""
    if not numbers:
        return LOCAL_SERVICES
    others = "".join(f" or {number.number}" for number in numbers[1:] if not number.services)
    return f"If a life is in danger, call {numbers[0].number}{others} now."


_EVERYWHERE = in_order(BUNDLE.helplines[WORLDWIDE], None, ())
_DIRECTORY = next(line for line in _EVERYWHERE if line.website == "https://findahelpline.com")
_SUBSTANCE_USE_EVERYWHERE = tuple(line for line in _EVERYWHERE if "substance_use" in line.kinds)
_PREPARED = {
    (country, audience): prepare(country, audience)
    for country in (*COUNTRIES, WORLDWIDE)
    for audience in AUDIENCES_WITH_UNKNOWN
}
