"""What to read in a crisis, as data for the app: a guided minute, the barrier question, worrying for another.

The words are in `data/guidance.json`: kind, plain, short; no promise that we cannot keep, no blame, nothing
about means.
"""

from pathlib import Path
from typing import Literal

import msgspec

GUIDANCE_PATH = Path(__file__).parent / "data" / "guidance.json"

Way = Literal["call", "text", "chat", "app"]


class Screen(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One screen of the guided minute, and for how many seconds to stay on it."""

    id: str
    title: str
    text: str
    seconds: int
    breathe: tuple[int, int] | None = None  # seconds in, seconds out


class Barrier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer to the barrier question, what we say to it, and the ways of asking for help that fit it."""

    id: str
    label: str
    answer: str
    ways: tuple[Way, ...]


class BarrierQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asked of somebody who has seen the numbers and does not call. Any answer is fine; none is stored."""

    question: str
    barriers: tuple[Barrier, ...]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The guided minute: screens in order, then the numbers, then the barrier question."""

    language: str
    screens: tuple[Screen, ...]
    barrier: BarrierQuestion


class Advice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that somebody who is worried about another person can do."""

    id: str
    title: str
    text: str


class Worried(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For somebody who is worried about another member. It supports them, and says what a report does."""

    language: str
    advice: tuple[Advice, ...]
    after_report: str


class Guidance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The guided minute with the barrier question, and what to read when one worries about somebody."""

    step: Step
    worried: Worried


GUIDANCE = msgspec.json.decode(GUIDANCE_PATH.read_bytes(), type=Guidance)
ONE_MINUTE_STEP = GUIDANCE.step
WORRIED_ABOUT_SOMEONE = GUIDANCE.worried
