"""Export: everything a person gave us, for the person, in pages that hold up nobody else."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec

from domain import limits, pages
from domain.accounts import User
from domain.clock import rfc3339
from domain.errors import Invalid
from domain.export_sections import SECTIONS
from domain.pages import Cursor
from domain.ports import Ports
from domain.wire import Command, View

ITEMS = 100
"""About as many things, of whatever kind, are on one page."""
ORDER = tuple(SECTIONS)


class ExportQuery(Command, frozen=True):
    """Without a cursor an export begins, of which there are `exports_per_hour`."""

    cursor: Annotated[str, msgspec.Meta(max_length=pages.CURSOR_CHARACTERS_MAX)] | None = None


class Export(View, frozen=True):
    """A page: things by section. One section may go on with the next page; put them together by its name."""

    exported_at: str
    sections: dict[str, list[Any]]
    next_cursor: str | None


class Place(NamedTuple):
    """Where a page begins: in this section, behind that thing."""

    section: str
    after: Cursor | None


async def export_me(query: ExportQuery, user: User, ports: Ports) -> Export:
    place = place_of(query.cursor)
    if place is None:
        await limits.check("exports", user.id, ports.settings.exports_per_hour, limits.HOUR, ports)
        place = Place(ORDER[0], None)
    return await _page(place, user, ports.now(), ports)


async def _page(place: Place | None, user: User, now: datetime, ports: Ports) -> Export:
    sections: dict[str, list[Any]] = {}
    left = ITEMS
    while place is not None and left > 0:
        part = await SECTIONS[place.section](user, place.after, left, ports)
        if part.items:
            sections[place.section] = part.items
        left -= len(part.items)
        place = Place(place.section, part.following) if part.following else following(place)
    more = pages.encode_cursor([place.section, *(place.after or [])]) if place else None
    return Export(exported_at=rfc3339(now), sections=sections, next_cursor=more)


def following(place: Place) -> Place | None:
    index = ORDER.index(place.section) + 1
    return Place(ORDER[index], None) if index < len(ORDER) else None


def place_of(cursor: str | None) -> Place | None:
    match pages.decode_cursor(cursor):
        case None:
            return None
        case [str(section), *after] if section in SECTIONS:
            return Place(section, after or None)
    raise Invalid("This cursor belongs to another list.", field="cursor")
