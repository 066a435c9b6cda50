"""Ogg with one Opus stream (RFC 3533, RFC 7845): read strictly, written plainly."""

import zlib
from collections.abc import Iterator, Sequence

from domain.audio.cursor import PARTS_MAX, Cursor, Unreadable
from domain.audio.opus import PACKETS_MAX, TAGS, OpusSound, Packet, head_of, sound_of

CAPTURE = b"OggS"
CONTINUED, FIRST, LAST = 1, 2, 4
SERIAL = 1
"""The number of our only stream; what an encoder draws at random is as good as a name."""
PACKETS_PER_PAGE = 50
SEGMENTS_MAX, SEGMENT_BYTES = 255, 255
HEADERS = 2
MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
CHECKSUM_BITS = 32


def read(data: bytes) -> OpusSound:
    packets = list(_packets(data))
    if len(packets) < HEADERS or not packets[1].startswith(TAGS):
        raise Unreadable
    return sound_of(packets[0], packets[HEADERS:])


def _packets(data: bytes) -> Iterator[bytes]:
    """Every packet, put together across pages; one that was begun has to end."""
    begun: list[bytes] = []
    count = 0
    for continued, segments in _pages(data):
        if continued != bool(begun):
            raise Unreadable
        for segment in segments:
            begun.append(segment)
            if len(segment) < SEGMENT_BYTES:
                yield b"".join(begun)
                begun, count = [], count + 1
        if count > PACKETS_MAX:
            raise Unreadable
    if begun:
        raise Unreadable


def _pages(data: bytes) -> Iterator[tuple[bool, list[bytes]]]:
    """Whether a page goes on with a packet, and its segments. A second stream or anything else is refused."""
    cursor, serial, over, count = Cursor(data), None, False, 0
    while cursor.left:
        start, count = cursor.at, count + 1
        if over or count > PARTS_MAX or cursor.take(5) != CAPTURE + b"\x00":
            raise Unreadable
        flags = cursor.number(1)
        cursor.skip(8)
        stream = cursor.take(4)
        cursor.skip(4)
        checksum = cursor.number(4, "little")
        segments = [cursor.take(size) for size in cursor.take(cursor.number(1))]
        if checksum != crc(data[start : start + 22] + bytes(4) + data[start + 26 : cursor.at]):
            raise Unreadable
        if bool(flags & FIRST) != (serial is None) or serial not in {None, stream}:
            raise Unreadable
        serial, over = stream, bool(flags & LAST)
        yield bool(flags & CONTINUED), segments


def crc(data: bytes) -> int:
    """The checksum of a page (RFC 3533 §6): zlib's polynomial the other way round, so both sides mirror."""
    mirrored = zlib.crc32(data.translate(MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:0{CHECKSUM_BITS}b}"[::-1], 2)


def written(sound: OpusSound, packets: Sequence[Packet]) -> bytes:
    """Two header pages, the tags empty, and a page for about a second each."""
    pages = [page(0, FIRST, 0, [head_of(sound)]), page(1, 0, 0, [TAGS + bytes(8)])]
    granule, shares = 0, list(_shares(packets))
    for number, share in enumerate(shares, HEADERS):
        granule += sum(packet.samples for packet in share)
        flags = LAST if number == len(shares) + HEADERS - 1 else 0
        pages.append(page(number, flags, granule, [packet.data for packet in share]))
    return b"".join(pages)


def _shares(packets: Sequence[Packet]) -> Iterator[list[Packet]]:
    """Packets by page; a page has no more than 255 segments."""
    share: list[Packet] = []
    segments = 0
    for packet in packets:
        needed = len(packet.data) // SEGMENT_BYTES + 1
        if share and (len(share) == PACKETS_PER_PAGE or segments + needed > SEGMENTS_MAX):
            yield share
            share, segments = [], 0
        share.append(packet)
        segments += needed
    if share:
        yield share


def page(number: int, flags: int, granule: int, packets: Sequence[bytes]) -> bytes:
    lacing = b"".join(_lacing(len(packet)) for packet in packets)
    before = CAPTURE + bytes([0, flags]) + granule.to_bytes(8, "little")
    before += SERIAL.to_bytes(4, "little") + number.to_bytes(4, "little")
    after = bytes([len(lacing)]) + lacing + b"".join(packets)
    return before + crc(before + bytes(4) + after).to_bytes(4, "little") + after


def _lacing(size: int) -> bytes:
    full, rest = divmod(size, SEGMENT_BYTES)
    return b"\xff" * full + bytes([rest])
