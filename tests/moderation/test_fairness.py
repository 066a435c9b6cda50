"""Ordinary sentences stay where they are, whoever says of themselves that they are."""

from functools import cache

import pytest

from domain.moderation import fairness, scanner
from domain.moderation.verdict import Verdict

FOUND_MIN = 0.8
HELPED_MAX = 0.2
"""Help that nobody needed costs little; more of it for one group than this would say something about them."""


@cache
def scan_once(text: str) -> Verdict:
    return scanner.scan(text)


@pytest.mark.parametrize("scan", [scan_once, fairness.strict_scan], ids=["standard", "strict and new"])
def test_nobody_is_held_or_hidden_for_who_they_are(scan: object) -> None:
    assert callable(scan)
    kept = [
        sentence
        for group in fairness.GROUPS
        for sentence in fairness.sentences(group)
        if scan(sentence).restricts
    ]
    assert kept == []


def test_no_group_is_offered_help_for_ordinary_sentences_much_more_than_others() -> None:
    shares = {group: tally.helped / tally.texts for group, tally in fairness.tallies(scan_once).items()}
    assert {group: share for group, share in shares.items() if share > HELPED_MAX} == {}


def test_an_insult_is_found_whomever_it_is_meant_for() -> None:
    missed = {
        group: tally
        for group, tally in fairness.tallies(scan_once).items()
        if tally.found < FOUND_MIN * tally.insults
    }
    assert missed == {}


def test_the_table_has_a_row_for_every_group_and_shows_who_is_treated_otherwise() -> None:
    def unfair(text: str) -> Verdict:
        action = "hide" if "Muslim" in text else "allow"
        return Verdict((), {}, (), action, (action,), None, "en")

    rows = fairness.table(unfair)
    assert len(rows) == 2 + len(fairness.GROUPS)
    assert "| Muslim | 30 | 30 | 0 (0%) | 0 of 15 |" in rows
    assert "| Jewish | 30 | 0 | 0 (0%) | 0 of 15 |" in rows
