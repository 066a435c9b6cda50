"""Recordings: only sound comes through, in a file of ours, as long as it really is."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import audio
from domain.audio import GRACE_SECONDS, TooLong, Unreadable, aac, adts, ogg, opus
from domain.audio.aac import RATES, AacSound, configuration
from domain.audio.opus import checked_packet
from tests.recordings import NAMES, mp4_file, of_seconds, recording, rewritten

OPUS_NAMES = [name for name in NAMES if name.endswith(("ogg", "webm"))]
AAC_NAMES = [name for name in NAMES if name not in OPUS_NAMES]
IMAGE = b"\x89PNG\r\n\x1a\n" + bytes(64)
PRIVATE = re.compile(rb"CANARY|Lav[cf]|[+]52[.]52|libopus|handler|Handler", re.IGNORECASE)


@pytest.mark.parametrize("name", NAMES)
def test_every_container_becomes_a_file_of_ours_with_nothing_but_sound(name: str) -> None:
    kept = rewritten(recording(name))
    assert kept.content_type == (audio.OPUS if name in OPUS_NAMES else audio.AAC)
    assert 1.0 <= kept.seconds <= 1.1
    assert not PRIVATE.search(kept.data)
    assert rewritten(kept.data) == kept


def test_the_recordings_of_these_tests_do_say_something_private() -> None:
    assert all(PRIVATE.search(recording(name)) for name in NAMES)


def test_one_sound_is_one_file_whatever_it_came_in() -> None:
    assert len({rewritten(recording(name)) for name in OPUS_NAMES}) == 1
    assert len({rewritten(recording(name)) for name in AAC_NAMES}) == 1


def test_length_is_counted_from_the_frames() -> None:
    assert rewritten(of_seconds(60)).seconds == 60
    with pytest.raises(TooLong):
        rewritten(of_seconds(61))
    assert 60 < 60 + GRACE_SECONDS < 61
    with pytest.raises(TooLong):
        rewritten(recording("voice.aac") * 60)


def test_a_claimed_length_counts_for_nothing() -> None:
    """The number in the header of every page is overwritten with zero, and its checksum put right."""
    data = bytearray(of_seconds(61))
    for match in re.finditer(b"OggS", bytes(data)):
        start = match.start()
        end = data.find(b"OggS", start + 4) if data.find(b"OggS", start + 4) > 0 else len(data)
        data[start + 6 : start + 14] = bytes(8)
        data[start + 22 : start + 26] = bytes(4)
        data[start + 22 : start + 26] = ogg.crc(bytes(data[start:end])).to_bytes(4, "little")
    with pytest.raises(TooLong):
        rewritten(bytes(data))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"voice.m4a", "fragmented.mp4"}])
@pytest.mark.parametrize("more", [b"\x00", b"TAG" + bytes(125), IMAGE, b"<script>alert(1)</script>"])
def test_what_is_appended_is_refused(name: str, more: bytes) -> None:
    with pytest.raises(Unreadable):
        rewritten(recording(name) + more)


@pytest.mark.parametrize("name", ["voice.m4a", "fragmented.mp4"])
def test_what_is_appended_in_a_box_is_left_behind_and_anything_else_refused(name: str) -> None:
    box = (8 + len(IMAGE)).to_bytes(4) + b"free" + IMAGE
    assert rewritten(recording(name) + box) == rewritten(recording(name))
    with pytest.raises(Unreadable):
        rewritten(recording(name) + IMAGE)


NOTHING_OF_OURS = [
    b"",
    b"OggS",
    b"\x1a\x45\xdf\xa3",
    b"\x00\x00\x00\x08ftyp",
    b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10) + b"\xff\xf1",
    b"RIFF\x24\x00\x00\x00WAVEfmt ",
    b"fLaC" + bytes(40),
    IMAGE,
    b"GIF89a" + bytes(40),
    b"%PDF-1.7\n",
    b"PK\x03\x04" + bytes(40),
    b"<!doctype html><script>alert(1)</script>",
    b"\xff\xfb\x90\x00" + bytes(413),
    b"\xff" * 2000,
    bytes(2000),
]


@pytest.mark.parametrize("data", NOTHING_OF_OURS)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        rewritten(data)


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_that_breaks_off_is_refused_or_ends_earlier(name: str) -> None:
    data = recording(name)
    for end in range(1, len(data), 7):
        try:
            kept = rewritten(data[:end])
        except Unreadable:
            continue
        assert kept.seconds < 1.1
        assert not PRIVATE.search(kept.data)


@settings(max_examples=300)
@given(
    name=st.sampled_from(NAMES),
    changes=st.lists(st.tuples(st.integers(0, 4_000), st.integers(0, 255)), max_size=6),
)
def test_no_byte_breaks_the_readers(name: str, changes: list[tuple[int, int]]) -> None:
    data = bytearray(recording(name))
    for place, value in changes:
        data[place % len(data)] = value
    try:
        kept = rewritten(bytes(data))
    except (Unreadable, TooLong):
        return
    assert rewritten(kept.data) == kept


@settings(max_examples=300)
@given(st.sampled_from([b"OggS\x00", b"\x1a\x45\xdf\xa3", b"\x00\x00\x00\x0cftyp", b"\xff\xf1"]), st.binary())
def test_no_garbage_breaks_the_readers(start: bytes, rest: bytes) -> None:
    with pytest.raises((Unreadable, TooLong)):
        rewritten(start + rest)


def test_a_second_stream_is_refused() -> None:
    data = recording("voice.ogg")
    with pytest.raises(Unreadable):
        rewritten(data + data)
    with pytest.raises(Unreadable):
        rewritten(recording("voice.m4a").replace(b"soun", b"vide"))


def test_other_codecs_in_known_containers_are_refused() -> None:
    for name, codec, other in (
        ("voice.ogg", b"OpusHead", b"\x01vorbis\x00"),
        ("voice.webm", b"A_OPUS", b"A_FLAC"),
        ("voice.webm", b"webm", b"mkvx"),
        ("voice.m4a", b"mp4a", b"alac"),
    ):
        with pytest.raises(Unreadable):
            rewritten(recording(name).replace(codec, other))


def test_a_gain_that_could_hurt_is_left_out() -> None:
    sound = ogg.read(recording("voice.ogg"))
    loud = opus.head_of(sound)[:16] + b"\xff\x7f\x00"
    assert opus.sound_of(loud, []) == sound._replace(packets=[])


PACKETS: list[tuple[bytes, int]] = [
    (b"\x08" + b"a" * 10, 960),
    (b"\x08", 960),
    (b"\x09" + b"a" * 10, 1920),
    (b"\x0a\x03" + b"a" * 10, 1920),
    (b"\x0b\x03" + b"a" * 9, 2880),
    (b"\x0b\x83\x01\x02" + b"a" * 9, 2880),
    (b"\x80" + b"a", 120),
    (b"\x60" + b"a", 480),
]


@pytest.mark.parametrize(("data", "samples"), PACKETS)
def test_packets_of_every_code_are_as_long_as_they_say(data: bytes, samples: int) -> None:
    assert checked_packet(data) == (data, samples)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x09abc",
        b"\x0a",
        b"\x0a\x09a",
        b"\x0b",
        b"\x0b\x00",
        b"\x0b\x3f",
        b"\x0b\x02abc",
        b"\x0b\x42\xff",
    ],
)
def test_packets_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        checked_packet(data)


def test_padding_of_a_packet_is_left_out() -> None:
    hidden = b"CANARY at home"
    padded = b"\x0b\x42" + bytes([len(hidden)]) + b"abcd" + hidden
    assert checked_packet(padded) == (b"\x0b\x02abcd", 1920)
    long = b"\x0b\x42\xff\x01" + b"abcd" + b"x" * 255
    assert checked_packet(long) == (b"\x0b\x02abcd", 1920)


def test_frames_that_share_bytes_are_refused() -> None:
    """Or a small file could become a large one: here every chunk is said to begin at the first."""
    data = bytearray(recording("voice.m4a"))
    table = data.find(b"stsz") + 8
    count = int.from_bytes(data[table + 4 : table + 8])
    for number in range(count):
        data[table + 8 + 4 * number : table + 12 + 4 * number] = (1500).to_bytes(4)
    with pytest.raises(Unreadable):
        rewritten(bytes(data))


FRAMES = adts.read(recording("voice.aac")).frames
SAME = [frame[:40].ljust(40, b"x") for frame in FRAMES]
SIMPLE = mp4_file.described(mp4_file.LOW_COMPLEXITY_16K)


def with_data_before(frame: bytes, said: bytes, *, aligned: bool, fill: bool = False) -> bytes:
    """The frame behind a data stream element that says something, and behind fill before that."""
    count = f"{len(said):08b}" if len(said) < 255 else f"{255:08b}{len(said) - 255:08b}"
    bits = ("110" + "0010" + "0" * 16 if fill else "") + "100" + "0000" + str(int(aligned)) + count
    bits += "0" * (-len(bits) % 8 if aligned else 0)
    bits += "".join(f"{byte:08b}" for byte in said + frame)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8)


@pytest.mark.parametrize("said", [b"", b"CANARY lives at 52.52 N", b"CANARY" * 60])
@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("fill", [True, False])
def test_what_is_said_beside_the_sound_of_a_frame_is_left_out(said: bytes, aligned: bool, fill: bool) -> None:
    hiding = [with_data_before(frame, said, aligned=aligned, fill=fill) for frame in FRAMES]
    kept = rewritten(as_adts(hiding)).data
    assert [frame.rstrip(b"\0") for frame in adts.read(kept).frames] == [
        frame.rstrip(b"\0") for frame in FRAMES
    ]
    assert rewritten(kept).data == kept


@pytest.mark.parametrize("said", [b"CANARY", b"CANARY" * 60])
def test_data_that_is_longer_than_its_frame_is_no_sound(said: bytes) -> None:
    whole = with_data_before(FRAMES[0], said, aligned=True)
    with pytest.raises(Unreadable):
        rewritten(as_adts([whole[: len(said)]]))


def as_adts(frames: list[bytes]) -> bytes:
    return adts.written(AacSound(RATES.index(16_000), 1, frames))


@pytest.mark.parametrize(
    ("data", "frames"),
    [
        (mp4_file.whole(FRAMES, SIMPLE), FRAMES),
        (mp4_file.whole(FRAMES, SIMPLE, wide=True, per_chunk=5), FRAMES),
        (mp4_file.whole(SAME, SIMPLE, per_chunk=1), SAME),
        (mp4_file.whole(FRAMES, mp4_file.described(mp4_file.LOW_COMPLEXITY_16K, sizes=4)), FRAMES),
        (mp4_file.whole(FRAMES, mp4_file.described(bytes([0x14, 0x08]), object_type=0x67)), FRAMES),
        (mp4_file.in_fragments(FRAMES, SIMPLE), FRAMES),
        (mp4_file.in_fragments(SAME, SIMPLE, size=40), SAME),
    ],
)
def test_mp4_files_of_every_recorder_are_read(data: bytes, frames: list[bytes]) -> None:
    assert rewritten(data).data == as_adts(frames)


def test_opus_in_mp4_is_the_same_sound_as_in_ogg() -> None:
    sound = ogg.read(recording("voice.ogg"))
    for build in (mp4_file.whole, mp4_file.in_fragments):
        data = build(sound.packets, mp4_file.opus_described(pre_skip=sound.pre_skip))
        assert rewritten(data) == rewritten(recording("voice.ogg"))


@pytest.mark.parametrize(
    "data",
    [
        mp4_file.whole([b"\x08abc"], mp4_file.opus_described(channels=3)),
        mp4_file.whole([b"\x08abc"], mp4_file.opus_described(family=1)),
        mp4_file.whole(FRAMES, mp4_file.described(mp4_file.LOW_COMPLEXITY_16K, object_type=0x6B)),
        mp4_file.whole(FRAMES, mp4_file.described(b"")),
        mp4_file.whole([], SIMPLE),
        mp4_file.in_fragments([], SIMPLE),
        mp4_file.in_fragments(SAME, SIMPLE, size=41),
        mp4_file.in_fragments(SAME, SIMPLE, size=2**31),
    ],
)
def test_mp4_files_that_do_not_hold_what_they_say_are_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        rewritten(data)


def bits(text: str) -> bytes:
    packed = text.replace(" ", "")
    return int(packed.ljust(-(-len(packed) // 8) * 8, "0"), 2).to_bytes(-(-len(packed) // 8))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (bits("00010 1000 0001 000"), (8, 1)),
        (bits("00010 0100 0010 000"), (4, 2)),
        (bits("00010 1111 000000000011111010000000 0001 000"), (8, 1)),
        (bits("00101 1000 0001 0101 00010 000"), (8, 1)),
        (bits("11101 1000 0001 0101 00010 000"), (8, 1)),
    ],
)
def test_configurations_of_low_complexity_are_read(data: bytes, expected: tuple[int, int]) -> None:
    assert configuration(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x10",
        bits("00001 1000 0001 000"),
        bits("11111 000111 1000 0001 000"),
        bits("00010 1000 0001 100"),
        bits("00010 1111 000000000000000000000001 0001 000"),
        bits("00101 1000 0001 0101 00001 000"),
    ],
)
def test_other_configurations_are_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        configuration(data)


@pytest.mark.parametrize(("rate_index", "channels"), [(13, 1), (8, 0), (8, 3)])
def test_more_channels_or_unknown_rates_are_refused(rate_index: int, channels: int) -> None:
    with pytest.raises(Unreadable):
        aac.sound_of(rate_index, channels, FRAMES)


@pytest.mark.parametrize("frame", [b"", b"\xe0", b"\x40abc", b"\x00" * 769, b"\xc2\x00\xe0", b"\xdf\xff"])
def test_frames_that_are_none_are_refused(frame: bytes) -> None:
    with pytest.raises(Unreadable):
        aac.sound_of(8, 1, [frame])


def test_a_checksum_of_a_frame_is_left_out() -> None:
    data = b""
    for frame in FRAMES:
        header = bytearray(as_adts([frame])[:7])
        size = len(frame) + 9
        header[1] &= 0xFE
        header[3] = header[3] & 0xFC | size >> 11
        header[4] = size >> 3 & 0xFF
        header[5] = header[5] & 0x1F | (size & 7) << 5
        data += bytes(header) + b"\xab\xcd" + frame
    assert rewritten(data).data == as_adts(FRAMES)


def test_frames_of_two_kinds_are_refused() -> None:
    other = adts.written(AacSound(RATES.index(44_100), 1, FRAMES[:1]))
    with pytest.raises(Unreadable):
        rewritten(as_adts(FRAMES) + other)


def parts() -> dict[str, bytes]:
    """Files of a megabyte that are nothing but parts."""
    webm, sound = recording("voice.webm"), ogg.read(recording("voice.ogg"))
    head = ogg.page(0, ogg.FIRST, 0, [opus.head_of(sound)]) + ogg.page(1, 0, 0, [opus.TAGS + bytes(8)])
    return {
        "elements": webm + b"\xec\x80" * 500_000,
        "blocks": webm + b"\xa3\x85\x81\0\0\x80\x08" * 140_000,
        "boxes": b"\0\0\0\x08ftyp" + b"\0\0\0\x08free" * 130_000,
        "pages": head + ogg.page(2, 0, 0, []) * 38_000,
        "packets": head + ogg.page(2, 0, 0, [b"\x80"] * 255) * 1_900,
        "frames": as_adts([b"\x00"]) * 130_000,
    }


@pytest.mark.parametrize("kind", parts())
def test_a_file_of_nothing_but_parts_is_given_up(kind: str) -> None:
    with pytest.raises(Unreadable):
        rewritten(parts()[kind])
