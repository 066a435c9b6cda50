"""The form that decides a case: what it holds, and the command that it means."""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

import msgspec

from domain.cases import CaseView
from domain.decisions import ALONE_DAYS_MAX, MUTE_DAYS_MAX, Decide
from domain.decoding import converted
from domain.errors import Invalid
from domain.review import CaseDetail, PastDecision
from domain.wire import Command, Id

Text = Annotated[str, msgspec.Meta(max_length=2000)]
DAY_SECONDS = 86_400
MEANS = {
    "dismiss": "Nothing is done.",
    "support": "The person is offered help, as from a person; nobody else hears of it.",
    "warn": "The author is told why; nothing else changes.",
    "label": "The post stays and gets a content warning.",
    "hide": "Nobody sees it any more but its author.",
    "remove": "It is taken away, from its author too.",
    "mute": f"The author writes nothing for 1 to {MUTE_DAYS_MAX} days; an SOS is always open to them.",
    "ban": f"All their sessions end. For more than {ALONE_DAYS_MAX} days a colleague has to agree.",
    "uphold": "The decision stays as it is.",
    "restore": "The decision is taken back, and what it took away comes back.",
}


class DecisionForm(Command, frozen=True):
    """As it was filled in. A ban needs `days`, or says in so many words that it has `no_end`."""

    case_id: Id
    action: Text = ""
    reason: Text = ""
    label: Text = ""
    days: Text = ""
    no_end: Literal["yes"] | None = None


class Proposal(NamedTuple):
    """A ban that a colleague proposed; `days` is None for one without an end."""

    reason: str
    days: int | None


def command_of(form: DecisionForm) -> Decide:
    """Raises `Invalid`. A field that the chosen action does not show says nothing."""
    if not form.action:
        raise Invalid("Please choose what is to be done.", field="action")
    values: dict[str, object] = {
        "case_id": form.case_id,
        "action": form.action,
        # Browsers send line breaks as two characters and count them as one.
        "reason": form.reason.replace("\r\n", "\n"),
    }
    if form.action == "label":
        values["label"] = form.label
    if form.action in {"mute", "ban"}:
        values |= _duration(form)
    return converted(values, Decide)


def _duration(form: DecisionForm) -> dict[str, object]:
    no_end = form.action == "ban" and form.no_end is not None
    if no_end == bool(form.days):
        wanted = "Please give the days, or choose a ban without an end"
        raise Invalid(f"{wanted}{', not both' if no_end else ''}.", field="days")
    if form.days and not (form.days.isascii() and form.days.isdigit()):
        raise Invalid("Please give the days as a whole number.", field="days")
    return {"days": form.days} if form.days else {}


def meanings(case: CaseView) -> dict[str, str]:
    """What each decision does about this case."""
    means = dict(MEANS)
    if case.kind == "conduct":
        means["dismiss"] = "Nothing is done. What moderation had taken away by itself comes back."
    if case.target == "circle":
        means["hide"] = "Its name and description are taken off its door."
    return means


def proposals(detail: CaseDetail) -> list[Proposal]:
    """What colleagues proposed about this, for somebody to agree to."""
    if "ban" not in detail.actions:
        return []
    return [Proposal(one.reason, days_of(one)) for one in detail.decisions if one.state == "proposed"]


def days_of(ban: PastDecision) -> int | None:
    if ban.until is None:
        return None
    lasts = datetime.fromisoformat(ban.until) - datetime.fromisoformat(ban.at)
    return round(lasts.total_seconds() / DAY_SECONDS)
