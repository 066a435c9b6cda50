"""Shares: how much of the counts that everybody is told was given by people whom some do not see.

They travel beside an event, for servers only, which take them off for those of their clients who are apart
from a giver. A post on which nobody is apart from anybody (`Post.apart`) has none, and costs nothing. To the
count of a circle each member gives one.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from domain.rooms import Logged

if TYPE_CHECKING:
    from domain.ports import Ports
    from domain.posts import Post

RESPONSES = "responses"
"""Beside the kinds of quick support: how often somebody answered."""
MEMBERS = "members"
"""What a member gives to the count of a circle."""
POSTS_MAX = 500
"""The newest posts somebody helped with; nobody gives anything to older ones any more."""
SEEN_KEPT = 512
"""So many events are kept as those see them who are apart from the same people."""

Shares = dict[str, dict[str, int]]
"""What each account gave: `{account: {kind: count}}`."""

_shares = msgspec.json.Decoder(Shares)


async def note(post: Post, blocked: frozenset[str], ports: Ports) -> Post:
    """Somebody with blocks around them (`blocked`) gave something to this post."""
    if not blocked or post.apart:
        return post
    return await ports.content.posts.change(post.id, {"apart": True}) or post


async def set_apart(one: str, other: str, ports: Ports) -> None:
    """After a block between two: what is told from now on of posts that they helped with has shares."""
    for account_id in (one, other):
        helped = await ports.content.supports.posts_of(account_id, POSTS_MAX)
        helped += await ports.content.responses.posts_of(account_id, POSTS_MAX)
        await ports.content.posts.set_apart(helped)


async def of(post: Post, ports: Ports) -> bytes:
    """What those gave from whom somebody is apart, as JSON; empty when there is nobody."""
    if not post.apart:
        return b""
    given = [*await ports.content.supports.given_to(post.id)]
    given += [(author, RESPONSES) for author in await ports.content.responses.authors(post.id)]
    apart = await ports.records.blocks.among({giver for giver, _ in given})
    shares = {id: dict(Counter(kind for giver, kind in given if giver == id)) for id in sorted(apart)}
    return msgspec.json.encode(shares) if shares else b""


async def of_members(circle_id: str, ports: Ports) -> bytes:
    """What those members count who are apart from another one; empty when there is nobody."""
    apart = sorted(await ports.records.blocks.within(circle_id))
    return msgspec.json.encode({id: {MEMBERS: 1} for id in apart}) if apart else b""


def givers(event: Logged) -> Iterable[str]:
    return _read(event.shares) if event.shares else ()


def as_seen_by(event: Logged, blocked: frozenset[str]) -> Logged:
    """The event with counts that leave out what blocked people gave."""
    if not event.shares or blocked.isdisjoint(_read(event.shares)):
        return event
    return _without(event, blocked.intersection(_read(event.shares)))


@functools.lru_cache(SEEN_KEPT)
def _read(shares: bytes) -> Shares:
    return _shares.decode(shares)


@functools.lru_cache(SEEN_KEPT)
def _without(event: Logged, hidden: frozenset[str]) -> Logged:
    taken: Counter[str] = Counter()
    for account_id in hidden:
        taken.update(_read(event.shares)[account_id])
    told = msgspec.json.decode(event.body)
    _take_off(taken, told["data"])
    return event._replace(body=msgspec.json.encode(told), shares=b"")


def _take_off(taken: Counter[str], data: dict[str, Any]) -> None:
    if "circle" in data:
        data["circle"]["member_count"] = max(0, data["circle"]["member_count"] - taken[MEMBERS])
    elif "post" in data:
        counts = data["post"]["counts"]
        left = max(0, counts["responses"] - taken[RESPONSES])
        data["post"]["counts"] = {"responses": left, "supports": less(counts["supports"], taken)}
    else:
        data["counts"] = less(data["counts"], taken)


def less(counts: dict[str, Any], taken: Counter[str]) -> dict[str, int]:
    left = {kind: count - taken[kind] for kind, count in counts.items()}
    return {kind: count for kind, count in left.items() if count > 0}
