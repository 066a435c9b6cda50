"""Echoes: the removal or change of something just said is told once more, a little later.

What is told is read first and published then. A telling that read before the change and published after it
would have the last word with those who listen; in replay it has not (`domain.replay`).
"""

from datetime import datetime, timedelta

from domain import events
from domain.events import Event
from domain.ids import derived_id
from domain.jobs import Job
from domain.ports import Ports

FRESH = timedelta(seconds=30)
"""What was said longer ago has been told for good."""
AFTER = timedelta(seconds=2)


def jobs_of(told: Event, said_at: datetime) -> list[Job]:
    """The job that tells an event about a text once more, if the text is young."""
    if told.at - said_at > FRESH:
        return []
    args = {"name": told.name, "event_id": told.id, "author_id": told.actor, **told.refs}
    return [Job(name="echo", args=args, key=f"echo:{told.id}", lane="default", run_at=told.at + AFTER)]


async def echo(name: str, event_id: str, author_id: str, refs: dict[str, str], ports: Ports) -> None:
    """Once, and not of what was brought back meanwhile."""
    if name.endswith(":removed") and await _is_seen(refs, ports):
        return
    event = Event(id=derived_id("echo", event_id), name=name, at=ports.now(), refs=refs, actor=author_id)
    async with ports.transaction() as tx:
        await events.record(event, [], tx)
    ports.announcer.announce(event)


async def _is_seen(refs: dict[str, str], ports: Ports) -> bool:
    if "response_id" in refs:
        response = await ports.content.responses.get(refs["response_id"])
        return response is not None and response.status == "live"
    post = await ports.content.posts.get(refs["post_id"])
    return post is not None and post.status in {"live", "closed"}
