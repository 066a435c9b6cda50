"""Notices: what a person hears when moderation touched something of theirs, why, and how to disagree."""

from domain import events, rooms
from domain.clock import rfc3339
from domain.decisions import APPEALABLE, Decision
from domain.events import Event
from domain.ids import derived_id, new_id
from domain.jobs import Job
from domain.ports import Ports, Records
from domain.wire import View

APPEAL = "If you think this is wrong, appeal once with this code: somebody else will look at it."
PLEASE_WARN = (
    "Others may read this in a hard moment of theirs. Would you give it a content warning? It stays as it is."
)


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
        refs={
            "account_id": decision.subject_id,
            "target": decision.target,
            "target_id": decision.target_id,
            "decision_id": decision.id,
        },
    )


def change_notice(target: str, target_id: str, account_id: str, labels: str, ports: Ports) -> Event:
    """Contact details were taken out of a text: nothing was decided, so there is nothing to appeal."""
    return _notice_event(new_id(), "masked", target, target_id, account_id, labels, ports)


def warning_notice(post_id: str, account_id: str, labels: str, ports: Ports) -> Event:
    """Asks for a content warning, once for each post. Whoever gives none loses nothing."""
    id = derived_id("moderation:notice", post_id, "ask_warning")
    return _notice_event(id, "ask_warning", "post", post_id, account_id, labels, ports)


def _notice_event(
    id: str, action: str, target: str, target_id: str, account_id: str, labels: str, ports: Ports
) -> Event:
    refs = {"account_id": account_id, "target": target, "target_id": target_id, "labels": labels}
    return Event(id=id, name="moderation:notice", at=ports.now(), refs={**refs, "action": action})


async def record(notice: Event, tx: Records) -> list[Job]:
    """As `events.record`, with the notification for those who are not here to hear it."""
    return await events.record(notice, [notify_job(notice)], tx)


def notify_job(notice: Event) -> Job:
    account_id, about = notice.refs["account_id"], notice.refs
    return Job(
        name="notify",
        args={
            "account_id": account_id,
            "kind": "moderation",
            "event_id": notice.id,
            "post_id": about["target_id"] if about["target"] == "post" else "",
        },
        key=f"notify:{account_id}:{notice.id}",
        lane="default",
    )


def appeal_code(decision_id: str, ports: Ports) -> str:
    return ports.cipher.lookup(f"appeal:{decision_id}".encode()).hex()[:32]


@events.composes("moderation:notice")
async def compose_notice(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    room = [rooms.user_room(event.refs["account_id"])]
    if "decision_id" not in event.refs:
        labels = event.refs["labels"].split(",") if event.refs["labels"] else []
        refs = {name: event.refs[name] for name in ("target", "target_id", "action")}
        reason = PLEASE_WARN if event.refs["action"] == "ask_warning" else ""
        return room, ModerationNotice(labels=labels, reason=reason, **refs)
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
