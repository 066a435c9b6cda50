"""Rooms: the addresses events are told to, and the position of a reader in a room's log."""

from typing import Annotated, Literal, NamedTuple

import msgspec

from domain.wire import END, Command, View

Kind = Literal["user", "circle", "feed", "post"]
FEED = "feed"
EPHEMERAL_SEQ = 0
"""In the place of a seq: heard once, kept nowhere."""
INTERNAL = "~"
"""Events of this prefix are for servers only."""
REMOVALS = frozenset({"post:removed", "response:removed"})
REDACTED, REDACTED_BODY = "~redacted", b'{"data":{}}'
"""What is left of an event whose author was erased: its place, so that nobody takes it for a hole."""
RoomName = Annotated[
    str,
    msgspec.Meta(pattern=r"^(feed|(user|circle|post):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})" + END),
]
Epoch = Annotated[str, msgspec.Meta(max_length=32)]
"""Empty for a room that was joined while its log could not be read."""
POSITIONS_MAX = 200
"""Rooms one client may ask to resume at once."""


class Position(Command, frozen=True):
    """The last event a reader has: `seq` counts within the life (`epoch`) of the room's log."""

    epoch: Epoch
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


Positions = Annotated[dict[RoomName, Position], msgspec.Meta(max_length=POSITIONS_MAX)]


class Resume(Command, frozen=True):
    positions: Positions


class Logged(NamedTuple):
    """One event of a room's log. `body` is the envelope as JSON bytes, `previous` the seq before it.

    `shares` never leaves the server: see `domain.shares`.
    """

    seq: int
    previous: int
    epoch: str
    event: str
    actor: str
    body: bytes
    shares: bytes = b""


class Slice(NamedTuple):
    """What a room's log holds after some seq, in order, with the log's own position."""

    epoch: str
    seq: int
    events: list[Logged]


class RoomEvents(View, frozen=True):
    """Events missed in one room; not `recovered`: the log cannot prove that nothing is missing."""

    room: str
    epoch: str
    seq: int
    recovered: bool
    events: list[msgspec.Raw]


class RoomState(View, frozen=True):
    epoch: str
    seq: int
    recovered: bool


def user_room(account_id: str) -> str:
    return f"user:{account_id}"


def circle_room(circle_id: str) -> str:
    return f"circle:{circle_id}"


def post_room(post_id: str) -> str:
    return f"post:{post_id}"


def split(room: str) -> tuple[str, str]:
    """Kind and id; the id of the feed is empty."""
    kind, _, id = room.partition(":")
    return kind, id


def missed(log: Slice, position: Position | None) -> list[Logged] | None:
    """The events after `position`, whole and in order, or None when that cannot be proved.

    Each event names the seq before it, so a hole (trimmed or lost) shows however far apart the numbers are.
    A reader may be ahead of a log that lost its newest second in a crash: it missed nothing.
    """
    if position is None or position.epoch != log.epoch:
        return None
    newer = [event for event in log.events if event.seq > position.seq]
    if not newer:
        return [] if log.seq <= position.seq else None
    return newer if newer[0].previous <= position.seq else None
