"""Listening: no scan hears a voice, so people do; what is reported of a new account is held until one has."""

from domain import audit, cases, enforcement, trust
from domain.cases import Case
from domain.decisions import Decision, apply_job
from domain.ids import derived_id
from domain.jobs import Job
from domain.ports import Ports, Records
from domain.responses import Response


def jobs_of(case: Case) -> list[Job]:
    """What a report owes besides its case. Worrying about somebody takes nothing of theirs away."""
    if case.target != "response" or case.kind != "conduct":
        return []
    args = {"response_id": case.target_id, "case_id": case.id}
    return [Job(name="hold_unheard", args=args, key=f"hold_unheard:{case.target_id}", lane="urgent")]


async def hold_unheard(response_id: str, case_id: str, ports: Ports) -> None:
    """Holds a reported voice response of a new account, once, until a moderator decides; its author is told.

    Nobody is silenced where they asked for help: what the author of an SOS says in answer to it stays.
    """
    response = await ports.content.responses.get(response_id)
    case = await ports.records.cases.get(case_id)
    if response is None or case is None or not await _is_to_be_held(response, ports):
        return
    decision = _hold(response, case, ports)
    async with ports.transaction() as tx:
        known = await tx.decisions.get(decision.id)
        if known is None and not await _is_undecided(response, tx):
            return
        owed = [] if known else await _decided(decision, tx, ports)
    await enforcement.apply(known or decision, ports)
    await ports.queue.push(owed)


async def _is_to_be_held(response: Response, ports: Ports) -> bool:
    """Not against what a person has decided."""
    if (response.type, response.status) != ("voice", "live"):
        return False
    if await trust.trust_of(response.author_id, ports) != "new":
        return False
    made = await ports.records.decisions.of_target("response", response.id, enforcement.DECISIONS_MAX)
    if any(one.moderator_id is not None for one in made):
        return False
    post = await ports.content.posts.get(response.post_id)
    return post is None or (post.type, post.author_id) != ("sos", response.author_id)


async def _is_undecided(response: Response, tx: Records) -> bool:
    """Whether nobody decided about it meanwhile."""
    if await cases.held_subject(response.author_id, tx) is None:
        return False
    made = await tx.decisions.of_target("response", response.id, enforcement.DECISIONS_MAX)
    return all(one.moderator_id is None for one in made)


def _hold(response: Response, case: Case, ports: Ports) -> Decision:
    return Decision(
        id=derived_id("decision", response.id, "unheard"),
        case_id=case.id,
        target="response",
        target_id=response.id,
        subject_id=response.author_id,
        moderator_id=None,
        action="hold",
        at=ports.now(),
        topics=case.topics,
        earlier=response.status,
    )


async def _decided(decision: Decision, tx: Records, ports: Ports) -> list[Job]:
    await tx.decisions.add(decision)
    owed = await tx.jobs.add([apply_job(decision)])
    await audit.note(
        "moderation.hold",
        audit.SYSTEM,
        tx,
        ports,
        target="response",
        target_id=decision.target_id,
        case_id=decision.case_id,
        decision_id=decision.id,
        state=decision.state,
    )
    return owed
