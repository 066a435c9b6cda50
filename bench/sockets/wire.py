"""Just enough WebSocket, Engine.IO 4 and Socket.IO 5 to be a client that costs next to nothing."""

import base64
import json
import os
import zlib
from collections.abc import Callable

# A legal masking key that leaves the payload as it is: servers unmask as ever, we need not mask.
_NO_MASK = b"\0\0\0\0"
PING = b"2"

_COMPRESSED = 0x40
_FLUSHED = b"\0\0\xff\xff"  # what a sender cuts off the end of every compressed message

Inflate = Callable[[bytes], bytes]


def upgrade_request(port: int, *, deflate: bool) -> bytes:
    """The HTTP request that opens a websocket; `deflate` offers permessage-deflate as browsers do."""
    lines = [
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
    ]
    if deflate:
        lines.append("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
    return "\r\n".join([*lines, "", ""]).encode()


def client_frame(payload: bytes) -> bytes:
    """One masked, final text frame; the payload must be shorter than 64 KiB."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, 0x80 | size)) + _NO_MASK + payload
    return b"\x81\xfe" + size.to_bytes(2, "big") + _NO_MASK + payload


PONG = client_frame(b"3")


def connect_packet(auth: dict[str, object]) -> bytes:
    """The frame that connects to the default namespace."""
    return client_frame(b"40" + json.dumps(auth).encode())


def event_packet(event: str, argument: dict[str, str], ack_id: int) -> bytes:
    """The frame of one event that wants an acknowledgment."""
    return client_frame(f"42{ack_id}".encode() + json.dumps([event, argument]).encode())


def split_frames(data: bytes, inflate: Inflate) -> tuple[list[bytes], bytes]:
    """The payloads of the whole frames in `data`, and the cut frame after them."""
    payloads, offset = [], 0
    while (bounds := _payload_bounds(data, offset)) is not None:
        start, end = bounds
        payload = data[start:end]
        payloads.append(inflate(payload) if data[offset] & _COMPRESSED else payload)
        offset = end
    return payloads, data[offset:]


def inflater() -> Inflate:
    """What turns the compressed messages of one connection back, in their order (RFC 7692)."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    return lambda payload: stream.decompress(payload + _FLUSHED)


def _payload_bounds(data: bytes, offset: int) -> tuple[int, int] | None:
    if len(data) - offset < 2:
        return None
    size, start = data[offset + 1], offset + 2
    if size >= 126:
        width = 2 if size == 126 else 8
        size = int.from_bytes(data[start : start + width], "big")
        start += width
    # A cut extended length reads as a smaller number, but then `start` already lies beyond the data.
    return (start, start + size) if len(data) >= start + size else None
