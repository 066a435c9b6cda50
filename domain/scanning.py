"""Scanning: what moderation finds in a text, and what follows from it.

A person at risk is never silenced: risk offers help, calls people, and leaves the post where it is. What
moderation keeps from others by itself is a decision like any other: told, seen by a moderator, open to an
appeal. What a person has decided about a text, no scan changes any more.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from domain import audit, cases, crisis, echoes, enforcement, events, moderation, notices, rooms, trust
from domain.cases import Case, CaseKind, Target
from domain.decisions import WITHHOLDING, Action, Decision, apply_job
from domain.events import Event
from domain.ids import derived_id, new_id
from domain.jobs import Job
from domain.moderation import AT_RISK, Label, ScanContext, Verdict
from domain.moderation.policy import FilterLevel
from domain.ports import Ports, Records
from domain.posts import Post
from domain.responses import Response
from domain.wire import View

SCAN = "scan"
"""The cause of what the scan of a new text does; a rescan is another cause."""
SLOWED_FOR = timedelta(hours=1)
AGAINST_OTHERS: frozenset[Label] = frozenset({"harassment", "sexual_or_grooming", "sourcing", "spam"})
IN_DANGER = AT_RISK - {"third_party_concern"}
"""Whoever answers and worries about the other needs no help offered for it."""
URGENCY: dict[Label, int] = {
    "self_harm_risk": 5,
    "overdose_risk": 5,
    "method_seeking": 4,
    "third_party_concern": 4,
    "sexual_or_grooming": 4,
    "harassment": 3,
    "sourcing": 3,
    "contact_exchange": 2,
    "spam": 1,
    "profanity": 1,
}


class CrisisOffer(View, frozen=True):
    """Data of `crisis:offer`; `post_id` is null when it is about the person and no post of theirs."""

    post_id: str | None
    crisis: crisis.CrisisResources


class Scanned(msgspec.Struct, frozen=True, kw_only=True):
    """A text with what a scan found in it. `cause` names this scan."""

    target: Target
    id: str
    author_id: str
    status: str
    created_at: datetime
    verdict: Verdict
    cause: str


async def scan_post(post_id: str, ports: Ports, *, cause: str = SCAN) -> None:
    """Scans a post and acts on the verdict; a second run finds its own traces and changes nothing."""
    post = await ports.content.posts.get(post_id)
    if post is None or post.status in {"removed", "expired"}:
        return
    verdict, masks = await read_post(post, ports)
    await ports.content.posts.change(post.id, {"verdict": record_of(verdict, ports.now())})
    scanned = scanned_of("post", post, verdict, cause)
    await _follow(scanned, ports)
    if masks:
        await _mask_post(post, masks, verdict, ports)
    if asks_for_warning(post, verdict):
        await _ask_for_warning(post, verdict, ports)
    if offers_help(post, verdict):
        await _tell([_offer(post, ports)], ports)


async def scan_response(response_id: str, ports: Ports, *, cause: str = SCAN) -> None:
    """As `scan_post`; also for what is held or hidden, which a rescan may bring back. It hears no voice."""
    response = await ports.content.responses.get(response_id)
    if response is None or response.type == "voice" or response.status in {"removed", "expired"}:
        return
    verdict, masks = await read_response(response, ports)
    kept: dict[str, object] = {"verdict": record_of(verdict, ports.now())}
    await ports.content.responses.change(response.id, kept, status=response.status)
    await _follow(scanned_of("response", response, verdict, cause), ports)
    if masks:
        await _mask_response(response, verdict, ports)
    if offers_help(response, verdict):
        await _tell([_offer(response, ports)], ports)


async def read_post(post: Post, ports: Ports) -> tuple[Verdict, dict[str, object]]:
    """What a scan makes of a post and its warning together, and the parts that are to be replaced."""
    verdict = await verdict_on_post(post, ports)
    warned = await _verdict_on_warning(post, ports)
    masks = masks_of(post, verdict, warned)
    vile = warned is not None and warned.restricts
    if judged_at := last_judged(await decisions_on("post", post.id, ports)):
        # The words are as a person judged them, but for a warning that came after that.
        newer = post.edited_at is not None and post.edited_at > judged_at
        kept = {**masks, "content_warning": None} if vile else masks
        return verdict, {name: text for name, text in kept.items() if newer and name == "content_warning"}
    if vile and not verdict.restricts and AT_RISK & set(verdict.labels):
        # Whoever is in danger is heard, whatever the warning says: the warning goes, the post stays.
        return verdict, {**masks, "content_warning": None}
    if warned is not None and vile and not verdict.restricts:
        verdict = warned
    return verdict, {} if verdict.restricts else masks


async def read_response(response: Response, ports: Ports) -> tuple[Verdict, dict[str, object]]:
    """As `read_post`."""
    verdict = await verdict_on_response(response, ports)
    masked = verdict.masked_text not in {None, response.content} and not verdict.restricts
    if not masked or last_judged(await decisions_on("response", response.id, ports)):
        return verdict, {}
    return verdict, {"content": verdict.masked_text}


def offers_help(text: Post | Response, verdict: Verdict) -> bool:
    """Whoever answers and worries about the other needs none for it."""
    return verdict.shows_help if isinstance(text, Post) else bool(IN_DANGER & set(verdict.labels))


async def decisions_on(target: Target, target_id: str, ports: Ports) -> list[Decision]:
    """Newest first."""
    return await ports.records.decisions.of_target(target, target_id, enforcement.DECISIONS_MAX)


async def _verdict_on_warning(post: Post, ports: Ports) -> Verdict | None:
    """A content warning is read by everybody who is to be spared the content."""
    if not post.content_warning:
        return None
    return await verdict_on_post(post, ports, text=post.content_warning)


def masks_of(post: Post, verdict: Verdict, warned: Verdict | None) -> dict[str, object]:
    """The parts of a post that are to be replaced, as they shall read."""
    masked = {"content": verdict.masked_text, "content_warning": warned.masked_text if warned else None}
    return {name: text for name, text in masked.items() if text not in (None, getattr(post, name))}


async def verdict_on_post(post: Post, ports: Ports, *, text: str | None = None) -> Verdict:
    """On its content, or on another `text` of it, by the rules of where it is read."""
    level = await filter_level_of(post, ports)
    return await verdict_on(text or post.content, post.type, post.author_id, ports, filter_level=level)


async def verdict_on_response(response: Response, ports: Ports) -> Verdict:
    post = await ports.content.posts.get(response.post_id)
    level = await filter_level_of(post, ports) if post else "standard"
    return await verdict_on(response.content, "response", response.author_id, ports, filter_level=level)


async def filter_level_of(post: Post, ports: Ports) -> FilterLevel:
    """The circle's; but a lenient circle decides for its members alone, not for the public feed."""
    circle = await ports.records.circles.get(post.circle_id) if post.circle_id else None
    if circle is None or (post.visibility == "public" and circle.filter_level == "lenient"):
        return "standard"
    return circle.filter_level


async def verdict_on(
    content: str,
    kind: moderation.policy.Kind,
    author_id: str,
    ports: Ports,
    *,
    filter_level: FilterLevel = "standard",
) -> Verdict:
    """What moderation finds. A long text takes a quarter of a second: it is read in a thread, so that a
    worker goes on with its other jobs meanwhile.
    """
    trusted = await trust.trust_of(author_id, ports)
    context = ScanContext(kind=kind, trust=trusted, filter_level=filter_level)
    return await asyncio.to_thread(moderation.scan, content, context=context)


def scanned_of(target: Target, text: Post | Response, verdict: Verdict, cause: str) -> Scanned:
    return Scanned(
        target=target,
        id=text.id,
        author_id=text.author_id,
        status=text.status,
        created_at=text.created_at,
        verdict=verdict,
        cause=cause,
    )


def record_of(verdict: Verdict, at: datetime) -> dict[str, object]:
    """What is kept of a verdict: labels, scores and actions, never the text again."""
    return {
        "labels": list(verdict.labels),
        "scores": {label: round(score, 4) for label, score in verdict.scores.items()},
        "actions": list(verdict.actions),
        "language": verdict.language,
        "scanned_at": at,
    }


async def _follow(scanned: Scanned, ports: Ports) -> None:
    """Cases for people to look at, and what cannot wait for them."""
    made = await decisions_on(scanned.target, scanned.id, ports)
    judged = last_judged(made) is not None
    await _call_people(scanned, kinds_called(scanned.verdict, judged=judged), ports)
    if judged:
        return
    if scanned.verdict.restricts:
        if not is_withheld(scanned, made):
            await _restrict(scanned, ports)
    elif any(one.action in WITHHOLDING and one.state == "active" for one in made):
        await _release(scanned, made, ports)
    if "slow_down" in scanned.verdict.actions:
        await _slow_down(scanned, ports)


def last_judged(made: Sequence[Decision]) -> datetime | None:
    """When a person has decided about it last: no scan changes that any more."""
    by_people = [one.at for one in made if one.moderator_id is not None and one.state != "proposed"]
    return max(by_people, default=None)


def is_withheld(scanned: Scanned, made: Sequence[Decision]) -> bool:
    """Whether another scan keeps it from others already, for as much: its author was told then."""
    held = [one for one in made if one.action in WITHHOLDING and one.state == "active"]
    another = [one for one in held if one.id != decision_id(scanned)]
    return any(one.action == "hide" or scanned.verdict.action == "hold" for one in another)


def kinds_called(verdict: Verdict, *, judged: bool) -> list[CaseKind]:
    """Danger and conduct are two cases: nothing that answers the one may punish the other."""
    if "notify_moderators" not in verdict.actions:
        return []
    labels = set(verdict.labels)
    kinds: list[CaseKind] = ["risk"] if labels & AT_RISK else []
    if not judged and (labels & AGAINST_OTHERS or not kinds):
        kinds.append("conduct")
    return kinds


async def _call_people(scanned: Scanned, kinds: Sequence[CaseKind], ports: Ports) -> None:
    if not kinds:
        return
    told: list[Event] = []
    owed: list[Job] = []
    async with ports.transaction() as tx:
        for kind in kinds:
            case = new_case(scanned, kind, ports)
            # None when this scan opened it before, whatever became of it.
            if await tx.cases.get(case.id) is None:
                opened = await cases.open_case(case, tx)
                told, owed = [*told, *opened.told], [*owed, *opened.owed]
    ports.announcer.announce(*told, jobs=owed)


def new_case(scanned: Scanned, kind: CaseKind, ports: Ports) -> Case:
    labels = [label for label in scanned.verdict.labels if (label in AT_RISK) == (kind == "risk")]
    return Case(
        id=derived_id("case", scanned.id, kind, scanned.cause),
        kind=kind,
        target=scanned.target,
        target_id=scanned.id,
        subject_id=scanned.author_id,
        topics=sorted(labels),
        urgency=max((URGENCY[label] for label in labels), default=1),
        opened_at=ports.now(),
    )


async def _restrict(scanned: Scanned, ports: Ports) -> None:
    """Keeps a text from others until a person has looked, and tells its author why and how to appeal."""
    if scanned.status not in {"live", "closed", "held", "hidden"}:
        return
    told: list[Event] = []
    owed: list[Job] = []
    case = new_case(scanned, "conduct", ports)
    decision = automatic(scanned, case, ports)
    async with ports.transaction() as tx:
        known = await tx.decisions.get(decision.id)
        if known is None:
            if not await _is_ours(scanned, tx):
                return
            opened = await cases.open_case(case, tx)
            decision = msgspec.structs.replace(decision, case_id=opened.case.id)
            told, owed = opened.told, [*opened.owed, *await _decided(decision, tx, ports)]
    await enforcement.apply(known or decision, ports)
    ports.announcer.announce(*told, jobs=owed)


async def _is_ours(scanned: Scanned, tx: Records) -> bool:
    """Whether it is still for this scan to decide: by now a person may have, or another scan."""
    if await cases.held_subject(scanned.author_id, tx) is None:
        return False
    made = await tx.decisions.of_target(scanned.target, scanned.id, enforcement.DECISIONS_MAX)
    return last_judged(made) is None and not is_withheld(scanned, made)


def decision_id(scanned: Scanned) -> str:
    return derived_id("decision", scanned.id, scanned.cause)


def automatic(scanned: Scanned, case: Case, ports: Ports) -> Decision:
    """What moderation does by itself."""
    action: Action = "hide" if scanned.verdict.action == "hide" else "hold"
    return Decision(
        id=decision_id(scanned),
        case_id=case.id,
        target=scanned.target,
        target_id=scanned.id,
        subject_id=scanned.author_id,
        moderator_id=None,
        action=action,
        at=ports.now(),
        topics=case.topics,
        earlier=scanned.status,
    )


async def _decided(decision: Decision, tx: Records, ports: Ports) -> list[Job]:
    await tx.decisions.add(decision)
    owed = await tx.jobs.add([apply_job(decision)])
    await audit.note(
        f"moderation.{decision.action}",
        audit.SYSTEM,
        tx,
        ports,
        target=decision.target,
        target_id=decision.target_id,
        case_id=decision.case_id,
        decision_id=decision.id,
        state=decision.state,
    )
    return owed


async def _release(scanned: Scanned, made: Sequence[Decision], ports: Ports) -> None:
    """The rules think better of it now: what moderation itself withheld comes back."""
    back = Decision(
        id=derived_id("release", scanned.id, scanned.cause),
        case_id=made[0].case_id,
        target=scanned.target,
        target_id=scanned.id,
        subject_id=scanned.author_id,
        moderator_id=None,
        action="restore",
        at=ports.now(),
    )
    async with ports.transaction() as tx:
        if not await _ended(scanned, back, tx):
            return
        owed = await _decided(back, tx, ports)
    await enforcement.apply(back, ports)
    await ports.queue.push(owed)


async def _ended(scanned: Scanned, back: Decision, tx: Records) -> bool:
    """False when there is nothing to take back any more, or a person has judged it by now."""
    await cases.held_subject(scanned.author_id, tx)
    made = await tx.decisions.of_target(scanned.target, scanned.id, enforcement.DECISIONS_MAX)
    withheld = [one for one in made if one.action in WITHHOLDING and one.state == "active"]
    if last_judged(made) is not None or not withheld:
        return False
    for one in withheld:
        await tx.decisions.end(one.id, "reversed", by=back.id)
        # What people reported is for people to decide, whatever the rules think by now.
        await tx.cases.close_unreported(one.case_id, "dismiss", back.at)
        await cases.close_appeal(one.id, back.at, tx)
    return True


async def _slow_down(scanned: Scanned, ports: Ports) -> None:
    """For an hour from what was said; an SOS is not slowed down."""
    until = scanned.created_at + SLOWED_FOR
    standing = await ports.records.standings.get(scanned.author_id)
    if standing.slowed_until is None or standing.slowed_until < until:
        await ports.records.standings.update(scanned.author_id, {"slowed_until": until})


async def _mask_post(post: Post, masks: dict[str, object], verdict: Verdict, ports: Ports) -> None:
    """Owed first and done then: should we die between, a change too many is told, and none is forgotten."""
    changed = _changed("post:changed", post.author_id, ports, post_id=post.id)
    notice = notices.change_notice("post", post.id, post.author_id, ",".join(verdict.labels), ports)
    owed = await _owe(changed, notice, post.created_at, ports)
    if await ports.content.posts.change(post.id, {**masks, "edited_at": ports.now()}):
        ports.announcer.announce(changed, notice, jobs=owed)


async def _mask_response(response: Response, verdict: Verdict, ports: Ports) -> None:
    refs = {"post_id": response.post_id, "response_id": response.id}
    changed = _changed("response:changed", response.author_id, ports, **refs)
    labels = ",".join(verdict.labels)
    notice = notices.change_notice("response", response.id, response.author_id, labels, ports)
    owed = await _owe(changed, notice, response.created_at, ports)
    if await ports.content.responses.change(response.id, {"content": verdict.masked_text}):
        ports.announcer.announce(changed, notice, jobs=owed)


def _changed(name: str, author_id: str, ports: Ports, **refs: str) -> Event:
    return Event(id=new_id(), name=name, at=ports.now(), refs=refs, actor=author_id)


async def _owe(changed: Event, notice: Event, said_at: datetime, ports: Ports) -> list[Job]:
    async with ports.transaction() as tx:
        owed = await events.record(changed, echoes.jobs_of(changed, said_at), tx)
        return [*owed, *await notices.record(notice, tx)]


def asks_for_warning(text: Post | Response, verdict: Verdict) -> bool:
    """Of a post that stays and has none; for an SOS nobody is asked for anything, and an answer has none."""
    if not isinstance(text, Post) or text.type == "sos" or text.content_warning:
        return False
    stays = text.status in {"live", "closed"} and not verdict.restricts
    return stays and "ask_warning_label" in verdict.actions


async def _ask_for_warning(post: Post, verdict: Verdict, ports: Ports) -> None:
    """Nobody's phone rings for it who may be in danger."""
    notice = notices.warning_notice(post.id, post.author_id, ",".join(verdict.labels), ports)
    async with ports.transaction() as tx:
        if IN_DANGER & set(verdict.labels):
            owed = await events.record(notice, [], tx)
        else:
            owed = await notices.record(notice, tx)
    ports.announcer.announce(notice, jobs=owed)


def _offer(text: Post | Response, ports: Ports) -> Event:
    about = {"post_id": text.id} if isinstance(text, Post) else {}
    return Event(
        id=derived_id("crisis:offer", text.id),
        name="crisis:offer",
        at=ports.now(),
        refs={**about, "account_id": text.author_id},
    )


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
    offer = CrisisOffer(post_id=event.refs.get("post_id"), crisis=crisis.resources_for(account.country))
    return [rooms.user_room(account.id)], offer
