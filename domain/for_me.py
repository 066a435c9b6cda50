"""For me: the order of a feed that begins with whom this person may help.

Posts fall into bands, one after the other; within a band they stand by time. What somebody has in common
with a post is a category: of their trackers, of their circles, or one that they help with.

1. an SOS that nobody answered, the longest waiting first
2. other posts that nobody answered, in a category in common, newest first
3. the others that nobody answered
4. answered posts in a category in common
5. the other answered ones
6. closed posts

A band is a plain filter, so every page reads an index from where the last one ended. A post that is answered
while somebody turns the pages moves to a later band and may be met again; it is not missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from domain.errors import Invalid
from domain.ids import parse_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.accounts import User
    from domain.pages import Cursor
    from domain.ports import Ports
    from domain.posts import Post, PostFilter

GENERAL = "general"
"""A circle of this category is for everybody, and says nothing about its members."""
SOS_BAND, LAST_BAND = 1, 6


class Placed(NamedTuple):
    """A post with the number of its band."""

    band: int
    post: Post


async def common_categories(user: User, ports: Ports) -> tuple[str, ...]:
    tracked = [tracker.category for tracker in await ports.records.trackers.of_account(user.id)]
    shared = await ports.records.circles.categories_of(user.id)
    helper = await ports.records.helpers.get(user.id)
    helped = helper.categories if helper is not None else []
    return tuple(sorted({*tracked, *shared, *helped} - {GENERAL}))


def bands(wanted: PostFilter, common: tuple[str, ...]) -> dict[int, PostFilter]:
    """The bands by number, without those that nothing can be in."""
    live = replace(wanted, sort="recent", statuses=("live",))
    waiting, answered = replace(live, unanswered=True, but_type="sos"), replace(live, answered=True)
    found = {
        SOS_BAND: replace(live, sort="oldest_unanswered", type="sos"),
        2: replace(waiting, in_categories=common),
        3: replace(waiting, not_in_categories=common),
        4: replace(answered, in_categories=common),
        5: replace(answered, not_in_categories=common),
        LAST_BAND: replace(live, statuses=("closed",)),
    }
    empty = set()
    if not common:
        empty |= {2, 4}
    if wanted.unanswered:
        empty |= {4, 5}
    if wanted.type is not None:
        empty |= {2, 3} if wanted.type == "sos" else {SOS_BAND}
    return {number: band for number, band in found.items() if number not in empty}


async def page(
    wanted: PostFilter, after: Cursor | None, limit: int, user: User, ports: Ports
) -> list[Placed]:
    """At most `limit` posts behind the cursor; raises `Invalid` for the cursor of another list."""
    first, place = start_of(after)
    found: dict[str, Placed] = {}
    for number, band in bands(wanted, await common_categories(user, ports)).items():
        if number < first or len(found) == limit:
            continue
        at: Cursor | None = [place] if number == first and place is not None else None
        for post in await ports.content.posts.page(band, at, limit - len(found)):
            found.setdefault(post.id, Placed(number, post))
    return list(found.values())


def start_of(after: Cursor | None) -> tuple[int, str | None]:
    match after:
        case None:
            return SOS_BAND, None
        case [int(band), str(id)] if SOS_BAND <= band <= LAST_BAND:
            return band, parse_id(id, "cursor")
    raise Invalid("This cursor belongs to another list.", field="cursor")


def position_of(placed: Sequence[Placed]) -> Cursor:
    """Of the last one: where the next page begins."""
    return [placed[-1].band, placed[-1].post.id]
