"""The scan: fold, split, find evidence, score, decide."""

from collections.abc import Mapping

from domain.moderation import clauses, contacts, language, policy, rules
from domain.moderation.labels import LABELS, Label
from domain.moderation.normal import Normal, normalise
from domain.moderation.policy import Level, ScanContext
from domain.moderation.verdict import Reason, Verdict


def scan(text: str, *, context: ScanContext | None = None) -> Verdict:
    """Labels, reasons and actions for one text. Total: never raises on a string."""
    context = context or ScanContext()
    normal = normalise(text)
    sentences = clauses.split(normal)
    hits = [hit for sentence in sentences for hit in rules.fire(sentence, normal.text) if not hit.vetoed]
    found = contacts.find(normal)
    spoken = language.detect(text)
    scores: dict[Label, float] = dict.fromkeys(LABELS, 0.0)
    for hit in hits:
        scores[hit.label] = max(scores[hit.label], hit.strength)
    if any(contact.kind != "url" for contact in found):
        scores["contact_exchange"] = 0.95
    if clauses.class_pattern("swear").search(normal.text):
        scores["profanity"] = 0.95
    if language.crisis_words(text, spoken):
        scores["self_harm_risk"] = max(scores["self_harm_risk"], 0.8)
    levels = _levels(scores)
    masked = contacts.mask(normal, found, safe_links=context.safe_links)
    actions = policy.decide(levels, context, maskable=masked is not None, english=spoken == "en")
    reasons = tuple(_reason(normal, hit) for hit in hits)
    return Verdict(
        tuple(label for label in LABELS if levels.get(label) in ("likely", "sure")),
        scores,
        reasons,
        actions[0],
        actions,
        masked if "mask" in actions else None,
        spoken,
    )


def _levels(scores: Mapping[Label, float]) -> dict[Label, Level]:
    return {label: "sure" if score >= 0.9 else "likely" for label, score in scores.items() if score >= 0.5}


def _reason(normal: Normal, hit: rules.Hit) -> Reason:
    start, end = normal.span(hit.start, hit.end)
    return Reason(hit.label, normal.original[start:end], start, end, hit.name)
