"""Content warnings: what somebody puts before a post of theirs, so that others can choose to read it."""

from typing import Annotated

import msgspec

from domain import limits, posts, trust
from domain.accounts import User
from domain.errors import Forbidden, NotFound
from domain.ids import new_id
from domain.jobs import Job
from domain.ports import Ports
from domain.posts import Post, PostAnswer
from domain.text import storable_text
from domain.wire import Command, Id

LABELS_MAX = 50
"""So many decisions about one post are looked through for a moderator's own warning."""


class EditWarning(Command, frozen=True):
    """Without a `content_warning` the one there is goes."""

    post_id: Id
    content_warning: Annotated[str, msgspec.Meta(max_length=100)] | None = None


async def edit_warning(command: EditWarning, user: User, ports: Ports) -> PostAnswer:
    """Of one's own post, also a closed one. The warning is scanned like any other text."""
    warning = storable_text(command.content_warning or "", "content_warning") or None
    post = await posts.own_post(command.post_id, user, ports)
    if post.status not in {"live", "closed"}:
        raise NotFound
    await _check_may_edit(post, warning or "", user, ports)
    changes: dict[str, object] = {"content_warning": warning, "edited_at": ports.now()}
    return await posts.change_post(post, changes, user, ports, jobs=[scan_job(post)])


async def _check_may_edit(post: Post, warning: str, user: User, ports: Ports) -> None:
    """A warning that a moderator gave stays until an appeal takes it back."""
    made = await ports.records.decisions.of_target("post", post.id, LABELS_MAX)
    if any(one.action == "label" and one.state == "active" for one in made):
        raise Forbidden("A moderator gave this warning; you can appeal.")
    if post.type != "sos":
        await trust.check_may_speak(warning, user, ports)
    await limits.check("warnings", user.id, ports.settings.posts_per_hour, limits.HOUR, ports)


def scan_job(post: Post) -> Job:
    """Another cause than the first scan's: what it finds now is a finding of its own."""
    cause = new_id()
    args = {"post_id": post.id, "cause": cause}
    return Job(name="rescan_post", args=args, key=f"rescan_post:{post.id}:{cause}", lane="default")
