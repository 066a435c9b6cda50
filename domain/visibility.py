"""Visibility: taking what somebody wrote out of everybody's sight, and bringing it back.

Each change has a `cause` (a decision): its events are derived from it, so that doing it twice tells it once,
and doing it again for another cause tells it again.
"""

from collections.abc import Sequence
from typing import Literal

from domain import echoes, events, ladder
from domain.events import Event
from domain.ids import derived_id
from domain.jobs import Job
from domain.ports import Ports
from domain.posts import Post, PostStatus
from domain.responses import Response

Withheld = Literal["held", "hidden", "removed"]
SEEN = frozenset({"live", "closed"})


async def withhold_post(post: Post, status: Withheld, cause: str, ports: Ports) -> bool:
    """Gone from every surface, with what it earned others. False when its author took it back meanwhile.

    An author who closes a post at this very moment does not keep it in sight.
    """
    if post.status not in {*SEEN, status, "held", "hidden"}:
        return False
    if await ports.content.posts.change(post.id, {"status": status}, status=post.status) is None:
        now = await ports.content.posts.get(post.id)
        if now is None or now.status == post.status:
            return False
        return await withhold_post(now, status, cause, ports)
    gone = _event("post:removed", cause, post.author_id, ports, post_id=post.id, reason="moderation")
    points = points_job("reverse_points", cause, post.id, None)
    await _tell(gone, [points, *echoes.jobs_of(gone, post.created_at)], ports)
    return True


async def restore_post(post: Post, status: PostStatus, cause: str, ports: Ports) -> bool:
    """Back where it was, with its points. False when there is nothing to bring back."""
    if post.status not in {"held", "hidden", "removed", status}:
        return False
    if await ports.content.posts.change(post.id, {"status": status}, status=post.status) is None:
        return False
    back = _event("post:new", cause, post.author_id, ports, post_id=post.id)
    again = [ladder.revisit_job(post.id)] if post.type == "sos" else []
    await _tell(back, [points_job("restore_points", cause, post.id, None), *again], ports)
    return True


async def withhold_response(response: Response, status: Withheld, cause: str, ports: Ports) -> bool:
    """As `withhold_post`; its count is taken back by whoever took it out of sight."""
    if response.status == "expired" or (response.status == "removed" and status != "removed"):
        return False
    changed = await ports.content.responses.change(response.id, {"status": status}, status=response.status)
    if changed is None:
        now = await ports.content.responses.get(response.id)
        if now is None or now.status == response.status:
            return False
        return await withhold_response(now, status, cause, ports)
    if response.status == "live":
        await ports.content.posts.count_response(response.post_id, -1)
    refs = {"post_id": response.post_id, "response_id": response.id}
    gone = _event("response:removed", cause, response.author_id, ports, **refs, reason="moderation")
    points = points_job("reverse_points", cause, response.post_id, response.id)
    owed = [points, *echoes.jobs_of(gone, response.created_at)]
    await _tell(gone, owed, ports, withdrawn=response.id)
    return True


async def restore_response(response: Response, cause: str, ports: Ports) -> bool:
    changed = await ports.content.responses.change(response.id, {"status": "live"}, status=response.status)
    if changed is None:
        return False
    if response.status != "live":
        await ports.content.posts.count_response(response.post_id, 1)
    refs = {"post_id": response.post_id, "response_id": response.id}
    back = _event("response:new", cause, response.author_id, ports, **refs)
    points = points_job("restore_points", cause, response.post_id, response.id)
    await _tell(back, [points, ladder.revisit_job(response.post_id)], ports)
    return True


def points_job(name: str, cause: str, post_id: str, ref: str | None) -> Job:
    args = {"post_id": post_id, **({"ref": ref} if ref else {})}
    return Job(name=name, args=args, key=f"{name}:{ref or post_id}:{cause}", lane="default")


def _event(name: str, cause: str, author_id: str, ports: Ports, **refs: str) -> Event:
    thing = refs.get("response_id", refs["post_id"])
    return Event(id=derived_id(name, thing, cause), name=name, at=ports.now(), refs=refs, actor=author_id)


async def _tell(event: Event, jobs: Sequence[Job], ports: Ports, *, withdrawn: str | None = None) -> None:
    """`withdrawn` names a response that may have ended an SOS ladder."""
    async with ports.transaction() as tx:
        owed = await events.record(event, jobs, tx)
        if withdrawn is not None:
            owed += await ladder.note_withdrawal(event.refs["post_id"], withdrawn, tx)
    ports.announcer.announce(event, jobs=owed)
