"""Socket.IO packets, version 5 of the protocol, as bytes.

Encoding `<type>[<attachments>-][<namespace>,][<ack id>][JSON]`; here always with Engine.IO's `4` before it.
"""

import json as standard_json
from typing import Any, Final

import orjson

from realtime.engine.frame import Frame

CONNECT: Final = 0x30
DISCONNECT: Final = 0x31
EVENT: Final = 0x32
ACK: Final = 0x33
CONNECT_ERROR: Final = 0x34
BINARY_EVENT: Final = 0x35
BINARY_ACK: Final = 0x36

#: Names the protocol keeps for itself: a packet that carries one as its event is not valid.
RESERVED: Final = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)

# Acknowledgement ids are counters; a longer one is an attack on int().
ID_DIGITS: Final = 18


class PacketError(ValueError):
    """What came is not a packet: the client is closed."""


class Packet:
    """A packet as it came: `data` is its JSON text, not yet read."""

    __slots__ = ("attachments", "data", "id", "kind", "namespace")

    def __init__(self, kind: int, namespace: str, id_: bytes, data: bytes, attachments: int) -> None:
        self.kind = kind
        self.namespace = namespace
        self.id = id_
        self.data = data
        self.attachments = attachments


def parse(payload: bytes) -> Packet:
    """Read the head of an Engine.IO message (`4…`). Raises PacketError."""
    kind = payload[1] if len(payload) > 1 else 0
    if not CONNECT <= kind <= BINARY_ACK or kind == CONNECT_ERROR:
        raise PacketError("unknown packet type")
    position, attachments = 2, 0
    if kind in (BINARY_EVENT, BINARY_ACK):
        position, attachments = _count(payload)
    position, namespace = _namespace(payload, position)
    end = position
    while end < len(payload) and 0x30 <= payload[end] <= 0x39:
        end += 1
    if end - position > ID_DIGITS:
        raise PacketError("acknowledgement id too long")
    return Packet(kind, namespace, payload[position:end], payload[end:], attachments)


def _count(payload: bytes) -> tuple[int, int]:
    dash = payload.find(b"-", 2, 8)
    digits = payload[2:dash] if dash > 0 else b""
    if not digits.isdigit():
        raise PacketError("number of attachments is missing")
    return dash + 1, int(digits)


def _namespace(payload: bytes, position: int) -> tuple[int, str]:
    if payload[position : position + 1] != b"/":
        return position, "/"
    comma = payload.find(b",", position)
    end = comma if comma > 0 else len(payload)
    name = payload[position:end].partition(b"?")[0]
    try:
        return min(end + 1, len(payload)), name.decode()
    except UnicodeDecodeError as error:
        raise PacketError("namespace is not text") from error


def loads(text: bytes) -> Any:
    """Decode JSON from a client. Raises PacketError, never anything else."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:  # what orjson refuses and JavaScript sends: lone surrogates, huge numbers
        return standard_json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise PacketError("not JSON") from error


def _no_constant(name: str) -> Any:
    """`NaN` and `Infinity` are Python's own additions to JSON."""
    raise ValueError(name)


def dumps(value: Any) -> bytes:
    """Encode JSON for a client. Raises TypeError or ValueError for what is not JSON."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)
    except TypeError:
        return standard_json.dumps(value, separators=(",", ":")).encode()


def event_list(data: bytes) -> list[Any]:
    """The event name and its arguments. Raises PacketError."""
    values = loads(data)
    if not isinstance(values, list) or not values or not isinstance(values[0], str):
        raise PacketError("an event is a list that begins with its name")
    return values


def ack_list(data: bytes) -> list[Any]:
    """The arguments of an acknowledgement. Raises PacketError."""
    values = loads(data)
    if not isinstance(values, list):
        raise PacketError("an acknowledgement is a list")
    return values


def head(kind: int, namespace: str, id_: bytes = b"", attachments: int = 0) -> bytes:
    """Everything before the JSON."""
    count = b"%d-" % attachments if attachments else b""
    name = b"" if namespace == "/" else namespace.encode() + b","
    return b"4%c%b%b%b" % (kind, count, name, id_)


def split_binary(value: Any, attachments: list[bytes]) -> Any:
    """Replace bytes by placeholders and collect them."""
    if isinstance(value, bytes | bytearray):
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(value, list | tuple):
        return [split_binary(item, attachments) for item in value]
    if isinstance(value, dict):
        return {key: split_binary(item, attachments) for key, item in value.items()}
    return value


def join_binary(value: Any, attachments: list[bytes]) -> Any:
    """Put the attachments back where their placeholders are. Raises PacketError."""
    if isinstance(value, list):
        return [join_binary(item, attachments) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("_placeholder") is not True:
        return {key: join_binary(item, attachments) for key, item in value.items()}
    number = value.get("num")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(attachments):
        raise PacketError("placeholder without attachment")
    return attachments[number]


def encode(kind: int, namespace: str, values: Any, id_: bytes = b"") -> Frame:
    """A packet of decoded values; bytes in it become attachments. Raises TypeError for what is not JSON."""
    try:
        return Frame(head(kind, namespace, id_) + dumps(values), namespace=namespace)
    except TypeError:
        attachments: list[bytes] = []
        values = split_binary(values, attachments)
        if not attachments:
            raise
    kind = BINARY_EVENT if kind == EVENT else BINARY_ACK
    return Frame(head(kind, namespace, id_, len(attachments)) + dumps(values), attachments, namespace)
