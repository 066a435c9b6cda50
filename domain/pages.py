"""Pages of a list: an opaque cursor says where the next one begins."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Generic, NamedTuple, TypeVar

import msgspec

from domain.clock import rfc3339
from domain.errors import Invalid
from domain.ids import parse_id
from domain.wire import View

Item = TypeVar("Item")
CURSOR_CHARACTERS_MAX = 200
Cursor = list[str | int]
Storable = list[str | Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]]
"""A cursor as it comes back: a number that we never gave must not reach a store."""


class Page(View, Generic[Item], frozen=True):
    items: list[Item]
    next_cursor: str | None


class Place(NamedTuple):
    """Where something stands in a list that is ordered by time, and among what is of the same time by id."""

    at: datetime
    id: str


def encode_cursor(position: Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def decode_cursor(text: str | None) -> Cursor | None:
    """The position, or a refusal: a cursor is only ever one that we gave."""
    if text is None:
        return None
    try:
        if len(text) > CURSOR_CHARACTERS_MAX:
            raise ValueError
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=Storable)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise Invalid("This cursor is not one of ours.", field="cursor") from None


def page_limit(asked: int | None, *, usual: int, most: int) -> int:
    """How many items a page holds; out of bounds is refused, not bent."""
    if asked is None:
        return usual
    if not 1 <= asked <= most:
        raise Invalid(f"A page holds 1 to {most} items.", field="limit")
    return asked


def position_of(place: Place) -> Cursor:
    return [rfc3339(place.at), place.id]


def place_of(cursor: Cursor | None) -> Place | None:
    """Raises `Invalid` for the cursor of another list."""
    match cursor:
        case None:
            return None
        case [str(at), str(id)]:
            return Place(_moment_of(at), parse_id(id, "cursor"))
    raise foreign_cursor()


def _moment_of(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise foreign_cursor() from None


def id_of(cursor: Cursor | None) -> str | None:
    """The place in a list that is ordered by id; raises `Invalid` for the cursor of another list."""
    match cursor:
        case None:
            return None
        case [str(id)]:
            return parse_id(id, "cursor")
    raise foreign_cursor()


def foreign_cursor() -> Invalid:
    return Invalid("This cursor belongs to another list.", field="cursor")


def next_cursor(found: Sequence[Place | str], limit: int) -> str | None:
    """Of a page of `limit` for which one more was asked: where it ends, None when nothing follows."""
    if len(found) <= limit:
        return None
    last = found[limit - 1]
    return encode_cursor([last] if isinstance(last, str) else position_of(last))
