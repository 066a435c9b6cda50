"""Sweeping: what was stored but, because a process died between the stores, never recorded to be told.

An SOS is stored also while PostgreSQL is away, which may be long: a sweep goes on where the last one ended.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from domain import posts, responses
from domain.errors import Unavailable
from domain.ids import derived_id
from domain.ports import Ports
from domain.posts import Post
from domain.responses import Response

log = logging.getLogger(__name__)

LOOK_BACK = timedelta(hours=12)
"""How far the first sweep goes; shorter than what was told stays in the outbox, or it would be told again."""
SETTLED_AFTER = timedelta(seconds=10)
"""Younger content may still be on its way to the outbox."""
OVERLAP = timedelta(minutes=1)
"""Clocks of servers differ, and a store may take its time: what is older is in sight by then."""
PAGE, PAGES_MAX = 500, 10
MILLISECOND = timedelta(milliseconds=1)

Thing = TypeVar("Thing", Post, Response)


class Swept(NamedTuple):
    """How much was told, and from when on the next sweep has to look."""

    told: int
    until: datetime


async def sweep_unrecorded(since: datetime, ports: Ports) -> Swept:
    """Records and tells content that was made since then and has no outbox row."""
    until = ports.now() - SETTLED_AFTER
    written = await _sweep(since, until, ports.content.posts.created_since, _tell_posts, ports)
    said = await _sweep(since, until, ports.content.responses.created_since, _tell_responses, ports)
    return Swept(written.told + said.told, min(written.until, said.until))


async def _sweep(
    since: datetime,
    until: datetime,
    read: Callable[[datetime, int], Awaitable[list[Thing]]],
    tell: Callable[[Sequence[Thing], Ports], Awaitable[int]],
    ports: Ports,
) -> Swept:
    """Page by page, oldest first; where there is more than one sweep takes, the next one begins there."""
    told = 0
    for _ in range(PAGES_MAX):
        page = await read(since, PAGE)
        told += await tell([one for one in page if one.created_at < until], ports)
        if len(page) < PAGE or page[-1].created_at >= until:
            return Swept(told, until - OVERLAP)
        since = max(page[-1].created_at, since + MILLISECOND)
    return Swept(told, since)


async def _tell_posts(found: Sequence[Post], ports: Ports) -> int:
    by_event = {derived_id("post:new", post.id): post for post in found}
    return sum([await _told(posts.tell_of(by_event[id], ports)) for id in await _missing(by_event, ports)])


async def _tell_responses(found: Sequence[Response], ports: Ports) -> int:
    by_event = {derived_id("response:new", response.id): response for response in found}
    missing = await _missing(by_event, ports)
    return sum([await _told(_tell_response(by_event[id], ports)) for id in missing])


async def _missing(by_event: dict[str, Thing], ports: Ports) -> list[str]:
    """Oldest first, those that nobody recorded."""
    missing = await ports.records.outbox.missing(list(by_event)) if by_event else set()
    return [event_id for event_id in by_event if event_id in missing]


async def _tell_response(response: Response, ports: Ports) -> None:
    post = await ports.content.posts.get(response.post_id)
    if post is not None:
        await responses.tell_of(response, post, ports)


async def _told(telling: Awaitable[None]) -> bool:
    """What cannot be told lets those behind it pass; a lost store ends the sweep, which is done again."""
    try:
        await telling
    except Unavailable:
        raise
    except Exception:
        log.exception("sweep.untellable")
        return False
    return True
