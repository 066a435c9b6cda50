"""Export: everything a person gave us, for the person, in pages that hold up nobody else."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec

from domain import audit, limits, pages
from domain.accounts import Account, User
from domain.clock import rfc3339
from domain.errors import Invalid, NotFound
from domain.export_sections import SECTIONS
from domain.pages import Cursor
from domain.ports import Ports
from domain.proof import Proof, proven
from domain.voice_notes import VoiceNote
from domain.wire import Command, Id, View

ITEMS = 100
"""About as many things, of whatever kind, are on one page."""
ORDER = tuple(SECTIONS)


class ExportQuery(Command, frozen=True):
    """Without a cursor an export begins, of which there are `exports_per_hour`."""

    cursor: Annotated[str, msgspec.Meta(max_length=pages.CURSOR_CHARACTERS_MAX)] | None = None


class ExportWithoutSession(Proof, frozen=True):
    """As `ExportQuery`, for those who get no session because they are banned, or lost it: with the proof for
    every page.
    """

    cursor: Annotated[str, msgspec.Meta(max_length=pages.CURSOR_CHARACTERS_MAX)] | None = None


class ExportVoiceNote(Proof, frozen=True, kw_only=True):
    """The sound of one of the export's voice notes."""

    voice_note_id: Id


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
        async with ports.transaction() as tx:
            await audit.note("auth.exported", user.id, tx, ports)
        place = Place(ORDER[0], None)
    return await _page(place, user, ports.now(), ports)


async def export_without_session(command: ExportWithoutSession, ports: Ports) -> Export:
    """What somebody gave stays theirs: a ban does not stand in the way."""
    account = await proven(command, ports)
    return await export_me(ExportQuery(cursor=command.cursor), nowhere(account), ports)


async def export_voice_note(command: ExportVoiceNote, ports: Ports) -> VoiceNote:
    """One's own, as long as it is stored; anybody else's is `not_found`."""
    account = await proven(command, ports)
    note = await ports.content.voice_notes.get(command.voice_note_id)
    if note is None or note.author_id != account.id:
        raise NotFound
    return note


def nowhere(account: Account) -> User:
    """The person, in no session."""
    return User(id=account.id, session_id="", role=account.role, country=account.country)


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
