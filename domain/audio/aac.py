"""AAC: what a frame may look like, and the decoder's configuration (ISO/IEC 14496-3)."""

from typing import NamedTuple

from domain.audio.cursor import Unreadable

RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
"""By the index that headers name them with."""
EXPLICIT_RATE = 15
FRAME_SAMPLES = 1024
FRAMES_MAX = 6_000
"""More than fill a minute at the highest rate."""
FRAME_BYTES_MAX = 768
"""For each channel (ISO/IEC 14496-3 §4.5.3.3): 6144 bits."""
LOW_COMPLEXITY = 2
EXTENDED = frozenset({5, 29})
"""High-efficiency AAC: a low-complexity stream with an extension that decoders find by themselves."""
SINGLE, PAIR, DATA, FILL = 0, 1, 4, 6
"""Elements that a frame may begin with."""
SOUND = frozenset({SINGLE, PAIR})
ELEMENT_BITS = 3


class AacSound(NamedTuple):
    """Frames without any header. `rate_index` is of the stream that the extension, if any, sits on."""

    rate_index: int
    channels: int
    frames: list[bytes]


def sound_of(rate_index: int, channels: int, frames: list[bytes]) -> AacSound:
    """Refuses more than two channels, and frames that are empty, too large or no frames."""
    if rate_index >= len(RATES) or channels not in {1, 2} or len(frames) > FRAMES_MAX:
        raise Unreadable
    return AacSound(rate_index, channels, [_checked(frame, channels) for frame in frames])


class Bits:
    """Reads numbers of any width, the highest bit first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = len(data) * 8

    def take(self, width: int) -> int:
        if width > self._left:
            raise Unreadable
        self._left -= width
        return self._value >> self._left & (1 << width) - 1

    def align(self) -> None:
        """Goes on with the next whole byte."""
        self._left -= self._left % 8

    def rest(self, width: int) -> bytes:
        """The last `width` bits that were taken and all behind them, filled up to whole bytes."""
        width += self._left
        size = -(-width // 8)
        return ((self._value & (1 << width) - 1) << size * 8 - width).to_bytes(size)


def _checked(frame: bytes, channels: int) -> bytes:
    if not 0 < len(frame) <= FRAME_BYTES_MAX * channels:
        raise Unreadable
    return frame if frame[0] >> 5 in SOUND else _from_the_sound_on(frame)


def _from_the_sound_on(frame: bytes) -> bytes:
    """Encoders write their name as fill before the sound (§4.4.2.7), and anybody anything as data (§4.4.2.5).

    What stands behind the sound stays: where that ends only its decoding tells.
    """
    bits = Bits(frame)
    while (kind := bits.take(ELEMENT_BITS)) not in SOUND:
        if kind == FILL:
            _skip_fill(bits)
        elif kind == DATA:
            _skip_data(bits)
        else:
            raise Unreadable
    return bits.rest(ELEMENT_BITS)


def _skip_fill(bits: Bits) -> None:
    count = bits.take(4)
    bits.take(8 * (count if count < 15 else count + bits.take(8) - 1))


def _skip_data(bits: Bits) -> None:
    bits.take(4)
    aligned = bits.take(1)
    count = bits.take(8)
    count += bits.take(8) if count == 255 else 0
    if aligned:
        bits.align()
    bits.take(8 * count)


def configuration(data: bytes) -> tuple[int, int]:
    """(rate index, channels) of an AudioSpecificConfig (§1.6.2.1); frames of 1024 samples only."""
    bits = Bits(data)
    kind, rate, channels = bits.take(5), _rate_index(bits), bits.take(4)
    if kind in EXTENDED:
        _rate_index(bits)
        kind = bits.take(5)
    if kind != LOW_COMPLEXITY or bits.take(3):
        raise Unreadable
    return rate, channels


def _rate_index(bits: Bits) -> int:
    index = bits.take(4)
    if index != EXPLICIT_RATE:
        return index
    rate = bits.take(24)
    if rate not in RATES:
        raise Unreadable
    return RATES.index(rate)
