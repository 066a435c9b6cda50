"""What an export holds, section by section. Another kind of thing is one more line in `SECTIONS`.

A section shows what the person gave or what was decided about them, and of others nothing but public ids. It
reads at most about `limit` things, behind the one that `after` names, and only ever of the user who asks.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from domain import accounts, blocks, devices, helping, notifications, open_sessions, pages, preferences
from domain.accounts import User
from domain.audit import LineFilter
from domain.clock import rfc3339
from domain.decisions import Decision
from domain.errors import Invalid
from domain.ids import derived_id, parse_id
from domain.notifications import Notification
from domain.pages import Cursor
from domain.ports import Ports
from domain.posts import PostFilter, PostStatus

KINDS_OF_SUPPORT = 10
"""More than there are, so that a page holds all of at least one post."""
DECISIONS_MAX = 100
STORED: tuple[PostStatus, ...] = ("live", "closed", "held", "hidden", "removed")
"""What still holds words."""


class Part(NamedTuple):
    """`following` is behind the last item; None when the section ends with it."""

    items: list[Any]
    following: Cursor | None


Section = Callable[[User, Cursor | None, int, Ports], Awaitable[Part]]


def shown(thing: msgspec.Struct, *hidden: str) -> dict[str, Any]:
    """The fields of a row or a document, but for those that say how we work and whose it is."""
    fields = msgspec.structs.asdict(thing)
    return {
        name: rfc3339(value) if isinstance(value, datetime) else value
        for name, value in fields.items()
        if name not in hidden
    }


def whole(read: Callable[[User, Ports], Awaitable[Sequence[Any]]]) -> Section:
    """A section that is small, or read whole anyway; cut where a page ends."""

    async def section(user: User, after: Cursor | None, limit: int, ports: Ports) -> Part:
        start = number_of(after) or 0
        items = list(await read(user, ports))
        end = start + limit
        return Part(items[start:end], [end] if len(items) > end else None)

    return section


def one(read: Callable[[User, Ports], Awaitable[Any]]) -> Section:
    async def alone(user: User, ports: Ports) -> list[Any]:
        return [await read(user, ports)]

    return whole(alone)


def by_id(read: Callable[[str, str, int, Ports], Awaitable[Sequence[Any]]], *hidden: str) -> Section:
    """A section whose things are read by account and by the id of the one before."""

    async def section(user: User, after: Cursor | None, limit: int, ports: Ports) -> Part:
        found = await read(user.id, text_of(after), limit + 1, ports)
        items = [shown(thing, *hidden) for thing in found[:limit]]
        return Part(items, [found[limit - 1].id] if len(found) > limit else None)

    return section


def number_of(after: Cursor | None) -> int | None:
    match after:
        case None:
            return None
        case [int(number)] if number >= 0:
            return number
    raise Invalid("This cursor belongs to another list.", field="cursor")


def text_of(after: Cursor | None) -> str:
    match after:
        case None:
            return ""
        case [str(text)]:
            return text
    raise Invalid("This cursor belongs to another list.", field="cursor")


async def posts(user: User, after: Cursor | None, limit: int, ports: Ports) -> Part:
    """Also those that were deleted and are still stored."""
    wanted = PostFilter(author_id=user.id, statuses=STORED)
    place: Cursor | None = [text_of(after)] if after else None
    found = await ports.content.posts.page(wanted, place, limit + 1)
    items = [shown(post, "author_id", "rooms", "amplified") for post in found[:limit]]
    return Part(items, [found[limit - 1].id] if len(found) > limit else None)


async def supports(user: User, after: Cursor | None, limit: int, ports: Ports) -> Part:
    """Cut between posts: those to one post come together."""
    most = max(limit, KINDS_OF_SUPPORT)
    found = await ports.content.supports.by_giver(user.id, text_of(after), most)
    more = len(found) == most
    kept = [given for given in found if not more or given.post_id != found[-1].post_id]
    items = [{"post_id": post_id, "kind": kind, "at": rfc3339(at)} for post_id, kind, at in kept]
    return Part(items, [kept[-1].post_id] if more else None)


async def points(user: User, after: Cursor | None, limit: int, ports: Ports) -> Part:
    found = await ports.records.ledger.page(user.id, number_of(after), limit + 1)
    items = [shown(line.entry, "account_id", "key") for line in found[:limit]]
    return Part(items, [found[limit - 1].number] if len(found) > limit else None)


async def told(user: User, after: Cursor | None, limit: int, ports: Ports) -> Part:
    """Without what blocked people did, as everywhere."""
    apart = sorted(await ports.records.blocks.around(user.id))
    place = pages.place_of(after)
    found = await ports.records.notifications.page(user.id, place, limit + 1, without=apart)
    items = [notifications.notification_view(one) for one in found[:limit]]
    return Part(items, pages.position_of(_place(found[limit - 1])) if len(found) > limit else None)


def _place(notification: Notification) -> pages.Place:
    return pages.Place(notification.created_at, notification.id)


async def reports(user: User, after: Cursor | None, limit: int, ports: Ports) -> Part:
    behind = parse_id(text_of(after), "cursor") if after else None
    found = await ports.records.reports.made_by(user.id, behind, limit + 1)
    items = [shown(report, "case_id", "reporter_id", "weight") for report in found[:limit]]
    return Part(items, [found[limit - 1].id] if len(found) > limit else None)


async def log(user: User, after: Cursor | None, limit: int, ports: Ports) -> Part:
    """What the audit log says that the account did."""
    wanted = LineFilter(actor_id=user.id)
    found = await ports.records.audit.page(wanted, number_of(after), limit + 1)
    items = [shown(line, "seq", "actor_id", "previous", "hash") for line in found[:limit]]
    return Part(items, [found[limit - 1].seq] if len(found) > limit else None)


async def decisions(user: User, ports: Ports) -> list[dict[str, Any]]:
    """What moderation decided about the person, with what they said in an appeal; never who decided."""
    made = await ports.records.decisions.of_subject(user.id, DECISIONS_MAX)
    return [await _decision(decision, ports) for decision in made if decision.state != "proposed"]


async def _decision(decision: Decision, ports: Ports) -> dict[str, Any]:
    appeal = await ports.records.cases.get(derived_id("appeal", decision.id))
    fields = shown(decision, "case_id", "subject_id", "moderator_id", "earlier", "reversed_by")
    return {**fields, "appeal": appeal.note if appeal else None}


async def circles(user: User, ports: Ports) -> list[dict[str, Any]]:
    mine = await ports.records.circles.of_account(user.id)
    found = await ports.records.circles.get_many([member.circle_id for member in mine])
    return [
        {"circle_id": member.circle_id, "name": found[member.circle_id].name, "role": member.role}
        for member in mine
        if member.circle_id in found
    ]


async def trackers(user: User, ports: Ports) -> list[dict[str, Any]]:
    found = await ports.records.trackers.of_account(user.id)
    return [shown(tracker, "account_id") for tracker in found]


async def voice_notes(user: User, ports: Ports) -> list[dict[str, Any]]:
    """The sound of each is at `GET /v1/voice-notes/{id}`."""
    found = await ports.content.voice_notes.of_author(user.id)
    return [shown(note, "author_id", "state", "touched_at") for note in found]


SECTIONS: Mapping[str, Section] = {
    "account": one(accounts.get_me),
    "sessions": whole(lambda user, ports: _items(open_sessions.my_sessions(user, ports))),
    "devices": whole(lambda user, ports: _items(devices.list_devices(user, ports))),
    "preferences": one(preferences.get_preferences),
    "helping": one(helping.get_helping),
    "circles": whole(circles),
    "invitations": by_id(
        lambda id, after, limit, ports: ports.records.invitations.of_person(
            id, after and parse_id(after, "cursor"), limit
        ),
        "code_hash",
    ),
    "blocks": whole(lambda user, ports: _items(blocks.my_blocks(user, ports))),
    "trackers": whole(trackers),
    "check_ins": by_id(
        lambda id, after, limit, ports: ports.content.checkins.page(id, after, limit), "account_id"
    ),
    "cravings": by_id(
        lambda id, after, limit, ports: ports.content.cravings.page(id, after, limit), "account_id"
    ),
    "active_days": whole(lambda user, ports: ports.records.activities.days(user.id)),
    "posts": posts,
    "responses": by_id(
        lambda id, after, limit, ports: ports.content.responses.by_author(id, after or None, limit),
        "author_id",
    ),
    "voice_notes": whole(voice_notes),
    "supports": supports,
    "points": points,
    "notifications": told,
    "reports": reports,
    "decisions": whole(decisions),
    "log": log,
}


async def _items(page: Awaitable[Any]) -> list[Any]:
    return list((await page).items)
