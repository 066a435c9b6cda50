"""The audit log: who did what that matters, in a chain in which no line can be changed or left out unseen.

Every line holds the hash of the line before it. Lines hold ids and static words, never what people wrote.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from domain import access
from domain.accounts import User
from domain.clock import rfc3339
from domain.errors import Invalid
from domain.pages import Page, decode_cursor, encode_cursor
from domain.ports import Ports, Records
from domain.wire import END, Command, Id, View

ROOT = "0" * 64
"""What the first line names as the hash before it."""
SYSTEM = "system"
MODERATION = "moderation."
"""Moderators read lines of this prefix, admins all."""

ActionName = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[a-z_.]+" + END)]


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What happened. `actor_id` is an account or `system`."""

    actor_id: str
    action: str
    target: str = ""
    target_id: str = ""
    details: dict[str, str] = {}


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """An act with its place in the chain."""

    seq: int
    at: datetime
    actor_id: str
    action: str
    target: str
    target_id: str
    details: dict[str, str]
    previous: str
    hash: str


class Chain(msgspec.Struct, frozen=True):
    """How far the log was read: lines, the last hash, and the first seq that does not fit (None: whole)."""

    lines: int = 0
    head: str = ROOT
    broken_at: int | None = None


class LineFilter(msgspec.Struct, frozen=True, kw_only=True):
    """An empty field asks nothing; `prefix` is of the action."""

    action: str = ""
    prefix: str = ""
    actor_id: str = ""
    target_id: str = ""


class AuditQuery(Command, frozen=True):
    action: ActionName | None = None
    actor_id: Id | None = None
    target_id: Id | None = None
    limit: int | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class LineView(View, frozen=True):
    seq: int
    at: str
    actor_id: str
    action: str
    target: str
    target_id: str
    details: dict[str, str]
    hash: str


def sealed(act: Act, *, seq: int, at: datetime, previous: str) -> AuditLine:
    """The line of an act behind the line whose hash is `previous`."""
    fields = msgspec.structs.asdict(act)
    line = AuditLine(seq=seq, at=at, previous=previous, hash="", **fields)
    return msgspec.structs.replace(line, hash=digest(line))


def digest(line: AuditLine) -> str:
    """SHA-256 over everything of the line but its own hash."""
    fields = {**msgspec.structs.asdict(line), "at": line.at.astimezone(UTC).isoformat()}
    del fields["hash"]
    return hashlib.sha256(msgspec.json.encode(fields, order="sorted")).hexdigest()


def extended(chain: Chain, lines: Iterable[AuditLine]) -> Chain:
    """The chain with the lines that follow, up to the first that was changed or has one missing before."""
    for line in lines:
        fits = line.previous == chain.head and line.seq == chain.lines + 1 and line.hash == digest(line)
        if chain.broken_at is not None or not fits:
            return Chain(chain.lines, chain.head, chain.broken_at or line.seq)
        chain = Chain(line.seq, line.hash)
    return chain


async def note(
    action: str,
    actor_id: str,
    tx: Records,
    ports: Ports,
    *,
    target: str = "",
    target_id: str = "",
    **details: str,
) -> None:
    """Adds a line in the transaction of what it tells about.

    Call it last: lines are written one at a time, so whoever writes one holds up the others until its commit.
    """
    act = Act(actor_id=actor_id, action=action, target=target, target_id=target_id, details=details)
    await tx.audit.append(act, ports.now())


async def read_lines(query: AuditQuery, user: User, ports: Ports, *, limit: int) -> Page[LineView]:
    """Newest first. Moderators read what moderation did, admins everything."""
    access.check_moderator(user)
    wanted = LineFilter(
        action=query.action or "",
        prefix="" if user.role == "admin" else MODERATION,
        actor_id=query.actor_id or "",
        target_id=query.target_id or "",
    )
    found = await ports.records.audit.page(wanted, before(query.cursor), limit + 1)
    more = encode_cursor([found[limit - 1].seq]) if len(found) > limit else None
    return Page(items=[line_view(line) for line in found[:limit]], next_cursor=more)


def before(cursor: str | None) -> int | None:
    match decode_cursor(cursor):
        case None:
            return None
        case [int(seq)]:
            return seq
    raise Invalid("This cursor belongs to another list.", field="cursor")


def line_view(line: AuditLine) -> LineView:
    return LineView(
        seq=line.seq,
        at=rfc3339(line.at),
        actor_id=line.actor_id,
        action=line.action,
        target=line.target,
        target_id=line.target_id,
        details=line.details,
        hash=line.hash,
    )
