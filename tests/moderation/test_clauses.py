"""Cues: who, when, in whose mouth."""

import pytest

from domain.moderation import rules
from domain.moderation.clauses import split
from domain.moderation.normal import normalise


def cues_of(text: str) -> frozenset[str]:
    return frozenset().union(*(sentence.cues for sentence in split(normalise(text))))


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("I want to leave", "i"),
        ("you want to leave", "you"),
        ("my brother wants to leave", "other"),
        ("she left because she was tired", "other"),
        ("leaving now", "none"),
    ],
)
def test_the_subject_of_a_clause(text: str, subject: str) -> None:
    assert split(normalise(text))[0].clauses[0].subject == subject


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("I used to want to die", "past"),
        ("I don't want to die", "negated"),
        ('he wrote "I want to die"', "quoted"),
        ("she said she would go", "reported"),
        ("this song kills me lol", "joking"),
        ("it hurts right now", "present"),
        ("how many is too many", "question"),
    ],
)
def test_a_cue_is_noticed(text: str, cue: str) -> None:
    assert cue in cues_of(text)


def test_sentences_cover_the_text_in_order() -> None:
    normal = normalise("One. Two, but three! Four?\nfive")
    spans = [(sentence.start, sentence.end) for sentence in split(normal)]
    assert [normal.text[a:b].strip() for a, b in spans] == ["one.", "two, but three!", "four?", "five"]


@pytest.mark.parametrize(
    ("text", "fires"),
    [("I want to die", True), ("I used to want to die", False), ("he told me he wants to die", False)],
)
def test_a_wish_to_die_counts_only_as_ones_own_and_present(text: str, fires: bool) -> None:
    normal = normalise(text)
    hits = [hit for sentence in split(normal) for hit in rules.fire(sentence, normal.text)]
    assert any(hit.label == "self_harm_risk" and not hit.vetoed for hit in hits) is fires
