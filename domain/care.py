"""Care for data: what was written goes when its time is over, and nobody's traces outlive their use."""

from datetime import timedelta

from domain import events
from domain.events import Event
from domain.ids import derived_id
from domain.ports import Ports
from domain.posts import Post

EXPIRE_BATCH = 200
PRUNE_BATCH = 1_000
KEEP_EXPIRED_REFRESH = timedelta(days=1)
KEEP_INVITATIONS = timedelta(days=7)
KEEP_ATTENTION = timedelta(days=7)
"""Who was asked to help with an SOS and who looked at it; its ladder is over after a day."""
KEEP_ENDED_SESSIONS = timedelta(days=30)
"""Long enough for somebody to see in their list of sessions that one was ended."""


async def expire_content(ports: Ports) -> int:
    """Takes away the content of posts whose time is over, with their threads; returns how many posts.

    Counts, points and statistics stay: they are about the help, not about what was said.
    """
    expired = 0
    while due := await ports.content.posts.due_to_expire(ports.now(), EXPIRE_BATCH):
        for post in due:
            await _expire(post, ports)
        expired += len(due)
    return expired


async def _expire(post: Post, ports: Ports) -> None:
    """The post itself comes last: whatever dies before is done again."""
    if post.status in {"live", "closed"}:
        await _tell_expired(post, ports)
    await empty_thread(post.id, ports)
    await ports.content.posts.expire(post.id)


async def empty_thread(post_id: str, ports: Ports) -> None:
    """Takes away what was said and given in answer to a post."""
    await ports.content.voice_notes.forget_thread(post_id)
    await ports.content.responses.expire_thread(post_id)
    await ports.content.supports.forget(post_id)


async def _tell_expired(post: Post, ports: Ports) -> None:
    event = Event(
        id=derived_id("post:removed", post.id, "expired"),
        name="post:removed",
        at=ports.now(),
        refs={"post_id": post.id, "reason": "expired"},
        actor=post.author_id,
    )
    async with ports.transaction() as tx:
        await events.record(event, [], tx)
    ports.announcer.announce(event)


async def prune_sessions(ports: Ports) -> int:
    """Deletes refresh tokens and sessions that nobody can use any more; returns how many rows."""
    now, sessions = ports.now(), ports.records.sessions
    expired, ended = now - KEEP_EXPIRED_REFRESH, now - KEEP_ENDED_SESSIONS
    pruned = 0
    while rows := (
        await sessions.prune_refresh(expired, PRUNE_BATCH)
        + await sessions.prune_ended(ended, PRUNE_BATCH)
        + await sessions.prune_lapsed(expired, PRUNE_BATCH)
    ):
        pruned += rows
    return pruned


async def prune_invitations(ports: Ports) -> int:
    """Deletes invitations into circles that nobody can use any more; returns how many."""
    pruned = 0
    while rows := await ports.records.invitations.prune(ports.now() - KEEP_INVITATIONS, PRUNE_BATCH):
        pruned += rows
    return pruned


async def prune_attention(ports: Ports) -> int:
    """Deletes who was asked about an SOS and who looked at it, when that is over; returns how many rows."""
    before, pruned = ports.now() - KEEP_ATTENTION, 0
    while rows := await ports.records.ladders.forget_attention(before, PRUNE_BATCH):
        pruned += rows
    return pruned
