"""Follow-ups: after an SOS somebody asks how it went, without being asked to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from domain import notifications
from domain.ids import derived_id
from domain.jobs import Job
from domain.ports import Ports

if TYPE_CHECKING:
    from domain.posts import Post

AFTER = (timedelta(minutes=20), timedelta(hours=24), timedelta(hours=72))


def jobs_of(post: Post) -> list[Job]:
    """None for an SOS beyond the hourly limit: the one before it is followed up."""
    if post.type != "sos" or not post.amplified:
        return []
    return [follow_up_job(post, number) for number in range(len(AFTER))]


def follow_up_job(post: Post, number: int) -> Job:
    return Job(
        name="follow_up",
        args={"post_id": post.id, "number": str(number)},
        key=f"follow_up:{post.id}:{number}",
        lane="default",
        run_at=post.created_at + AFTER[number],
    )


async def follow_up(post_id: str, number: int, ports: Ports) -> None:
    """Asks the author how it went, once for each number, if they want that; not about what they took away.

    A post that moderation held or hid is followed up all the same: its author may need it most.
    """
    post = await ports.content.posts.get(post_id)
    if post is None or post.status in {"removed", "expired"}:
        return
    event_id = derived_id("follow_up", post_id, str(number))
    await notifications.notify(post.author_id, "follow_up", event_id, post_id, ports)
