"""The labels a text can carry, and what they mean for the policy."""

from typing import Final, Literal, get_args

Label = Literal[
    "self_harm_risk",
    "overdose_risk",
    "method_seeking",
    "third_party_concern",
    "harassment",
    "sourcing",
    "contact_exchange",
    "sexual_or_grooming",
    "spam",
    "profanity",
]
LABELS: Final[tuple[Label, ...]] = get_args(Label)
AT_RISK: Final[frozenset[Label]] = frozenset(
    ("self_harm_risk", "overdose_risk", "method_seeking", "third_party_concern")
)
"""Somebody may be in danger: these labels bring help and people, and forbid holding or hiding the text."""

CODES: Final[dict[str, Label]] = dict(
    zip(["sh", "od", "ms", "tp", "ha", "so", "ce", "sx", "sp", "pr"], LABELS, strict=True)
)
"""Short codes of the corpus files."""
