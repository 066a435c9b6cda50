"""Decoding what clients send: a command, or a refusal that names the field and repeats nothing."""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from domain.errors import Invalid

T = TypeVar("T")

FIELD = re.compile(r" - at (?:`key` in )?`\$((?:\.[a-z_][a-z0-9_]{0,40}|\[\.\.\.\]|\[\d+\])+)`$")
KNOWN_FIELD = re.compile(r"^(Object (?:contains unknown|missing required) field) `([a-z_][a-z0-9_]{0,40})`")
NAME = re.compile(r"[a-z_][a-z0-9_]{0,40}\Z")
UNSTORABLE = "The text has characters that cannot be stored."


def decoded(decoder: "msgspec.json.Decoder[T]", text: bytes) -> T:
    """The command in a JSON text (nothing at all counts as `{}`); raises `Invalid`."""
    try:
        return decoder.decode(text or b"{}")
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise not_json(text) from None


def converted(values: Mapping[str, object], command: type[T]) -> T:
    """The command in named texts, as they come in an address (and a file); raises `Invalid`."""
    try:
        return msgspec.convert(values, command, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None


def invalid(text: str) -> Invalid:
    """msgspec's message without values: field names of ours and type names are all that is kept."""
    path = FIELD.search(text)
    field = path.group(1).replace("[...]", "").strip(".") if path else None
    message = FIELD.sub("", text)
    if (known := KNOWN_FIELD.match(message)) is not None:
        return Invalid(f"{known.group(1)}.", field=".".join(part for part in (field, known.group(2)) if part))
    if message.startswith(("Invalid enum value", "Object contains unknown")):
        message = message.split(" '")[0].split(" `")[0]
    if " matching regex " in message:
        message = "This does not have the expected form"
    return Invalid(f"{message}.", field=field)


def not_json(text: bytes) -> Invalid:
    """JavaScript sends half of a character pair (a lone surrogate) as JSON that no text can hold."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return Invalid("Expected one JSON object.")
    fields = values.items() if isinstance(values, dict) else ()
    half = next((name for name, value in fields if NAME.match(name) and not storable(value)), None)
    return Invalid(UNSTORABLE, field=half)


def storable(value: Any) -> bool:
    """False for text with NUL or lone surrogates; everything but text is storable."""
    if not isinstance(value, str):
        return True
    return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
