"""Sweeping: what was stored but, because a process died between the stores, never recorded to be told."""

from datetime import timedelta

from domain import posts, responses
from domain.ids import derived_id
from domain.ports import Ports

SWEEP_WINDOW = timedelta(minutes=10)
SETTLED_AFTER = timedelta(seconds=10)
"""Younger content may still be on its way to the outbox."""
SWEEP_LIMIT = 500


async def sweep_unrecorded(ports: Ports) -> int:
    """Records and tells content of the last minutes that has no outbox row; returns how much there was."""
    return await _sweep_posts(ports) + await _sweep_responses(ports)


async def _sweep_posts(ports: Ports) -> int:
    recent = await ports.content.posts.created_since(ports.now() - SWEEP_WINDOW, SWEEP_LIMIT)
    by_event = {
        derived_id("post:new", post.id): post
        for post in recent
        if ports.now() - post.created_at > SETTLED_AFTER
    }
    missing = await ports.records.outbox.missing(list(by_event)) if by_event else set()
    for event_id in missing:
        await posts.tell_of(by_event[event_id], ports)
    return len(missing)


async def _sweep_responses(ports: Ports) -> int:
    recent = await ports.content.responses.created_since(ports.now() - SWEEP_WINDOW, SWEEP_LIMIT)
    by_event = {
        derived_id("response:new", response.id): response
        for response in recent
        if ports.now() - response.created_at > SETTLED_AFTER
    }
    missing = await ports.records.outbox.missing(list(by_event)) if by_event else set()
    for event_id in missing:
        response = by_event[event_id]
        post = await ports.content.posts.get(response.post_id)
        if post is not None:
            await responses.tell_of(response, post, ports)
    return len(missing)
