"""The scan: take the text apart, score its windows, grade the labels, decide, and say why."""

from collections.abc import Collection, Mapping, Sequence

import msgspec
import numpy as np

from domain.moderation import contacts, language, model, policy
from domain.moderation.labels import LABELS, Label
from domain.moderation.model import Floats, Model
from domain.moderation.policy import Level, ScanContext
from domain.moderation.reading import Reading, Window, read
from domain.moderation.verdict import Reason, Verdict

REACHING = frozenset(("phone", "email", "handle", "address", "invite", "plate"))
DEALINGS: frozenset[Label] = frozenset(("sexual_or_grooming", "sourcing", "spam", "contact_exchange"))
"""What somebody does with another person; it takes more than a noun."""

BARBS: frozenset[Label] = frozenset(("harassment",))
HURTING = frozenset(("k:insult", "k:swear", "k:killyourself", "k:threat"))
"""Features of words that hurt whatever stands beside them."""

SHORT_WORDS = 5
LIKELY: Mapping[Level, Level] = {"firm": "likely", "sure": "likely"}

FOREIGN_CRISIS_SCORE = 0.9
MAX_REASONS_PER_LABEL = 3


class Scored(msgspec.Struct, frozen=True):
    """Calibrated scores of a text and, for every label, the window that speaks loudest for it."""

    scores: dict[Label, float]
    windows: dict[Label, Window]


def scan(text: str, *, context: ScanContext | None = None) -> Verdict:
    """Labels, reasons and actions for one text. Total: never raises on a string."""
    return judge(read(text), context or ScanContext(), model.load())


def judge(reading: Reading, context: ScanContext, trained: Model) -> Verdict:
    """The verdict of a model on a text that was taken apart."""
    spoken = language.detect(reading.normal.text)
    scored = score(reading, trained, spoken)
    levels = _with_short_texts_in_doubt(trained.levels(scored.scores), reading, scored)
    levels = _without_refusals(_without_safe_links(levels, reading, context), reading)
    labels = tuple(label for label in LABELS if policy.holds(levels.get(label)))
    masked = contacts.mask(reading.normal, reading.contacts, safe_links=context.safe_links)
    actions = policy.decide(levels, context, maskable=masked is not None, english=spoken == "en")
    return Verdict(
        labels=labels,
        scores=scored.scores,
        reasons=tuple(reason for label in labels for reason in _reasons(label, reading, scored, trained)),
        action=actions[0],
        actions=actions,
        masked_text=masked if "mask" in actions else None,
        language=spoken,
    )


def score(reading: Reading, trained: Model, spoken: str) -> Scored:
    """Scores of a text: the loudest window speaks for it. Outside English only what needs no English is
    scored.
    """
    windows = list(reading.windows())
    margins: Floats = np.stack([trained.margins(window.groups, window.vector) for window in windows])
    scores = trained.scores(margins.max(axis=0))
    loudest = {label: windows[int(row)] for label, row in zip(LABELS, margins.argmax(axis=0), strict=True)}
    if spoken not in ("en", "und"):
        scores = _foreign_scores(reading, scores)
    if language.crisis_words(reading.normal.original, spoken) and spoken != "en":
        scores["self_harm_risk"] = FOREIGN_CRISIS_SCORE
    return Scored(scores, loudest)


def _foreign_scores(reading: Reading, scores: Mapping[Label, float]) -> dict[Label, float]:
    reached = any(contact.kind in REACHING for contact in reading.contacts)
    kept = {"contact_exchange"} if reached else set()
    return {label: value if label in kept else 0.0 for label, value in scores.items()}


def _with_short_texts_in_doubt(
    levels: dict[Label, Level], reading: Reading, scored: Scored
) -> dict[Label, Level]:
    """A few words are too little to keep a text from others, unless a rule knows them, one of them hurts in
    any company, or they are a contact.

    One word alone asks for nothing, offers nothing and hurts nobody unless it is a swear word; of a
    few it is at most likely that they do: moderators are told, and a strict circle holds them.
    """
    words = len(reading.normal.text.split())
    if words > SHORT_WORDS or reading.contacts:
        return levels
    known = {hit.label for hit in reading.hits if not hit.vetoed}
    if words > 1:
        if HURTING & scored.windows["harassment"].groups["class"]:
            known |= BARBS
        return {label: _no_more_than_likely(label, level, known) for label, level in levels.items()}
    alone = DEALINGS if "profanity" in levels else DEALINGS | BARBS
    return {label: level for label, level in levels.items() if label in known or label not in alone}


def _no_more_than_likely(label: Label, level: Level, known: Collection[Label]) -> Level:
    return LIKELY.get(level, level) if label in DEALINGS | BARBS and label not in known else level


def _without_safe_links(
    levels: dict[Label, Level], reading: Reading, context: ScanContext
) -> dict[Label, Level]:
    """A vouched-for link alone is neither a contact nor an advertisement."""
    found: Sequence[contacts.Contact] = reading.contacts
    if not found or not all(
        contacts.is_safe(reading.normal, contact, context.safe_links) for contact in found
    ):
        return levels
    return {label: level for label, level in levels.items() if label not in ("contact_exchange", "spam")}


def _without_refusals(levels: dict[Label, Level], reading: Reading) -> dict[Label, Level]:
    """Who asks not to be sent a number exchanges none, as long as none stands there."""
    if reading.contacts or not contacts.refused(reading.normal.text):
        return levels
    return {label: level for label, level in levels.items() if label != "contact_exchange"}


def _reasons(label: Label, reading: Reading, scored: Scored, trained: Model) -> list[Reason]:
    """Rule hits and contact spans for a label; without any, the loudest window and its weightiest words."""
    hits = [hit for hit in reading.hits if hit.label == label and not hit.vetoed]
    spans = [(hit.start, hit.end, hit.name) for hit in hits]
    if label == "contact_exchange":
        spans += [
            (found.start, found.end, found.kind) for found in reading.contacts if found.kind in REACHING
        ]
    if not spans:
        window = scored.windows[label]
        heavy = ", ".join(f"“{word}”" for word in trained.spoken_for(label, window.groups))
        spans = [
            (window.start, window.end, f"reads like it: {heavy}" if heavy else "reads like it as a whole")
        ]
    return [_reason(label, reading, *span) for span in spans[:MAX_REASONS_PER_LABEL]]


def _reason(label: Label, reading: Reading, start: int, end: int, evidence: str) -> Reason:
    first, last = reading.normal.span(start, end)
    return Reason(label, reading.normal.original[first:last].strip(), first, last, evidence)
