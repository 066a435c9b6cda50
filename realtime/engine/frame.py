"""What is sent: encoded once, for every transport, however many clients get it."""

import base64
import zlib
from collections.abc import Iterable
from typing import Final

TEXT: Final = 0x81
BINARY: Final = 0x82
CLOSE: Final = 0x88
PONG: Final = 0x8A
_COMPRESSED: Final = 0x40

SEPARATOR: Final = b"\x1e"

_SHORT: Final = tuple(bytes((TEXT, length)) for length in range(126))

# A shorter payload does not get smaller by being compressed, or not enough to pay for it.
COMPRESSION_THRESHOLD_BYTES: Final = 1024


def text_header(length: int) -> bytes:
    """The header of a text frame with a payload of `length` bytes (RFC 6455 section 5.2)."""
    return _SHORT[length] if length < 126 else header(TEXT, length)


def header(first_byte: int, length: int) -> bytes:
    """The header of an unmasked frame: a server never masks."""
    if length < 126:
        return bytes((first_byte, length))
    if length < 65536:
        return bytes((first_byte, 126)) + length.to_bytes(2, "big")
    return bytes((first_byte, 127)) + length.to_bytes(8, "big")


def control(first_byte: int, payload: bytes = b"") -> bytes:
    """A whole control frame; its payload is cut at the 125 bytes the protocol allows."""
    payload = payload[:125]
    return header(first_byte, len(payload)) + payload


class Frame:
    """One Socket.IO packet (or Engine.IO control packet) in all its encodings.

    websocket: the WebSocket frame, or frames when the packet has binary attachments; ready to be written.
    namespace: the namespace it belongs to, None for Engine.IO's own packets.
    """

    __slots__ = ("_deflated", "_parts", "_polling", "namespace", "size", "websocket")

    def __init__(
        self, payload: bytes, attachments: Iterable[bytes] = (), namespace: str | None = None
    ) -> None:
        self.namespace = namespace
        self._parts: tuple[bytes, ...] = (payload, *attachments)
        self.websocket = text_header(len(payload)) + payload
        if len(self._parts) > 1:
            self.websocket += b"".join(header(BINARY, len(part)) + part for part in self._parts[1:])
        self.size = len(self.websocket)
        self._polling: bytes | None = None
        self._deflated: bytes | None = None

    @property
    def polling(self) -> bytes:
        """The packets of a long-polling payload; attachments as base64."""
        if self._polling is None:
            binary = (b"b" + base64.b64encode(part) for part in self._parts[1:])
            self._polling = SEPARATOR.join((self._parts[0], *binary))
        return self._polling

    @property
    def packets(self) -> int:
        """How many Engine.IO packets it is."""
        return len(self._parts)

    @property
    def deflated(self) -> bytes:
        """The same for a client that negotiated permessage-deflate without context takeover (RFC 7692)."""
        if self._deflated is None:
            first = (TEXT, *(BINARY for _ in self._parts[1:]))
            frames = (_deflate(byte, part) for byte, part in zip(first, self._parts, strict=True))
            self._deflated = b"".join(frames)
        return self._deflated


def _deflate(first_byte: int, payload: bytes) -> bytes:
    if len(payload) < COMPRESSION_THRESHOLD_BYTES:
        return header(first_byte, len(payload)) + payload
    compressor = zlib.compressobj(zlib.Z_BEST_SPEED, wbits=-15)
    body = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    body = body.removesuffix(b"\x00\x00\xff\xff")
    return header(first_byte | _COMPRESSED, len(body)) + body


PING_FRAME: Final = Frame(b"2")
NOOP_FRAME: Final = Frame(b"6")
CLOSE_FRAME: Final = Frame(b"1")
