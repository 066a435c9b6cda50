"""Many SOS of one person in an hour: each is kept and answered with help; together they call people once.

Beyond the limit an SOS is not told to everybody again: one person could bury what all others say. It is there
for its author, for whoever has its id, and for moderators, who hear of the person instead of each post.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain import cases
from domain.cases import Case
from domain.ids import derived_id

if TYPE_CHECKING:
    from domain.events import Event
    from domain.ports import Records
    from domain.posts import Post

TOPIC = "many_sos"


async def call_people(post: Post, tx: Records) -> list[Event]:
    """The one case about its author that this SOS opens or joins; what to announce after the commit."""
    if post.amplified or post.visibility == "private":
        return []
    case = new_case(post)
    if await tx.cases.get(case.id) is not None:
        return []
    return (await cases.open_case(case, tx))[1]


def new_case(post: Post) -> Case:
    return Case(
        id=derived_id("case", post.id, TOPIC),
        kind="risk",
        target="user",
        target_id=post.author_id,
        subject_id=post.author_id,
        topics=[TOPIC],
        urgency=cases.URGENT,
        opened_at=post.created_at,
    )
