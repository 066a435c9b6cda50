"""Text that people typed: what we accept before anything is stored."""

import unicodedata

from domain.decoding import UNSTORABLE, storable
from domain.errors import Invalid


def storable_text(text: str, field: str) -> str:
    """`text` stripped, or a refusal: lone surrogates and NUL cannot be stored."""
    if not storable(text):
        raise Invalid(UNSTORABLE, field=field)
    return text.strip()


def accepted_text(text: str, field: str, *, characters_max: int, characters_min: int = 1) -> str:
    """As `storable_text`, and a refusal of what says nothing, or is too short or too long."""
    stripped = storable_text(text, field)
    if not any(visible(character) for character in stripped):
        raise Invalid("Please write something.", field=field)
    if len(stripped) < characters_min:
        raise Invalid(f"Please use at least {characters_min} characters.", field=field)
    if len(stripped) > characters_max:
        raise Invalid(f"Please use at most {characters_max} characters.", field=field)
    return stripped


def visible(character: str) -> bool:
    """False for spaces, controls and format characters (zero-width and the like)."""
    return unicodedata.category(character) not in {"Cc", "Cf", "Zs", "Zl", "Zp", "Mn"}
