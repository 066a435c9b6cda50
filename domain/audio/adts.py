"""ADTS: AAC frames with a header each (ISO/IEC 13818-7 §6.2)."""

from domain.audio.aac import FRAMES_MAX, LOW_COMPLEXITY, AacSound, Bits, sound_of
from domain.audio.cursor import Cursor, Unreadable

SYNC = 0xFFF
HEADER_BYTES, CHECKSUM_BYTES = 7, 2
VARIABLE_RATE = 0x7FF


def read(data: bytes) -> AacSound:
    """Frame after frame to the very end; all of one kind."""
    cursor, frames, kinds = Cursor(data), [], set()
    while cursor.left:
        kind, frame = _frame(cursor)
        kinds.add(kind)
        frames.append(frame)
        if len(kinds) > 1 or len(frames) > FRAMES_MAX:
            raise Unreadable
    if not frames:
        raise Unreadable
    return sound_of(*kinds.pop(), frames)


def _frame(cursor: Cursor) -> tuple[tuple[int, int], bytes]:
    bits = Bits(cursor.take(HEADER_BYTES))
    sync, _, layer, bare, kind, rate = [bits.take(width) for width in (12, 1, 2, 1, 2, 4)]
    _, channels, _, size, _, blocks = [bits.take(width) for width in (1, 3, 4, 13, 11, 2)]
    if sync != SYNC or layer or kind != LOW_COMPLEXITY - 1 or blocks:
        raise Unreadable
    checksum = 0 if bare else CHECKSUM_BYTES
    cursor.skip(checksum)
    return (rate, channels), cursor.take(size - HEADER_BYTES - checksum)


def written(sound: AacSound) -> bytes:
    return b"".join(_header(sound, len(frame)) + frame for frame in sound.frames)


def _header(sound: AacSound, size: int) -> bytes:
    fields = [(SYNC, 12), (0, 1), (0, 2), (1, 1), (LOW_COMPLEXITY - 1, 2), (sound.rate_index, 4), (0, 1)]
    fields += [(sound.channels, 3), (0, 4), (size + HEADER_BYTES, 13), (VARIABLE_RATE, 11), (0, 2)]
    header = 0
    for value, width in fields:
        header = header << width | value
    return header.to_bytes(HEADER_BYTES)
