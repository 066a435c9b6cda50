"""Enforcement: what a decision does to content, accounts and sockets, and how that is undone.

What PostgreSQL knows (a muting, a ban) changes in the transaction of the decision; content and sockets follow
at once, and again by job should this process die. Doing it twice changes nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from domain import access, audit, cases, doors, events, notices, visibility
from domain.decisions import WITHHOLDING, Action, Decision
from domain.events import Event
from domain.ids import derived_id
from domain.ports import Ports, Records
from domain.posts import PostStatus
from domain.standings import Standing
from domain.visibility import Withheld

STATUS: Mapping[Action, Withheld] = {"hold": "held", "hide": "hidden", "remove": "removed"}
DECISIONS_MAX = 50
LABELLING: frozenset[Action] = frozenset({"label"})
MOVING: frozenset[Action] = WITHHOLDING | {"dismiss", "restore"}
"""What may take content away, or bring it back."""


async def still_agrees(proposal: Decision, tx: Records) -> bool:
    """Whether somebody who proposed may still decide this: roles end, and so do accounts."""
    proposer = await tx.accounts.get(proposal.moderator_id or "")
    if proposer is None or proposer.status != "active":
        return False
    return access.may_judge(proposer.role, await cases.role_of(proposal.subject_id, tx))


async def sanction(decision: Decision, tx: Records) -> None:
    """The part of a decision that is kept with the account, which the transaction holds. Of several the one
    that ends last holds: nobody shortens alone what others decided.
    """
    standing = await tx.standings.get(decision.subject_id)
    if decision.action == "mute":
        until = furthest(decision.until, standing.muted_until or decision.until)
        await tx.standings.update(decision.subject_id, {"muted_until": until})
    elif decision.action == "ban":
        banned = not await _set_status(decision.subject_id, "banned", was="active", tx=tx)
        until = furthest(decision.until, standing.banned_until) if banned else decision.until
        await tx.standings.update(decision.subject_id, {"banned_until": until})
        await tx.cases.release_all(decision.subject_id)


def furthest(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two ends; None is without an end."""
    return None if one is None or other is None else max(one, other)


async def lift(decision: Decision, tx: Records, ports: Ports) -> None:
    """Takes back what `sanction` did, for a decision that was ended; what other decisions say stays."""
    if decision.action not in {"mute", "ban"}:
        return
    standing = await tx.standings.get(decision.subject_id)
    others = await tx.decisions.in_force(decision.subject_id, decision.action, ports.now())
    field = "muted_until" if decision.action == "mute" else "banned_until"
    if getattr(standing, field) != decision.until:
        return
    if others:
        await tx.standings.update(decision.subject_id, {field: others[0].until})
    elif decision.action == "mute":
        await tx.standings.update(decision.subject_id, {field: None})
    else:
        await end_ban(standing, tx)


async def end_ban(standing: Standing, tx: Records) -> None:
    await tx.standings.update(standing.account_id, {"banned_until": None})
    await _set_status(standing.account_id, "active", was="banned", tx=tx)


async def _set_status(account_id: str, status: str, *, was: str, tx: Records) -> bool:
    """An erased account stays erased. False when it is not what it `was`."""
    account = await tx.accounts.get(account_id)
    if account is None or account.status != was:
        return False
    await tx.accounts.update(account_id, {"status": status})
    return True


async def apply_decision(decision_id: str, ports: Ports) -> None:
    decision = await ports.records.decisions.get(decision_id)
    if decision is not None:
        await apply(decision, ports)


async def apply(decision: Decision, ports: Ports) -> None:
    """What follows from a decision that holds, unless a later one of its kind says otherwise."""
    if decision.state == "active" and not await _is_superseded(decision, ports):
        await STEPS.get(decision.action, _tell)(decision, ports)
    if decision.action in MOVING:
        await _agree(decision, ports)


async def _agree(decision: Decision, ports: Ports) -> None:
    """Looks again when it is done: what was decided meanwhile holds, whoever's hands were slower.

    Its events have a cause of their own, because those of the decision that holds may have been told before.
    """
    made = await ports.records.decisions.of_target(decision.target, decision.target_id, DECISIONS_MAX)
    held = next((one for one in made if one.state == "active" and one.action in WITHHOLDING), None)
    if held is not None and held.id != decision.id:
        if await _status_of(decision, ports) in visibility.SEEN:
            await _take_away(held, derived_id("agree", held.id, decision.id), ports)
        return
    ended = next((one for one in made if one.id == decision.id and one.action in {"hold", "hide"}), None)
    if held is None and ended is not None and await _status_of(ended, ports) == STATUS[ended.action]:
        await _bring_back(ended, status_before(made), derived_id("agree", ended.id), ports)


async def _status_of(decision: Decision, ports: Ports) -> str | None:
    """Of a post or a response; None of what has none."""
    if decision.target == "post":
        post = await ports.content.posts.get(decision.target_id)
        return post.status if post else None
    if decision.target == "response":
        response = await ports.content.responses.get(decision.target_id)
        return response.status if response else None
    return None


async def _is_superseded(decision: Decision, ports: Ports) -> bool:
    """Only of what changes content: help for somebody does not undo what was decided about what they said."""
    like = WITHHOLDING if decision.action in WITHHOLDING else LABELLING & {decision.action}
    if not like:
        return False
    made = await ports.records.decisions.of_target(decision.target, decision.target_id, DECISIONS_MAX)
    return any(one.state == "active" and one.at > decision.at and one.action in like for one in made)


async def _tell(decision: Decision, ports: Ports) -> None:
    """The author hears of it in their own room before anything else happens to them."""
    event = notices.decision_notice(decision, ports)
    async with ports.transaction() as tx:
        owed = await notices.record(event, tx)
    await events.tell(event, ports)
    await ports.queue.push(owed)


async def _withhold(decision: Decision, ports: Ports) -> None:
    await _take_away(decision, decision.id, ports)
    await _tell(decision, ports)


async def _take_away(decision: Decision, cause: str, ports: Ports) -> None:
    status = STATUS[decision.action]
    if decision.target == "circle":
        await doors.clear(decision.target_id, cause, ports)
    elif decision.target == "post":
        if (post := await ports.content.posts.get(decision.target_id)) is not None:
            await visibility.withhold_post(post, status, cause, ports)
    elif (response := await ports.content.responses.get(decision.target_id)) is not None:
        await visibility.withhold_response(response, status, cause, ports)


async def _label(decision: Decision, ports: Ports) -> None:
    await _set_label(decision, decision.label, ports)
    await _tell(decision, ports)


async def _set_label(decision: Decision, label: str | None, ports: Ports) -> None:
    changed = await ports.content.posts.change(decision.target_id, {"content_warning": label})
    if changed is not None:
        event = Event(
            id=derived_id("post:changed", changed.id, decision.id, decision.state),
            name="post:changed",
            at=ports.now(),
            refs={"post_id": changed.id},
            actor=changed.author_id,
        )
        await _announce(event, ports)


async def _take_label(reversed_: Decision, before: str | None, ports: Ports) -> None:
    """What the author, or another decision, has put in its place meanwhile stays."""
    post = await ports.content.posts.get(reversed_.target_id)
    if post is not None and post.content_warning in {reversed_.label, before}:
        await _set_label(reversed_, before, ports)


async def _ban(decision: Decision, ports: Ports) -> None:
    """The notice first: sockets close within seconds of the end of their sessions."""
    await _tell(decision, ports)
    await ports.records.sessions.end_all(decision.subject_id, "banned", ports.now())


async def _support(decision: Decision, ports: Ports) -> None:
    """Help for the person, from a person; nobody else hears of it."""
    refs = {"account_id": decision.subject_id}
    if decision.target == "post":
        refs["post_id"] = decision.target_id
    event = Event(id=derived_id("crisis:offer", decision.id), name="crisis:offer", at=ports.now(), refs=refs)
    await _announce(event, ports)


async def _reverse(decision: Decision, ports: Ports) -> None:
    """Brings back what the decisions took away that this one reversed."""
    made = await ports.records.decisions.of_target(decision.target, decision.target_id, DECISIONS_MAX)
    undone = [one for one in made if one.state == "reversed" and one.reversed_by == decision.id]
    for one in undone:
        await _undo(one, made, decision.id, ports)
    if undone or decision.action != "dismiss":
        await _tell(decision, ports)


async def _undo(reversed_: Decision, made: list[Decision], cause: str, ports: Ports) -> None:
    if reversed_.action == "label":
        await _take_label(reversed_, warning_after(reversed_, made), ports)
    elif reversed_.action in WITHHOLDING and not _still_withheld(made):
        await _bring_back(reversed_, status_before(made), cause, ports)


def warning_after(reversed_: Decision, made: list[Decision]) -> str | None:
    """The newest label that still holds; else the warning that was there before all that were taken back.

    `made` is newest first.
    """
    labels = [one for one in made if one.action == "label"]
    if held := next((one for one in labels if one.state == "active"), None):
        return held.label
    older = labels[labels.index(reversed_) + 1 :]
    before = next((one for one in older if one.label == reversed_.earlier), None)
    return warning_after(before, made) if before else reversed_.earlier


def _still_withheld(made: list[Decision]) -> bool:
    return any(one.state == "active" and one.action in WITHHOLDING for one in made)


def status_before(made: list[Decision]) -> PostStatus:
    """Closing is for good: a post that was closed when anything was decided about it is closed."""
    return "closed" if any(one.earlier == "closed" for one in made) else "live"


async def _bring_back(reversed_: Decision, status: PostStatus, cause: str, ports: Ports) -> None:
    """What its author took back meanwhile, or had before, stays away."""
    expected = STATUS[reversed_.action]
    if reversed_.earlier == "removed":
        return
    if reversed_.target == "circle":
        if reversed_.earlier is not None:
            await doors.put_back(reversed_.target_id, reversed_.earlier, cause, ports)
        return
    if reversed_.target == "post":
        post = await ports.content.posts.get(reversed_.target_id)
        if post is not None and post.status in {expected, status}:
            await visibility.restore_post(post, status, cause, ports)
        return
    response = await ports.content.responses.get(reversed_.target_id)
    if response is not None and response.status in {expected, "live"}:
        await visibility.restore_response(response, cause, ports)


async def _announce(event: Event, ports: Ports) -> None:
    async with ports.transaction() as tx:
        await events.record(event, [], tx)
    ports.announcer.announce(event)


STEPS: Mapping[Action, Callable[[Decision, Ports], Awaitable[None]]] = {
    "hold": _withhold,
    "hide": _withhold,
    "remove": _withhold,
    "label": _label,
    "ban": _ban,
    "support": _support,
    "dismiss": _reverse,
    "restore": _reverse,
}


async def lift_bans(ports: Ports) -> int:
    """Lets back in whose ban has run out; returns how many."""
    over = await ports.records.standings.banned_before(ports.now(), limit=500)
    for account_id in over:
        await lift_if_over(account_id, ports)
    return len(over)


async def lift_if_over(account_id: str, ports: Ports) -> bool:
    """True when a ban had run out, and is lifted now."""
    async with ports.transaction() as tx:
        await tx.accounts.lock(account_id)
        if not await tx.standings.end_ban(account_id, ports.now()):
            return False
        await _set_status(account_id, "active", was="banned", tx=tx)
        await audit.note("moderation.ban_ended", audit.SYSTEM, tx, ports, target="user", target_id=account_id)
    return True


def is_over(standing: Standing, now: datetime) -> bool:
    """Whether a ban has run out, whoever has lifted it by now."""
    return standing.banned_until is not None and standing.banned_until <= now
