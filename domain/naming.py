"""Naming: what may stand on the door of a circle, beside a face, or under a post as a label.

Names are read by everybody, without a warning before them and with nobody to hold them back, so they are
checked before they are kept. Whoever sounds as if in danger is not refused for it: they are offered help.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from domain import moderation
from domain.errors import Invalid
from domain.moderation import AT_RISK, Label, ScanContext, Verdict

SHORT_WORDS = 4
"""Of so few words the classifier sees too little to be believed as it is of a text."""
SURE: dict[Label, float] = {
    "harassment": 0.6,
    "sexual_or_grooming": 0.95,
    "sourcing": 0.85,
    "spam": 0.9,
    "contact_exchange": 0.99,
}
"""Scores from which a name of a few words, or a label, is refused; others never are for their words alone."""
WORDS = """
    abuse addict addiction alcohol alcoholic alone anger anxious anxiety benzos cannabis clean cocaine crack
    craving cravings depressed depression disorder drinking drugs eating fentanyl food gambling gaming grief
    harm heroin hurt insomnia internet lonely loneliness love meth nicotine opioids oxy pain painkillers panic
    pills porn pregnant recovery relapse self sex shame shopping smoking sober spending speed stress sugar
    suicidal suicide trauma vaping weed withdrawal work
"""
TROUBLES = frozenset(WORDS.split())
"""What people come here for. A name of nothing but these words is never taken for an offence."""
NO_CONTACTS = "Please leave out what others could find you by: here everybody stays anonymous."
UNKIND = "Please choose other words: everybody here will read them."
STAFF_ONLY = "Please choose another name: this one sounds like those who run this place."

STAFF = frozenset(
    {
        *("admin", "admins", "mod", "mods", "moderators", "moderation", "official", "operator", "operators"),
        *("helpdesk", "helpline", "staff", "sysadmin", "system"),
    }
)
"""Words in a handle by which somebody in need would take a stranger for one of us."""
WHOLE = frozenset({"crisis", "crisisteam", "safety", "safetyteam", "somebody", "support", "team"})
"""No handle is just these, or one with a number: `somebody` is who is gone. `need-support` is fine."""
STAFF_NAMES = ("admin", "anonymoussupport", "crisisline", "moderator", "supportteam")
"""No handle begins like these, however its words are divided."""
LOOKALIKES = str.maketrans("01345", "oieas")
DIGITS = "0123456789"

SLUGS_KEPT = 4096
"""Most labels are the same few words, which need not be read again."""

Place = Literal["circle", "profile"]
SEPARATORS = re.compile(r"[-_]+")


def check_text(text: str, field: str, place: Place) -> bool:
    """Whether its writer sounds as if in danger; refuses contacts and what would be kept from others."""
    verdict = _read(text, place)
    _check(text, verdict, field, sure=len(text.split()) <= SHORT_WORDS)
    return verdict.shows_help


def check_handle(handle: str, field: str) -> None:
    """A handle or an avatar is words with dashes between them."""
    words = words_of(handle)
    _check(words, _read(words, "profile"), field, sure=True)


def _check(text: str, verdict: Verdict, field: str, *, sure: bool) -> None:
    why = refusal_of(verdict, sure=sure)
    if why is not None and not names_a_trouble(text):
        raise Invalid(why, field=field)


def check_not_staff(handle: str, field: str) -> None:
    """Nobody calls themself what only those who run this are."""
    words = [plain(word) for word in SEPARATORS.split(handle.lower())]
    whole = "".join(words)
    if STAFF.intersection(words) or whole.startswith(STAFF_NAMES) or whole in STAFF | WHOLE:
        raise Invalid(STAFF_ONLY, field=field)


def plain(word: str) -> str:
    """Without a number at its end, and with the letters that digits stand for."""
    return word.rstrip(DIGITS).translate(LOOKALIKES)


def check_slugs(slugs: Iterable[str], field: str) -> None:
    """Categories and tags."""
    if not all(is_fit(slug) for slug in slugs):
        raise Invalid(UNKIND, field=field)


@lru_cache(SLUGS_KEPT)
def is_fit(slug: str) -> bool:
    words = words_of(slug)
    return names_a_trouble(words) or refusal_of(_read(words, "profile"), sure=True) is None


def names_a_trouble(text: str) -> bool:
    return all(word in TROUBLES for word in text.casefold().split())


def words_of(name: str) -> str:
    return SEPARATORS.sub(" ", name)


def refusal_of(verdict: Verdict, *, sure: bool) -> str | None:
    """Why a name is refused, in words for its writer. `sure`: it is short, so the scores must be high."""
    if AT_RISK & set(verdict.labels):
        return None
    if verdict.masked_text is not None:
        return NO_CONTACTS
    labels = _certain(verdict) if sure else list(verdict.labels) if verdict.restricts else []
    if not labels:
        return None
    return NO_CONTACTS if labels == ["contact_exchange"] else UNKIND


def _certain(verdict: Verdict) -> list[Label]:
    return [label for label in verdict.labels if verdict.scores[label] >= SURE.get(label, 1.1)]


def _read(text: str, place: Place) -> Verdict:
    return moderation.scan(text, context=ScanContext(kind=place))
