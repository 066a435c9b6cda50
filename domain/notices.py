"""Notices: what a person hears when moderation touched something of theirs, why, and how to disagree."""

from domain import events, rooms
from domain.clock import rfc3339
from domain.decisions import APPEALABLE, Decision
from domain.events import Event
from domain.ids import derived_id
from domain.ports import Ports
from domain.wire import View

APPEAL = "If you think this is wrong, appeal once with this code: somebody else will look at it."


class ModerationNotice(View, frozen=True):
    """Data of `moderation:notice`. `appeal` is empty where there is nothing to appeal.

    `appeal_code` proves that the one who appeals is the one who was told; it needs no session, because
    a banned person has none. `until` is when a muting or a ban ends; null for one without an end.
    """

    target: str
    target_id: str
    action: str
    labels: list[str]
    reason: str = ""
    until: str | None = None
    decision_id: str | None = None
    appeal: str = ""
    appeal_code: str | None = None


def decision_notice(decision: Decision, ports: Ports) -> Event:
    """Tells the author; twice is once."""
    return Event(
        id=derived_id("moderation:notice", decision.id, decision.state),
        name="moderation:notice",
        at=ports.now(),
        refs={"account_id": decision.subject_id, "decision_id": decision.id},
    )


def change_notice(target: str, target_id: str, account_id: str, labels: str, ports: Ports) -> Event:
    """Contact details were taken out of a text: nothing was decided, so there is nothing to appeal."""
    refs = {"account_id": account_id, "target": target, "target_id": target_id, "labels": labels}
    id = derived_id("moderation:notice", target_id, "masked")
    return Event(id=id, name="moderation:notice", at=ports.now(), refs={**refs, "action": "masked"})


def appeal_code(decision_id: str, ports: Ports) -> str:
    return ports.cipher.lookup(f"appeal:{decision_id}".encode()).hex()[:32]


@events.composes("moderation:notice")
async def compose_notice(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    room = [rooms.user_room(event.refs["account_id"])]
    if "decision_id" not in event.refs:
        labels = event.refs["labels"].split(",") if event.refs["labels"] else []
        refs = {name: event.refs[name] for name in ("target", "target_id", "action")}
        return room, ModerationNotice(labels=labels, **refs)
    decision = await ports.records.decisions.get(event.refs["decision_id"])
    return None if decision is None else (room, _notice(decision, ports))


def _notice(decision: Decision, ports: Ports) -> ModerationNotice:
    open_to_appeal = decision.state == "active" and decision.action in APPEALABLE
    return ModerationNotice(
        target=decision.target,
        target_id=decision.target_id,
        action=decision.action,
        labels=decision.topics,
        reason=decision.reason,
        until=rfc3339(decision.until) if decision.until else None,
        decision_id=decision.id,
        appeal=APPEAL if open_to_appeal else "",
        appeal_code=appeal_code(decision.id, ports) if open_to_appeal else None,
    )
