"""WebM with one Opus track (RFC 8794, RFC 9559), also as browsers record it: without sizes."""

from collections.abc import Iterator
from typing import NamedTuple

from domain.audio.cursor import PARTS_MAX, Cursor, Unreadable
from domain.audio.opus import PACKETS_MAX, OpusSound, sound_of

SIGNATURE = b"\x1a\x45\xdf\xa3"
HEADER, SEGMENT, CLUSTER, GROUP = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0xA0
TRACKS, TRACK = 0x1654AE6B, 0xAE
ENTERED = frozenset({HEADER, SEGMENT, CLUSTER, GROUP, TRACKS, TRACK})
"""Elements that are read from within. All others are taken or left whole."""
DOC_TYPE, TRACK_NUMBER, CODEC, CODEC_PRIVATE, ENCODINGS = 0x4282, 0xD7, 0x86, 0x63A2, 0x6D80
SIMPLE_BLOCK, BLOCK = 0xA3, 0xA1
"""Bare, or in a group; one recording may have both."""
LACED = 0x06


class Element(NamedTuple):
    id: int
    content: bytes


def read(data: bytes) -> OpusSound:
    """Tags, attachments, cues and everything else that is not sound are not even looked at."""
    found: dict[int, list[bytes]] = {}
    for element in _elements(data):
        kind = BLOCK if element.id == SIMPLE_BLOCK else element.id
        found.setdefault(kind, []).append(element.content)
    if _only(found, DOC_TYPE) != b"webm" or _only(found, CODEC) != b"A_OPUS" or ENCODINGS in found:
        raise Unreadable
    _only(found, SEGMENT)
    _only(found, TRACK)
    track = int.from_bytes(_only(found, TRACK_NUMBER))
    blocks = found.get(BLOCK, [])
    if len(blocks) > PACKETS_MAX:
        raise Unreadable
    return sound_of(_only(found, CODEC_PRIVATE), [_frame(block, track) for block in blocks])


def _only(found: dict[int, list[bytes]], id: int) -> bytes:
    contents = found.get(id, [])
    if len(contents) != 1:
        raise Unreadable
    return contents[0]


def _elements(data: bytes) -> Iterator[Element]:
    """Flat, in order; of those that are entered, only that they are there."""
    cursor = Cursor(data)
    for _ in range(PARTS_MAX):
        if not cursor.left:
            return
        id = _vint(cursor, marked=True)
        size = _vint(cursor)
        yield Element(id, b"" if id in ENTERED else cursor.take(size))
    raise Unreadable


def _vint(cursor: Cursor, *, marked: bool = False) -> int:
    """A number that says by its first bits how long it is (RFC 8794 §4); `marked` leaves those bits in."""
    first = cursor.number(1)
    length = 9 - first.bit_length()
    if length > 8:
        raise Unreadable
    value = first << 8 * (length - 1) | cursor.number(length - 1)
    return value if marked else value & (1 << 7 * length) - 1


def _frame(block: bytes, track: int) -> bytes:
    """The one frame of a block (RFC 9559 §10); laced blocks no recorder writes."""
    cursor = Cursor(block)
    number = _vint(cursor)
    cursor.skip(2)
    if number != track or cursor.number(1) & LACED:
        raise Unreadable
    return cursor.take(cursor.left)
