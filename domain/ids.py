"""Ids: UUIDv7 (RFC 9562 §5.7) in text, ordered by the millisecond of their making; not of people."""

import secrets
import time
import uuid

from domain.errors import Invalid

EVENTS = uuid.UUID("5d0f3a52-3a0c-5a7e-9b43-6a1f64f0a9c1")
"""Namespace of event ids that are derived from what they tell about."""


def new_id() -> str:
    """A fresh UUIDv7: 48 bits of Unix milliseconds, then randomness."""
    return _version_7((time.time_ns() // 1_000_000) << 80 | secrets.randbits(80))


def _version_7(value: int) -> str:
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def random_id() -> str:
    """A fresh UUIDv7 of a moment drawn at random (RFC 9562 §6.1), for who must not tell when they came."""
    return _version_7(secrets.randbits(128))


def derived_id(*parts: str) -> str:
    """The same id for the same parts, on every server and every retry (UUIDv5)."""
    return str(uuid.uuid5(EVENTS, "\x1f".join(parts)))


def parse_id(text: str, field: str = "id") -> str:
    """The id in canonical text, or a refusal that names `field`."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise Invalid("This is not an id.", field=field) from None
