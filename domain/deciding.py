"""Deciding: a moderator says what is to be done about a case that they hold."""

from datetime import timedelta

import msgspec

from domain import access, audit, cases, doors, enforcement
from domain.accounts import Account, User
from domain.cases import Case
from domain.decisions import (
    ALONE_DAYS_MAX,
    APPEALABLE,
    MUTE_DAYS_MAX,
    Action,
    Decide,
    Decided,
    Decision,
    DecisionState,
    apply_job,
    possible_actions,
)
from domain.errors import Conflict, Gone, Invalid, NotFound
from domain.ids import new_id
from domain.jobs import Job
from domain.ports import Ports, Records
from domain.text import accepted_text, storable_text

AFTER_REVIEW: dict[Action, DecisionState] = {"dismiss": "reversed", "hide": "replaced", "remove": "replaced"}
"""What becomes of a decision of moderation's own when a person decides this."""


async def decide(command: Decide, user: User, ports: Ports) -> Decided:
    """Takes the case first if nobody holds it. When this answers, it has happened."""
    async with ports.transaction() as tx:
        subject = await _held_subject(command.case_id, user, tx)
        case = await cases.claimed(command.case_id, user, tx, ports)
        if subject is None:
            raise Gone("This account is not there any more.")
        decision = await _decision(command, case, user, tx, ports)
        owed = await _record(decision, case, user, tx, ports)
    await enforcement.apply(decision, ports)
    await ports.queue.push(owed)
    return Decided(decision_id=decision.id, state=decision.state)


async def _held_subject(case_id: str, user: User, tx: Records) -> Account | None:
    """About one person one thing is decided at a time. Their account comes before the case, as everywhere."""
    access.check_moderator(user)
    case = await tx.cases.get(case_id)
    if case is None:
        raise NotFound
    return await cases.held_subject(case.subject_id, tx)


async def _decision(command: Decide, case: Case, user: User, tx: Records, ports: Ports) -> Decision:
    check_possible(command, case)
    return Decision(
        id=new_id(),
        case_id=case.id,
        target=case.target,
        target_id=case.target_id,
        subject_id=case.subject_id,
        moderator_id=user.id,
        action=command.action,
        at=ports.now(),
        reason=storable_text(command.reason, "reason"),
        topics=case.topics,
        label=_label(command),
        until=ports.now() + timedelta(days=command.days) if command.days else None,
        earlier=await _earlier(command.action, case, ports),
        state=await _state(command, case, user, tx),
    )


def check_possible(command: Decide, case: Case) -> None:
    if command.action not in possible_actions(case):
        raise Invalid("This cannot be done about this case.", field="action")
    if command.action in APPEALABLE and not command.reason.strip():
        raise Invalid("Please tell the author why.", field="reason")
    if command.action == "mute" and not 1 <= (command.days or 0) <= MUTE_DAYS_MAX:
        raise Invalid(f"A muting lasts 1 to {MUTE_DAYS_MAX} days.", field="days")
    if command.days is not None and command.action not in {"mute", "ban"}:
        raise Invalid("Only a muting or a ban has days.", field="days")


def _label(command: Decide) -> str | None:
    if command.action != "label":
        return None
    return accepted_text(command.label or "", "label", characters_max=100)


async def _earlier(action: Action, case: Case, ports: Ports) -> str | None:
    """The status, the warning of a label, or the name of a circle that this decision replaces."""
    if case.target == "post":
        post = await ports.content.posts.get(case.target_id)
        return None if post is None else post.content_warning if action == "label" else post.status
    if case.target == "response":
        response = await ports.content.responses.get(case.target_id)
        return None if response is None else response.status
    return await _name(case.target_id, ports) if action == "hide" else None


async def _name(circle_id: str, ports: Ports) -> str | None:
    circle = await ports.records.circles.get(circle_id)
    return None if circle is None else msgspec.json.encode(doors.door_of(circle)).decode()


async def _state(command: Decide, case: Case, user: User, tx: Records) -> DecisionState:
    """A long ban that no colleague has proposed before is only proposed; two agree on the shorter of what
    they say.
    """
    if command.action != "ban" or (command.days is not None and command.days <= ALONE_DAYS_MAX):
        return "active"
    before = await tx.decisions.of_case(case.id)
    proposed = [one for one in before if one.state == "proposed" and one.moderator_id != user.id]
    agreed = [one for one in proposed if await enforcement.still_agrees(one, tx)]
    if not agreed:
        return "proposed"
    if not any(_covers(one, command) for one in agreed):
        raise Invalid("A colleague proposed a shorter ban: two have to agree on its length.", field="days")
    return "active"


def _covers(proposal: Decision, command: Decide) -> bool:
    """Whether who proposed agrees to a ban this long."""
    if proposal.until is None:
        return True
    return command.days is not None and proposal.at + timedelta(days=command.days) <= proposal.until


async def _record(decision: Decision, case: Case, user: User, tx: Records, ports: Ports) -> list[Job]:
    """Everything that PostgreSQL knows of a decision; the line in the audit log last."""
    await tx.decisions.add(decision)
    owed: list[Job] = []
    if decision.state == "proposed":
        await tx.cases.bar(case.id, user.id)
    else:
        await _close(decision, case, user, tx, ports)
        owed = await tx.jobs.add([apply_job(decision)])
    await _note(decision, user, tx, ports)
    return owed


async def _close(decision: Decision, case: Case, user: User, tx: Records, ports: Ports) -> None:
    if not await tx.cases.close(case.id, decision.action, user.id, ports.now()):
        raise Conflict("Somebody else is on this case, or it is done.")
    await tx.decisions.reject_proposals(case.id, but=decision.id)
    await enforcement.sanction(decision, tx)
    if decision.action == "restore":
        await _overturn(decision, case, user, tx, ports)
    elif case.kind == "conduct":
        await _settle_automatic(decision, user, tx)


async def _overturn(decision: Decision, case: Case, user: User, tx: Records, ports: Ports) -> None:
    """An appeal that is right takes the decision back, and the case it was made on."""
    appealed = await _in_its_place(await tx.decisions.get(case.decision_id or ""), tx)
    if appealed is None or not await tx.decisions.end(appealed.id, "reversed", by=decision.id):
        return
    await enforcement.lift(appealed, tx, ports)
    if not await tx.cases.close(appealed.case_id, "overturned", user.id, ports.now()):
        await tx.cases.change_outcome(appealed.case_id, "overturned")


async def _in_its_place(appealed: Decision | None, tx: Records) -> Decision | None:
    """What moderation did and a person decided the same way since: the appeal is about theirs then."""
    while appealed is not None and appealed.state == "replaced" and appealed.reversed_by is not None:
        appealed = await tx.decisions.get(appealed.reversed_by)
    return appealed


async def _settle_automatic(decision: Decision, user: User, tx: Records) -> None:
    """A person looked: whatever moderation did by itself is confirmed by them, or taken back."""
    await tx.cases.bar_appeals(decision.target, decision.target_id, user.id)
    state = AFTER_REVIEW.get(decision.action)
    if state is None:
        return
    for one in await tx.decisions.of_target(decision.target, decision.target_id, enforcement.DECISIONS_MAX):
        ended = one.moderator_id is None and await tx.decisions.end(one.id, state, by=decision.id)
        if ended and state == "reversed":
            await cases.close_appeal(one.id, decision.at, tx)


async def _note(decision: Decision, user: User, tx: Records, ports: Ports) -> None:
    await audit.note(
        f"moderation.{decision.action}",
        user.id,
        tx,
        ports,
        target=decision.target,
        target_id=decision.target_id,
        case_id=decision.case_id,
        decision_id=decision.id,
        state=decision.state,
        until=decision.until.isoformat() if decision.until else "",
    )
