"""Scanning: what moderation finds in a text, and what follows from it.

A person at risk is never silenced: risk offers help and leaves the post where it is.
"""

from collections.abc import Sequence
from datetime import datetime

from domain import crisis, events, moderation, responses, rooms
from domain.events import Event
from domain.ids import derived_id
from domain.moderation import ScanContext, Verdict
from domain.ports import Ports
from domain.posts import Post, PostStatus
from domain.responses import Response
from domain.wire import View


class CrisisOffer(View, frozen=True):
    """Data of `crisis:offer`."""

    post_id: str
    crisis: crisis.CrisisResources


class ModerationNotice(View, frozen=True):
    """Data of `moderation:notice`: what happened to which of my texts, why, and how to disagree."""

    target: str
    target_id: str
    action: str
    labels: list[str]
    appeal: str


APPEAL = "If you think this is wrong, answer with a report on it: a person will read it."


async def scan_post(post_id: str, ports: Ports) -> None:
    """Scans a post and acts on the verdict; a second run finds its own traces and changes nothing."""
    post = await ports.content.posts.get(post_id)
    if post is None or post.status in {"removed", "expired"}:
        return
    verdict = moderation.scan(post.content, context=ScanContext(kind=post.type))
    await ports.content.posts.change(post.id, {"verdict": record_of(verdict, ports.now())})
    if verdict.restricts:
        await _restrict_post(post, verdict, ports)
    elif verdict.masked_text is not None:
        await _mask_post(post, verdict, ports)
    if verdict.shows_help:
        await _tell([_offer(post, ports)], ports)


def record_of(verdict: Verdict, at: datetime) -> dict[str, object]:
    """What is kept of a verdict: labels, scores and actions, never the text again."""
    return {
        "labels": list(verdict.labels),
        "scores": {label: round(score, 4) for label, score in verdict.scores.items()},
        "actions": list(verdict.actions),
        "language": verdict.language,
        "scanned_at": at,
    }


async def _restrict_post(post: Post, verdict: Verdict, ports: Ports) -> None:
    status: PostStatus = "hidden" if verdict.action == "hide" else "held"
    if post.status not in {status, "live", "closed"}:
        return
    if await ports.content.posts.change(post.id, {"status": status}, status=post.status) is None:
        return
    gone = Event(
        id=derived_id("post:removed", post.id, status),
        name="post:removed",
        at=ports.now(),
        refs={"post_id": post.id, "reason": "moderation"},
        actor=post.author_id,
    )
    await _tell([gone, _notice("post", post.id, post.author_id, status, verdict, ports)], ports)


async def _mask_post(post: Post, verdict: Verdict, ports: Ports) -> None:
    changes: dict[str, object] = {"content": verdict.masked_text, "edited_at": ports.now()}
    if verdict.masked_text == post.content or not await ports.content.posts.change(post.id, changes):
        return
    changed = Event(
        id=derived_id("post:changed", post.id, "masked"),
        name="post:changed",
        at=ports.now(),
        refs={"post_id": post.id},
        actor=post.author_id,
    )
    await _tell([changed, _notice("post", post.id, post.author_id, "masked", verdict, ports)], ports)


def _offer(post: Post, ports: Ports) -> Event:
    return Event(
        id=derived_id("crisis:offer", post.id),
        name="crisis:offer",
        at=ports.now(),
        refs={"post_id": post.id, "account_id": post.author_id},
    )


def _notice(target: str, id: str, account_id: str, action: str, verdict: Verdict, ports: Ports) -> Event:
    return Event(
        id=derived_id("moderation:notice", id, action),
        name="moderation:notice",
        at=ports.now(),
        refs={
            "account_id": account_id,
            "target": target,
            "target_id": id,
            "action": action,
            "labels": ",".join(verdict.labels),
        },
    )


async def scan_response(response_id: str, ports: Ports) -> None:
    response = await ports.content.responses.get(response_id)
    if response is None or response.status != "live":
        return
    verdict = moderation.scan(response.content, context=ScanContext(kind="response"))
    kept: dict[str, object] = {"verdict": record_of(verdict, ports.now())}
    await ports.content.responses.change(response.id, kept)
    if verdict.restricts:
        await _restrict_response(response, verdict, ports)
    elif verdict.masked_text is not None:
        await ports.content.responses.change(response.id, {"content": verdict.masked_text})


async def _restrict_response(response: Response, verdict: Verdict, ports: Ports) -> None:
    post = await ports.content.posts.get(response.post_id)
    if post is None:
        return
    await responses.remove_response(response, post, "moderation", ports)
    await _tell([_notice("response", response.id, response.author_id, "hidden", verdict, ports)], ports)


async def _tell(told: Sequence[Event], ports: Ports) -> None:
    async with ports.transaction() as tx:
        for event in told:
            await events.record(event, [], tx)
    ports.announcer.announce(*told)


@events.composes("crisis:offer")
async def compose_offer(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    account = await ports.records.accounts.get(event.refs["account_id"])
    if account is None:
        return None
    offer = CrisisOffer(post_id=event.refs["post_id"], crisis=crisis.resources_for(account.country))
    return [rooms.user_room(account.id)], offer


@events.composes("moderation:notice")
async def compose_notice(event: Event, ports: Ports) -> tuple[list[str], object]:
    refs = event.refs
    notice = ModerationNotice(
        target=refs["target"],
        target_id=refs["target_id"],
        action=refs["action"],
        labels=refs["labels"].split(",") if refs["labels"] else [],
        appeal=APPEAL,
    )
    return [rooms.user_room(refs["account_id"])], notice
