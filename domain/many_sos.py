"""Many SOS of one person in an hour: each is kept and answered with help; together they call people once.

Beyond the limit an SOS is not told to everybody again: one person could bury what all others say. It is there
for its author, for whoever has its id, and for moderators, who hear of the person instead of each post.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain import cases
from domain.cases import Case
from domain.ids import derived_id
from domain.ladder import Noted

if TYPE_CHECKING:
    from domain.ports import Records
    from domain.posts import Post

TOPIC = "many_sos"


async def call_people(post: Post, tx: Records) -> Noted:
    """The one case about its author that this SOS opens or joins."""
    if post.amplified or post.visibility == "private":
        return Noted([], [])
    case = new_case(post)
    if await tx.cases.get(case.id) is not None:
        return Noted([], [])
    opened = await cases.open_case(case, tx)
    return Noted(opened.told, opened.owed)


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
