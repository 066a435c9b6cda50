"""One second of a tone in every container that phones and browsers record, 12 KB together.

Made with PyAV 18.1 (FFmpeg 8, libopus and its own AAC encoder) from a sine of 220 Hz. All but the ADTS file
say `CANARY` and a name in their tags, the MP4 files also a place; the AAC frames name their encoder.
"""

from pathlib import Path

from domain import audio
from domain.audio import ogg, opus

FOLDER = Path(__file__).parent
NAMES = ("voice.ogg", "voice.webm", "sized.webm", "voice.aac", "voice.m4a", "fragmented.mp4")
"""`voice.webm` and `fragmented.mp4` are as a browser streams them, without sizes and in fragments."""


def recording(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def of_seconds(seconds: int) -> bytes:
    """An Opus recording of that length: one packet of 20 ms over and over."""
    sound = ogg.read(recording("voice.ogg"))
    packet = opus.checked_packet(sound.packets[10])
    return ogg.written(sound._replace(pre_skip=0), [packet] * (seconds * 50))


def different(number: int) -> bytes:
    """Recordings that differ, each a few packets longer than the one before."""
    sound = ogg.read(recording("voice.ogg"))
    packets = [opus.checked_packet(data) for data in sound.packets]
    return ogg.written(sound, packets * (number + 1))


def rewritten(data: bytes) -> audio.Recording:
    return audio.rewritten(data, seconds_max=60)
