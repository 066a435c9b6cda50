"""Decisions: what moderators, and moderation by itself, do about a case; graded, told, open to one appeal."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from domain.cases import Case, CaseKind, Target
from domain.jobs import Job
from domain.wire import Command, Id, View

Action = Literal[
    "dismiss", "support", "warn", "label", "hide", "remove", "mute", "ban", "uphold", "restore", "hold"
]
DecisionState = Literal["proposed", "active", "rejected", "reversed", "replaced"]
"""`replaced`: a person decided the same in the place of moderation."""

POSSIBLE: dict[CaseKind, tuple[Action, ...]] = {
    "risk": ("dismiss", "support", "label"),
    "conduct": ("dismiss", "warn", "label", "hide", "remove", "mute", "ban"),
    "appeal": ("uphold", "restore"),
}
"""Nothing that could silence a person follows from their being in danger."""
OF_PEOPLE: frozenset[Action] = frozenset({"dismiss", "support", "warn", "mute", "ban", "uphold", "restore"})
ABOUT: dict[Target, frozenset[Action]] = {
    "post": OF_PEOPLE | {"label", "hide", "remove"},
    "response": OF_PEOPLE | {"hide", "remove"},
    "circle": OF_PEOPLE | {"hide"},
    "user": OF_PEOPLE,
}
WITHHOLDING: frozenset[Action] = frozenset({"hold", "hide", "remove"})
APPEALABLE: frozenset[Action] = frozenset({"warn", "label", "hold", "hide", "remove", "mute", "ban"})
ALONE_DAYS_MAX = 30
"""A longer ban, or one without an end, takes two people."""
MUTE_DAYS_MAX = 30


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `decisions`. `earlier` is what a restoration brings back: the status, the warning or the name
    before.

    `moderator_id` is None for what moderation did by itself. `until` is the end of a muting or a ban.
    `reversed_by` is the decision that took this one back: that one alone brings back
    what this one took away.
    """

    id: str
    case_id: str
    target: Target
    target_id: str
    subject_id: str
    moderator_id: str | None
    action: Action
    at: datetime
    reason: str = ""
    topics: list[str] = []
    label: str | None = None
    until: datetime | None = None
    earlier: str | None = None
    state: DecisionState = "active"
    reversed_by: str | None = None


class Decide(Command, frozen=True):
    """`reason` is told to the author. `days` is for muting and banning; a ban without it has no end."""

    case_id: Id
    action: Action
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    label: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None


class Decided(View, frozen=True):
    """`proposed`: a colleague has to agree before it holds."""

    decision_id: str
    state: DecisionState


def possible_actions(case: Case) -> tuple[Action, ...]:
    """What can be done about a case; an account has nothing to hide, of a circle it is the name."""
    return tuple(action for action in POSSIBLE[case.kind] if action in ABOUT[case.target])


def apply_job(decision: Decision) -> Job:
    key = f"apply_decision:{decision.id}"
    return Job(name="apply_decision", args={"decision_id": decision.id}, key=key, lane="urgent")
