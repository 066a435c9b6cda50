"""MP4 and M4A with one track of AAC or Opus (ISO/IEC 14496-12, -14), whole or in fragments."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from domain.audio import aac
from domain.audio.aac import AacSound
from domain.audio.cursor import PARTS_MAX, Cursor, Unreadable
from domain.audio.opus import PACKETS_MAX, OpusSound, described_sound

AAC_TYPES = frozenset({0x40, 0x66, 0x67, 0x68})
"""Object types that mean AAC (ISO/IEC 14496-1 §7.2.6.6)."""
ES, DECODER, SPECIFIC = 3, 4, 5
"""Tags of the nested descriptors that end in the decoder's configuration."""
BASE_OFFSET, DESCRIPTION, DEFAULT_DURATION, DEFAULT_SIZE = 0x1, 0x2, 0x8, 0x10
DATA_OFFSET, FIRST_FLAGS, DURATION, SIZE, FLAGS, COMPOSITION = 0x1, 0x4, 0x100, 0x200, 0x400, 0x800


class Box(NamedTuple):
    """`start` and `end` are of its content, `at` is where its header begins."""

    kind: bytes
    at: int
    start: int
    end: int


class Place(NamedTuple):
    """Where a frame lies in the file."""

    at: int
    size: int


def read(data: bytes) -> AacSound | OpusSound:
    """What is not a frame of the only track is left behind."""
    top = boxes(data, 0, len(data))
    moov = only(top, b"moov")
    track = only(inside(data, moov), b"trak")
    media = inside(data, only(inside(data, track), b"mdia"))
    if handler(data, only(media, b"hdlr")) != b"soun":
        raise Unreadable
    tables = inside(data, descend(data, only(media, b"minf"), b"stbl"))
    fragments = [box for box in top if box.kind == b"moof"]
    places = fragmented(data, moov, fragments) if fragments else tabled(data, tables)
    frames = cut(data, list(islice(places, PACKETS_MAX + 1)), [box for box in top if box.kind == b"mdat"])
    return described(data, only(tables, b"stsd"), frames)


def boxes(data: bytes, start: int, end: int) -> list[Box]:
    """Side by side, to the very end."""
    found: list[Box] = []
    cursor = Cursor(data, start, end)
    while cursor.left:
        at = cursor.at
        size, kind = cursor.number(4), cursor.take(4)
        if size == 1:
            size = cursor.number(8)
        elif size == 0:
            size = end - at
        header = cursor.at - at
        cursor.skip(size - header)
        found.append(Box(kind, at, at + header, cursor.at))
        if len(found) > PARTS_MAX:
            raise Unreadable
    return found


def inside(data: bytes, box: Box) -> list[Box]:
    return boxes(data, box.start, box.end)


def only(found: Sequence[Box], kind: bytes) -> Box:
    matching = [box for box in found if box.kind == kind]
    if len(matching) != 1:
        raise Unreadable
    return matching[0]


def descend(data: bytes, box: Box, *kinds: bytes) -> Box:
    for kind in kinds:
        box = only(inside(data, box), kind)
    return box


def content(data: bytes, box: Box) -> Cursor:
    return Cursor(data, box.start, box.end)


def handler(data: bytes, box: Box) -> bytes:
    cursor = content(data, box)
    cursor.skip(8)
    return cursor.take(4)


def described(data: bytes, box: Box, frames: list[bytes]) -> AacSound | OpusSound:
    """The frames as the only sample description explains them."""
    entries = boxes(data, box.start + 8, box.end)
    if any(entry.kind == b"Opus" for entry in entries):
        return described_sound(detail(data, only(entries, b"Opus"), b"dOps"), frames, "big")
    esds = detail(data, only(entries, b"mp4a"), b"esds")
    esds.skip(4)
    return aac.sound_of(*aac.configuration(decoder_configuration(esds)), frames)


def detail(data: bytes, entry: Box, kind: bytes) -> Cursor:
    """The box in a sample description that only this codec has."""
    cursor = content(data, entry)
    cursor.skip(8)
    if cursor.number(2) != 0:
        raise Unreadable
    cursor.skip(18)
    return content(data, only(boxes(data, cursor.at, entry.end), kind))


def decoder_configuration(cursor: Cursor) -> bytes:
    """From the descriptors of ISO/IEC 14496-1 §7.2.6, one within the other."""
    cursor = descriptor(cursor, ES)
    cursor.skip(2)
    if cursor.number(1) & 0xE0:
        raise Unreadable
    cursor = descriptor(cursor, DECODER)
    if cursor.number(1) not in AAC_TYPES:
        raise Unreadable
    cursor.skip(12)
    specific = descriptor(cursor, SPECIFIC)
    return specific.take(specific.left)


def descriptor(cursor: Cursor, tag: int) -> Cursor:
    """The content of the descriptor that comes next; its size is up to four times seven bits."""
    if cursor.number(1) != tag:
        raise Unreadable
    size = 0
    for _ in range(4):
        part = cursor.number(1)
        size = size << 7 | part & 0x7F
        if not part & 0x80:
            break
    start = cursor.at
    cursor.skip(size)
    return Cursor(cursor.data, start, cursor.at)


def tabled(data: bytes, tables: Sequence[Box]) -> Iterator[Place]:
    """Frames of a file in one piece: so many in each chunk, one behind the other."""
    sizes = iter(frame_sizes(data, only(tables, b"stsz")))
    offsets = chunk_offsets(data, tables)
    for at, count in zip(offsets, chunk_counts(data, only(tables, b"stsc"), len(offsets)), strict=True):
        for _ in range(count):
            size = next(sizes, None)
            if size is None:
                return
            yield Place(at, size)
            at += size
    if next(sizes, None) is not None:
        raise Unreadable


def frame_sizes(data: bytes, box: Box) -> list[int]:
    cursor = content(data, box)
    cursor.skip(4)
    same, count = cursor.number(4), cursor.number(4)
    if count > PACKETS_MAX:
        raise Unreadable
    return [same] * count if same else [cursor.number(4) for _ in range(count)]


def chunk_offsets(data: bytes, tables: Sequence[Box]) -> list[int]:
    wide = any(box.kind == b"co64" for box in tables)
    cursor = content(data, only(tables, b"co64" if wide else b"stco"))
    cursor.skip(4)
    count = cursor.number(4)
    if count > PACKETS_MAX:
        raise Unreadable
    return [cursor.number(8 if wide else 4) for _ in range(count)]


def chunk_counts(data: bytes, box: Box, chunks: int) -> list[int]:
    """How many frames each chunk holds; the table names only where that changes."""
    cursor = content(data, box)
    cursor.skip(4)
    counts: list[int] = []
    count = 0
    for _ in range(cursor.number(4)):
        first = cursor.number(4)
        if not len(counts) < first <= chunks:
            raise Unreadable
        counts += [count] * (first - 1 - len(counts))
        count = cursor.number(4)
        cursor.skip(4)
    return counts + [count] * (chunks - len(counts))


def fragmented(data: bytes, moov: Box, fragments: Sequence[Box]) -> Iterator[Place]:
    trex = content(data, descend(data, moov, b"mvex", b"trex"))
    trex.skip(16)
    usual = trex.number(4)
    for fragment in fragments:
        track = inside(data, only(inside(data, fragment), b"traf"))
        base, size = fragment_defaults(data, only(track, b"tfhd"), fragment.at, usual)
        at = base
        for run in (box for box in track if box.kind == b"trun"):
            for place in run_places(data, run, base, at, size):
                yield place
                at = place.at + place.size


def fragment_defaults(data: bytes, box: Box, at: int, size: int) -> tuple[int, int]:
    """Where offsets of a fragment count from, and how large its frames are unless they say so themselves."""
    cursor = content(data, box)
    flags = cursor.number(4)
    cursor.skip(4)
    base = cursor.number(8) if flags & BASE_OFFSET else at
    cursor.skip(sum(4 for one in (DESCRIPTION, DEFAULT_DURATION) if flags & one))
    return base, cursor.number(4) if flags & DEFAULT_SIZE else size


def run_places(data: bytes, box: Box, base: int, at: int, size: int) -> Iterator[Place]:
    cursor = content(data, box)
    flags, count = cursor.number(4), cursor.number(4)
    if count > PACKETS_MAX:
        raise Unreadable
    if flags & DATA_OFFSET:
        at = base + cursor.number(4)
    cursor.skip(4 if flags & FIRST_FLAGS else 0)
    for _ in range(count):
        cursor.skip(4 if flags & DURATION else 0)
        place = Place(at, cursor.number(4) if flags & SIZE else size)
        cursor.skip(sum(4 for one in (FLAGS, COMPOSITION) if flags & one))
        yield place
        at = place.at + place.size


def cut(data: bytes, places: Sequence[Place], media: Sequence[Box]) -> list[bytes]:
    """Frames lie in media boxes only, and no byte is two frames' (or a small file could be a large one)."""
    if len(places) > PACKETS_MAX or sum(place.size for place in places) > len(data):
        raise Unreadable
    starts = [box.start for box in media]
    for place in places:
        index = bisect_right(starts, place.at) - 1
        if index < 0 or place.at + place.size > media[index].end:
            raise Unreadable
    return [data[place.at : place.at + place.size] for place in places]
