"""Rescans: what changed rules would do to what was said before; first as a dry run, then as jobs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from domain import scanning
from domain.clock import EPOCH
from domain.decisions import Decision
from domain.enforcement import DECISIONS_MAX
from domain.jobs import Job
from domain.moderation import Verdict
from domain.pages import Cursor
from domain.ports import Ports
from domain.posts import Post
from domain.responses import Response

WINDOW = timedelta(days=30)
PAGE = 200
SAMPLES_MAX = 5
GONE = frozenset({"removed", "expired"})

Effect = Literal["hide", "hold", "release", "mask", "ask_for_warning", "offer_help", "call_moderators"]


class Change(msgspec.Struct, frozen=True):
    """What rescanning one text would do that was not done before."""

    target: Literal["post", "response"]
    id: str
    effects: tuple[Effect, ...]


class DryRun(msgspec.Struct, frozen=True):
    """`counts` of each effect, a few ids for each to look at, and everything that would change."""

    scanned: int
    counts: dict[Effect, int]
    samples: dict[Effect, list[str]]
    changes: list[Change]


async def dry_run(ports: Ports, *, window: timedelta = WINDOW) -> DryRun:
    """Scans what was said in the window with the rules as they are now, and changes nothing."""
    since = ports.now() - window
    posts, seen_posts = await _changed_posts(since, ports)
    responses, seen_responses = await _changed_responses(since, ports)
    return summary([*posts, *responses], seen_posts + seen_responses)


async def apply(found: DryRun, cause: str, ports: Ports) -> int:
    """Adds a job for every text that would change; returns how many. The same `cause` again adds none."""
    jobs = [job_of(change, cause) for change in found.changes]
    for start in range(0, len(jobs), PAGE):
        owed = await ports.records.jobs.add(jobs[start : start + PAGE])
        await ports.queue.push(owed)
    return len(jobs)


def job_of(change: Change, cause: str) -> Job:
    name = f"rescan_{change.target}"
    args = {f"{change.target}_id": change.id, "cause": cause}
    return Job(name=name, args=args, key=f"{name}:{change.id}:{cause}", lane="bulk")


def summary(changes: Sequence[Change], scanned: int) -> DryRun:
    counts: Counter[Effect] = Counter(effect for change in changes for effect in change.effects)
    samples = {effect: samples_of(effect, changes) for effect in counts}
    return DryRun(scanned, dict(counts), samples, list(changes))


def samples_of(effect: Effect, changes: Iterable[Change]) -> list[str]:
    return [f"{change.target}:{change.id}" for change in changes if effect in change.effects][:SAMPLES_MAX]


async def _changed_posts(since: datetime, ports: Ports) -> tuple[list[Change], int]:
    changes, seen, after = [], 0, None
    while page := await ports.content.posts.scanned(since, after, PAGE):
        for post, before in page:
            if post.status not in GONE:
                found = await scanning.read_post(post, ports)
                changes += await _change("post", post, found, before, ports)
        seen, after = seen + len(page), place(page[-1][0])
    return changes, seen


async def _changed_responses(since: datetime, ports: Ports) -> tuple[list[Change], int]:
    changes, seen, after = [], 0, None
    while page := await ports.content.responses.scanned(since, after, PAGE):
        for response, before in page:
            if response.type == "text" and response.status not in GONE:
                found = await scanning.read_response(response, ports)
                changes += await _change("response", response, found, before, ports)
        seen, after = seen + len(page), place(page[-1][0])
    return changes, seen


def place(text: Post | Response) -> Cursor:
    return [(text.created_at - EPOCH) // timedelta(milliseconds=1), text.id]


async def _change(
    target: Literal["post", "response"],
    text: Post | Response,
    found: tuple[Verdict, dict[str, object]],
    before: Sequence[str],
    ports: Ports,
) -> list[Change]:
    made = await ports.records.decisions.of_target(target, text.id, DECISIONS_MAX)
    verdict, masks = found
    asked = effects(text, verdict, before, made, masked=bool(masks))
    return [Change(target, text.id, asked)] if asked else []


def effects(
    text: Post | Response,
    verdict: Verdict,
    before: Sequence[str],
    made: Sequence[Decision],
    *,
    masked: bool,
) -> tuple[Effect, ...]:
    """What is new; a text that a person judged keeps the status they gave it."""
    judged = scanning.last_judged(made) is not None
    calls = scanning.kinds_called(verdict, judged=judged)
    withheld = text.status in {"held", "hidden"}
    asked: dict[Effect, bool] = {
        "hide": verdict.action == "hide" and text.status != "hidden" and not judged,
        "hold": verdict.action == "hold" and not withheld and not judged,
        "release": withheld and not verdict.restricts and not judged,
        "mask": masked,
        "ask_for_warning": "ask_warning_label" not in before and scanning.asks_for_warning(text, verdict),
        "offer_help": scanning.offers_help(text, verdict) and "show_help" not in before,
        "call_moderators": bool(calls) and "notify_moderators" not in before,
    }
    return tuple(effect for effect, holds in asked.items() if holds)
