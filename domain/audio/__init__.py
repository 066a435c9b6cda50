"""Recordings: what somebody sent is taken apart into its sound frames, and a new file is written around them.

Nothing else of the sent file is kept: no tags, no pictures, no names of devices or places, nothing that was
appended. Whoever plays the result plays what we wrote. Pure functions over bytes; anything that is not
exactly what it says it is raises `Unreadable`.
"""

from typing import NamedTuple

from domain.audio import adts, mp4, ogg, webm
from domain.audio.aac import FRAME_SAMPLES, RATES, AacSound
from domain.audio.cursor import Unreadable
from domain.audio.opus import SAMPLE_RATE, OpusSound, checked_packet

__all__ = ["AAC", "GRACE_SECONDS", "OPUS", "Recording", "TooLong", "Unreadable", "rewritten"]

OPUS, AAC = "audio/ogg; codecs=opus", "audio/aac"
GRACE_SECONDS = 0.5
"""An encoder's run-up and the frame that was begun at the end do not count."""


class TooLong(Exception):
    """The recording is longer than it may be."""


class Recording(NamedTuple):
    """A file of ours: Ogg for Opus (RFC 7845), ADTS for AAC (ISO/IEC 13818-7 §6.2). `seconds` are counted
    from the frames."""

    content_type: str
    seconds: float
    data: bytes


def rewritten(data: bytes, *, seconds_max: float) -> Recording:
    """The sound of an Ogg, WebM, ADTS or MP4 file in a file of ours; raises `Unreadable` or `TooLong`.

    What a file claims about its length or type counts for nothing.
    """
    sound = _sound_of(data)
    most = seconds_max + GRACE_SECONDS
    return _opus(sound, most) if isinstance(sound, OpusSound) else _aac(sound, most)


def _sound_of(data: bytes) -> OpusSound | AacSound:
    if data.startswith(ogg.CAPTURE):
        return ogg.read(data)
    if data.startswith(webm.SIGNATURE):
        return webm.read(data)
    if data[4:8] == b"ftyp":
        return mp4.read(data)
    return adts.read(data)


def _opus(sound: OpusSound, seconds_max: float) -> Recording:
    packets, samples = [], -sound.pre_skip
    for data in sound.packets:
        packets.append(packet := checked_packet(data))
        samples += packet.samples
        if samples > seconds_max * SAMPLE_RATE:
            raise TooLong
    if samples <= 0:
        raise Unreadable
    return Recording(OPUS, samples / SAMPLE_RATE, ogg.written(sound, packets))


def _aac(sound: AacSound, seconds_max: float) -> Recording:
    seconds = len(sound.frames) * FRAME_SAMPLES / RATES[sound.rate_index]
    if seconds > seconds_max:
        raise TooLong
    if not seconds:
        raise Unreadable
    return Recording(AAC, seconds, adts.written(sound))
