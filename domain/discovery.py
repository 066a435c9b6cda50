"""Discovery: which circles there are for somebody."""

import msgspec

from domain import circles, pages
from domain.accounts import User
from domain.circles import CircleFilter, CircleView
from domain.pages import Page
from domain.ports import Ports
from domain.text import accepted_text


def filter_of(category: str | None, name: str | None, cursor: str | None, *, mine: bool) -> CircleFilter:
    return CircleFilter(
        category=category,
        name=accepted_text(name, "name", characters_max=100) if name is not None else None,
        mine=mine,
        before=pages.id_of(pages.decode_cursor(cursor)),
    )


async def list_circles(wanted: CircleFilter, user: User, ports: Ports, *, limit: int) -> Page[CircleView]:
    """Newest first; of circles that blocked people own, only those I am in."""
    apart = tuple(sorted(await ports.records.blocks.around(user.id)))
    wanted = msgspec.structs.replace(wanted, without_owners=apart)
    found = await ports.records.circles.page(user.id, wanted, limit + 1)
    return Page(
        items=await circles.views_for(user.id, found[:limit], ports),
        next_cursor=pages.next_cursor([one.circle.id for one in found], limit),
    )


async def get_circle(circle_id: str, user: User, ports: Ports) -> CircleView:
    return await circles.view_for(user.id, *await circles.seen_circle(circle_id, user, ports), ports)
