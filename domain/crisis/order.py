"""In which order a country's helplines are shown.

Nothing is ever left out: the order is all that age and language change.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Literal
from urllib.parse import urlsplit

from domain.crisis.bundle import Helpline

Audience = Literal["adult", "youth"]
AUDIENCES_WITH_UNKNOWN: tuple[Audience | None, ...] = (None, "adult", "youth")

# Lower is shown first. When the age is unknown, youth lines come right after the crisis lines: a child may be
# reading.
CRISIS_NOW, CRISIS, YOUTH, SUBSTANCE_USE, LISTENING, GAMBLING, REST = range(7)
YOUTH_PLACE: dict[Audience | None, float] = {None: YOUTH, "youth": -1, "adult": REST + 1}
TALKING = frozenset({"suicide", "crisis", "emotional_support", "mental_health", "youth"})
SAME_LANGUAGE = {"nb": "no", "nn": "no", "tl": "fil", "iw": "he", "cmn": "zh", "yue": "zh"}


def in_order(
    lines: Iterable[Helpline], audience: Audience | None, languages: Sequence[str]
) -> tuple[Helpline, ...]:
    """The lines, best first; those of one service (adult and youth, two languages) side by side."""
    spoken = frozenset(map(primary_language, languages))
    ranked = sorted(lines, key=lambda line: rank(line, audience, spoken))
    services: dict[str, list[Helpline]] = {}
    for line in ranked:
        services.setdefault(service(line), []).append(line)
    return tuple(chain.from_iterable(services.values()))


def rank(line: Helpline, audience: Audience | None, spoken: frozenset[str]) -> tuple[bool, float, bool, bool]:
    """What a line is sorted by: can I talk there in a language of mine, topic, for everybody first."""
    mine = not spoken or not spoken.isdisjoint(line.languages)
    can_talk = mine and not TALKING.isdisjoint(line.kinds)
    place = topic(line)
    narrowed = line.audience is not None and place != YOUTH
    # Without languages the first item would put listening before substance use.
    return (
        bool(spoken) and not can_talk,
        YOUTH_PLACE[audience] if place == YOUTH else place,
        narrowed,
        not mine,
    )


def topic(line: Helpline) -> int:
    """The place of a line by what it is for."""
    kinds = frozenset(line.kinds)
    if "youth" in kinds:
        return YOUTH
    if kinds & {"suicide", "crisis"}:
        return CRISIS_NOW if is_round_the_clock(line) else CRISIS
    if "substance_use" in kinds:
        return SUBSTANCE_USE
    if kinds & {"emotional_support", "mental_health"}:
        return LISTENING
    return GAMBLING if "gambling" in kinds else REST


def is_round_the_clock(line: Helpline) -> bool:
    """Whether a source says 24/7; unknown hours do not count."""
    return line.hours is not None and line.hours.startswith("24/7")


def service(line: Helpline) -> str:
    """What tells that two entries belong together: the site, or else the name."""
    host = urlsplit(line.website or "").hostname
    return host.removeprefix("www.") if host else line.name


def primary_language(tag: str) -> str:
    """The language of a BCP 47 tag, by the code that the data uses: `pt-BR` is `pt`, `nb` is `no`."""
    code = tag.strip().lower().replace("_", "-").partition("-")[0]
    return SAME_LANGUAGE.get(code, code)
