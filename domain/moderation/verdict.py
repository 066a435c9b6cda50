"""What a scan says about a text."""

import msgspec

from domain.moderation.labels import Label
from domain.moderation.policy import Action


class Reason(msgspec.Struct, frozen=True):
    """Why a label holds: the clause as the author typed it (`text[start:end]`) and what in it speaks for the
    label.
    """

    label: Label
    clause: str
    start: int
    end: int
    evidence: str


class Verdict(msgspec.Struct, frozen=True):
    """The result of a scan.

    `labels` hold; `scores` are calibrated probabilities for every label; `actions` are ordered, strongest
    first, and `action` names the strongest. `masked_text` is the text without its contact details, None when
    nothing is masked. `language` is an ISO 639-1 code or `und`.
    """

    labels: tuple[Label, ...]
    scores: dict[Label, float]
    reasons: tuple[Reason, ...]
    action: Action
    actions: tuple[Action, ...]
    masked_text: str | None
    language: str

    @property
    def shows_help(self) -> bool:
        return "show_help" in self.actions

    @property
    def restricts(self) -> bool:
        """Whether the text is kept from other people."""
        return self.action in ("hold", "hide")
