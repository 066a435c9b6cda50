"""Base classes of everything that crosses the wire: strict coming in, plain going out."""

from typing import Annotated, Literal

import msgspec

END = r"$(?!\n)"
"""The end of the text and nothing after it: Python's `$` alone would let a line break pass."""

Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}" + END)]
"""In lower case, as we give it: one thing has one name, and a room too."""
ClientId = Annotated[str, msgspec.Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+" + END)]
"""Chosen by the client, once per thing it means to make; a retry sends the same one."""
Slug = Annotated[str, msgspec.Meta(min_length=1, max_length=32, pattern=r"^[a-z0-9_]+" + END)]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}" + END)]
"""ISO 3166-1 alpha-2, chosen by the person, never guessed from an address."""
Timezone = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+/-]+" + END)]
Lane = Literal["urgent", "default", "bulk"]


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a client asks for; fields it does not know are refused."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What a client is shown."""


class Nothing(Command, frozen=True):
    """A command without fields."""
