"""Strength points: a ledger of help given. The balance is the sum of the ledger."""

from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

QUICK, TEXT, LONG_TEXT, VOICE = 1, 3, 5, 5
LONG_TEXT_CHARACTERS = 100
"""A text response of more characters than this earns `LONG_TEXT`."""
DAILY_CAP_PER_RECEIVER = 10
LEVEL_THRESHOLDS = (10, 30, 75, 150, 300, 600, 1000, 2000, 4000)

Reason = Literal["support", "reversal", "correction"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ledger; `account_id` is the helper, `receiver_id` whom the help was for.

    `key` makes it happen once: (giver, post, kind) for an award, the award's key for a reversal. An award is
    written also when the daily cap leaves nothing of it, so that scoring it again another day gives nothing.
    """

    key: str
    account_id: str
    change: int
    reason: Reason
    post_id: str
    kind: str
    receiver_id: str
    ref: str
    created_at: datetime


class Line(NamedTuple):
    """An entry and its number in the ledger, by which pages go."""

    number: int
    entry: Entry


class HelpCounts(NamedTuple):
    """Help counts once per giver, post and kind, as points do, also where the daily cap left no point."""

    given: int
    received: int
    people_helped: int


def level(balance: int) -> int:
    """0 for somebody new, up to 9."""
    return sum(balance >= threshold for threshold in LEVEL_THRESHOLDS)


def next_level_at(balance: int) -> int | None:
    """The balance that the next level begins at; None on the last."""
    return next((threshold for threshold in LEVEL_THRESHOLDS if threshold > balance), None)


def worth(kind: str, characters: int = 0) -> int:
    """Points for one support: `text` by its length, `voice`, or any quick kind."""
    if kind == "voice":
        return VOICE
    if kind == "text":
        return LONG_TEXT if characters > LONG_TEXT_CHARACTERS else TEXT
    return QUICK


def award_key(giver_id: str, post_id: str, kind: str) -> str:
    return f"{giver_id}:{post_id}:{kind}"


def within_cap(change: int, earned_today: int) -> int:
    """What is left of `change` under the daily cap of one giver to one receiver."""
    return max(0, min(change, DAILY_CAP_PER_RECEIVER - earned_today))
