"""Pages of a list: an opaque cursor says where the next one begins."""

import base64
import binascii
from typing import Annotated, Generic, TypeVar

import msgspec

from domain.errors import Invalid
from domain.wire import View

Item = TypeVar("Item")
CURSOR_CHARACTERS_MAX = 200
Cursor = list[str | int]
Storable = list[str | Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]]
"""A cursor as it comes back: a number that we never gave must not reach a store."""


class Page(View, Generic[Item], frozen=True):
    items: list[Item]
    next_cursor: str | None


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
