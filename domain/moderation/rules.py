"""Evidence rules of `data/rules.txt`, fired clause by clause under the cues that allow them."""

import re
from functools import cache

import msgspec

from domain.moderation import words
from domain.moderation.clauses import Clause, Sentence
from domain.moderation.labels import Label

GAP = r"(?:[\w']+\W+){0,3}?"
VETOES: dict[str, frozenset[str]] = {
    "self_harm_risk": frozenset(("past", "joking", "quoted", "statistic", "fiction")),
    "overdose_risk": frozenset(("joking", "statistic", "past", "grief")),
    "method_seeking": frozenset(("help",)),
    "third_party_concern": frozenset(("past", "grief", "joking", "statistic")),
    "harassment": frozenset(("quoted", "past")),
    "sourcing": frozenset(("past", "refusal")),
    "contact_exchange": frozenset(("past",)),
    "sexual_or_grooming": frozenset(("past", "quoted")),
    "spam": frozenset(),
}
"""Cues that silence a label's rules in a clause. The trained model weighs them; the rules are blunt."""


class Rule(msgspec.Struct, frozen=True):
    label: Label
    name: str
    strength: float
    pattern: re.Pattern[str]


class Hit(msgspec.Struct, frozen=True):
    """A rule that matched at `start:end` of the folded text; `vetoed` when a cue speaks against it."""

    label: Label
    name: str
    strength: float
    start: int
    end: int
    vetoed: bool


def fire(sentence: Sentence, text: str) -> list[Hit]:
    """Hits of one sentence. Patterns see the whole sentence; cues are those of the clause that was hit."""
    hits = []
    part = text[sentence.start : sentence.end]
    for rule in rules():
        match = rule.pattern.search(part)
        if match and match.end() > match.start():
            start = sentence.start + match.start()
            clause = next((clause for clause in sentence.clauses if start < clause.end), sentence.clauses[-1])
            hits.append(
                Hit(
                    rule.label,
                    rule.name,
                    rule.strength,
                    start,
                    sentence.start + match.end(),
                    _vetoed(rule, clause),
                )
            )
    return hits


def _vetoed(rule: Rule, clause: Clause) -> bool:
    if rule.label == "self_harm_risk" and clause.subject == "other" and "first" not in clause.cues:
        return True
    return bool(VETOES[rule.label] & clause.cues)


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, compiled once."""
    lines = (words.DATA / "rules.txt").read_text(encoding="utf-8").splitlines()
    return tuple(_rule(line) for line in lines if line and not line.startswith("#"))


def _rule(line: str) -> Rule:
    label, name, strength, pattern = (part.strip() for part in line.split(" | ", 3))
    expanded = re.sub(r"\{([a-z_]+)\}", lambda found: _alternatives(found.group(1)), pattern)
    return Rule(label, name, float(strength), re.compile(expanded.replace("~", GAP)))  # type: ignore[arg-type]


@cache
def _alternatives(name: str) -> str:
    entries = sorted(words.classes()[name], key=len, reverse=True)
    return "(?:" + "|".join(map(re.escape, entries)) + ")"
