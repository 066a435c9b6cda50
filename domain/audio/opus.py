"""Opus: how long a packet sounds, and whether it is one (RFC 6716 §3)."""

from typing import Literal, NamedTuple

from domain.audio.cursor import Cursor, Unreadable

SAMPLE_RATE = 48_000
"""Opus counts in 48 kHz whatever it was recorded at (RFC 7845 §4)."""
FRAME_BYTES_MAX = 1275
PACKETS_MAX = 25_000
"""More than fill a minute with the shortest frames, of 2.5 ms."""
PACKET_SAMPLES_MAX = 5760
"""120 ms."""
HEAD, TAGS = b"OpusHead", b"OpusTags"
MANY, PADDED = 3, 0x40


class OpusSound(NamedTuple):
    """`pre_skip` samples at the beginning are the decoder's run-up and are not played."""

    channels: int
    pre_skip: int
    packets: list[bytes]


class Packet(NamedTuple):
    data: bytes
    samples: int


def sound_of(head: bytes, packets: list[bytes]) -> OpusSound:
    """With an identification header as in Ogg and WebM (RFC 7845 §5.1)."""
    cursor = Cursor(head)
    if cursor.take(len(HEAD)) != HEAD:
        raise Unreadable
    return described_sound(cursor, packets, "little")


def described_sound(cursor: Cursor, packets: list[bytes], order: Literal["big", "little"]) -> OpusSound:
    """From the fields of a header, which MP4 has in another byte order. Of them only channels and run-up are
    kept: a gain could hurt ears. More than two channels are refused."""
    version, channels, pre_skip = cursor.number(1), cursor.number(1), cursor.number(2, order)
    cursor.skip(6)
    if version >> 4 or channels not in {1, 2} or cursor.number(1) != 0:
        raise Unreadable
    return OpusSound(channels, pre_skip, packets)


def head_of(sound: OpusSound) -> bytes:
    pre_skip, rate = sound.pre_skip.to_bytes(2, "little"), SAMPLE_RATE.to_bytes(4, "little")
    return HEAD + bytes([1, sound.channels]) + pre_skip + rate + b"\x00\x00\x00"


def checked_packet(data: bytes) -> Packet:
    """The packet without its padding, which could hold anything."""
    cursor = Cursor(data)
    toc = cursor.number(1)
    if toc & 3 == MANY:
        return _of_many(toc, cursor)
    if toc & 3 == 2:
        first = _frame_length(cursor)
        _check_frames(first, cursor.left - first)
    elif toc & 3 == 1:
        _check_frames(*_shares(cursor.left, 2))
    else:
        _check_frames(cursor.left)
    return Packet(data, frame_samples(toc) * (2 if toc & 3 else 1))


def _of_many(toc: int, cursor: Cursor) -> Packet:
    flags = cursor.number(1)
    count, varying = flags & 0x3F, bool(flags & 0x80)
    samples = frame_samples(toc) * count
    if not 0 < samples <= PACKET_SAMPLES_MAX:
        raise Unreadable
    cursor.end -= _padding(cursor) if flags & PADDED else 0
    frames = cursor.data[cursor.at : max(cursor.at, cursor.end)]
    if varying:
        lengths = [_frame_length(cursor) for _ in range(count - 1)]
        _check_frames(*lengths, cursor.left - sum(lengths))
    else:
        _check_frames(*_shares(cursor.left, count))
    return Packet(bytes([toc, flags & ~PADDED]) + frames, samples)


def _padding(cursor: Cursor) -> int:
    """How many bytes at the end say nothing; 255 means 254 and one more number (§3.2.5)."""
    padding = 0
    while (more := cursor.number(1)) == 255:
        padding += 254
    return padding + more


def _frame_length(cursor: Cursor) -> int:
    first = cursor.number(1)
    return first if first < 252 else cursor.number(1) * 4 + first


def _shares(size: int, count: int) -> list[int]:
    share, rest = divmod(size, count)
    if rest:
        raise Unreadable
    return [share] * count


def _check_frames(*lengths: int) -> None:
    if not all(0 <= length <= FRAME_BYTES_MAX for length in lengths):
        raise Unreadable


def frame_samples(toc: int) -> int:
    """Samples of each frame of a packet by its first byte (§3.1)."""
    config = toc >> 3
    if config < 12:
        return (480, 960, 1920, 2880)[config & 3]
    if config < 16:
        return (480, 960)[config & 1]
    return (120, 240, 480, 960)[config & 3]
