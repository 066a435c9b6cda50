"""MP4 files put together box by box, in the ways that other recorders have."""

from collections.abc import Sequence

LOW_COMPLEXITY_16K = bytes([0x14, 0x08])
"""AAC-LC, 16 kHz, one channel."""


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return (8 + len(content)).to_bytes(4) + kind + content


def numbers(*values: int) -> bytes:
    return b"".join(value.to_bytes(4) for value in values)


def described(configuration: bytes, *, object_type: int = 0x40, sizes: int = 1) -> bytes:
    """`stsd`; descriptors may write their size in one to four bytes."""

    def descriptor(tag: int, content: bytes) -> bytes:
        return bytes([tag]) + b"\x80" * (sizes - 1) + bytes([len(content)]) + content

    specific = descriptor(5, configuration)
    decoder = descriptor(4, bytes([object_type]) + bytes(12) + specific)
    esds = box(b"esds", bytes(4), descriptor(3, bytes(3) + decoder + descriptor(6, b"\x02")))
    return box(b"stsd", numbers(0, 1), box(b"mp4a", bytes(28), esds))


def opus_described(*, channels: int = 1, pre_skip: int = 312, family: int = 0) -> bytes:
    """`stsd` of Opus, its numbers in the byte order of MP4."""
    fields = (
        bytes([0, channels]) + pre_skip.to_bytes(2) + (48_000).to_bytes(4) + b"\x7f\xff" + bytes([family])
    )
    return box(b"stsd", numbers(0, 1), box(b"Opus", bytes(28), box(b"dOps", fields)))


def track(stsd: bytes, *tables: bytes, handler: bytes = b"soun") -> bytes:
    media = box(b"minf", box(b"stbl", stsd, *tables))
    return box(b"trak", box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(12)), media))


def whole(frames: Sequence[bytes], stsd: bytes, *, wide: bool = False, per_chunk: int = 2) -> bytes:
    """The sound first and its tables behind it; `wide` writes offsets in 64 bits."""
    start = box(b"ftyp", b"M4A ", numbers(0)) + box(b"free", b"x" * 10)
    chunks = [frames[at : at + per_chunk] for at in range(0, len(frames), per_chunk)]
    offsets, at = [], len(start) + 8
    for chunk in chunks:
        offsets.append(at)
        at += sum(map(len, chunk))
    sizes = [len(frame) for frame in frames]
    stsz = box(b"stsz", numbers(0, 0, len(sizes), *sizes))
    if len(set(sizes)) == 1:
        stsz = box(b"stsz", numbers(0, sizes[0], len(sizes)))
    places = b"".join(offset.to_bytes(8 if wide else 4) for offset in offsets)
    stco = box(b"co64" if wide else b"stco", numbers(0, len(offsets)), places)
    ends = [(number, len(chunk), 1) for number, chunk in enumerate(chunks, 1) if number in {1, len(chunks)}]
    stsc = box(b"stsc", numbers(0, len(ends), *(part for entry in ends for part in entry)))
    moov = box(b"moov", track(stsd, stsz, stsc, stco))
    return start + box(b"mdat", *frames) + moov


def in_fragments(frames: Sequence[bytes], stsd: bytes, *, size: int | None = None) -> bytes:
    """A fragment for each frame. With `size`, fragments say how large their frames are, else each frame does.

    Runs carry everything else that they may carry: durations, flags, composition offsets.
    """
    moov = box(b"moov", track(stsd), box(b"mvex", box(b"trex", numbers(0, 1, 1, 1024, size or 0, 0))))
    return box(b"ftyp", b"iso5", numbers(0)) + moov + b"".join(fragment(frame, size) for frame in frames)


def fragment(frame: bytes, size: int | None) -> bytes:
    flags = 0x1 | 0x4 | 0x100 | 0x400 | 0x800 | (0 if size else 0x200)
    each = numbers(1024) + (b"" if size else numbers(len(frame))) + numbers(0, 0)

    def moof(offset: int) -> bytes:
        run = box(b"trun", numbers(flags, 1, offset, 0), each)
        head = box(b"tfhd", numbers(0x8, 1, 1024))
        return box(b"moof", box(b"mfhd", numbers(0, 1)), box(b"traf", head, run))

    return moof(len(moof(0)) + 8) + box(b"mdat", frame)
