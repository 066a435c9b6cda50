"""Appeals: once per decision, with a code that needs no session, decided by somebody else."""

import secrets
from typing import Annotated

import msgspec

from domain import audit, cases, notices
from domain.cases import Case
from domain.clock import rfc3339
from domain.decisions import APPEALABLE, Decision
from domain.errors import Conflict, NotFound
from domain.ports import Ports, Records
from domain.text import accepted_text
from domain.wire import END, Command, Id, View

URGENCY = 3
NOTE_CHARACTERS_MAX = 1000


class Appeal(Command, frozen=True):
    """`appeal_code` came with the notice of the decision."""

    decision_id: Id
    appeal_code: Annotated[str, msgspec.Meta(min_length=16, max_length=64, pattern=r"^[0-9a-f]+" + END)]
    note: Annotated[str, msgspec.Meta(max_length=NOTE_CHARACTERS_MAX)]


class Appealed(View, frozen=True):
    case_id: str
    opened_at: str


async def appeal(command: Appeal, ports: Ports) -> Appealed:
    """Opens a case that whoever decided cannot take. A second appeal is refused (`conflict`)."""
    decision = await _appealed(command, ports)
    note = accepted_text(command.note, "note", characters_max=NOTE_CHARACTERS_MAX)
    async with ports.transaction() as tx:
        case = new_case(decision, note, await _barred(decision, tx), ports)
        await tx.cases.add_appeal(case)
        await audit.note(
            "moderation.appeal",
            decision.subject_id,
            tx,
            ports,
            target=decision.target,
            target_id=decision.target_id,
            decision_id=decision.id,
            case_id=case.id,
        )
    return Appealed(case_id=case.id, opened_at=rfc3339(case.opened_at))


async def _appealed(command: Appeal, ports: Ports) -> Decision:
    """The same refusal for a wrong code and for a decision that is not there."""
    decision = await ports.records.decisions.get(command.decision_id)
    expected = notices.appeal_code(command.decision_id, ports)
    if not secrets.compare_digest(expected, command.appeal_code) or decision is None:
        raise NotFound
    return decision


async def _barred(decision: Decision, tx: Records) -> list[str]:
    """Everybody who decided or proposed, of a decision that holds until the end of the transaction."""
    if await cases.held_subject(decision.subject_id, tx) is None:
        raise NotFound
    now = await tx.decisions.get(decision.id)
    if now is None or now.state != "active" or now.action not in APPEALABLE:
        raise Conflict("This decision does not hold any more.")
    made = await tx.decisions.of_case(decision.case_id)
    return [one.moderator_id for one in made if one.moderator_id]


def new_case(decision: Decision, note: str, barred: list[str], ports: Ports) -> Case:
    return Case(
        id=cases.appeal_id(decision.id),
        kind="appeal",
        target=decision.target,
        target_id=decision.target_id,
        subject_id=decision.subject_id,
        topics=decision.topics,
        urgency=max(cases.URGENT, URGENCY) if decision.action == "ban" else URGENCY,
        opened_at=ports.now(),
        barred=sorted(set(barred)),
        decision_id=decision.id,
        note=note,
    )
