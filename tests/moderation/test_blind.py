"""The shipped model on the blind sets. Floors a little below what was measured: a worse model fails here."""

import pytest

from domain.moderation import corpus, evaluate, scan
from domain.moderation.corpus import Example
from domain.moderation.verdict import Verdict

Judged = list[tuple[Example, Verdict]]


@pytest.fixture(scope="module")
def judged() -> Judged:
    return [(example, scan(example.text)) for part in corpus.BLIND_PARTS for example in corpus.blind(part)]


@pytest.fixture(scope="module")
def table(judged: Judged) -> dict[str, evaluate.Count]:
    counted = evaluate.counts(
        [example.labels for example, _ in judged], [found.labels for _, found in judged]
    )
    return {str(label): count for label, count in counted.items()}


def test_there_are_four_sets_of_fully_labelled_texts() -> None:
    assert [len(corpus.blind(part)) for part in corpus.BLIND_PARTS] == [350, 350, 401, 283]


def test_whoever_is_at_risk_is_found(table: dict[str, evaluate.Count]) -> None:
    for label in ("self_harm_risk", "overdose_risk"):
        assert table[label].recall >= 0.84
        assert table[label].precision >= 0.70


def test_labels_are_right_on_the_whole(table: dict[str, evaluate.Count]) -> None:
    assert sum(count.f1 for count in table.values()) / len(table) >= 0.86
    assert table["contact_exchange"].f1 >= 0.88


def test_disguised_texts_are_found(judged: Judged) -> None:
    written = [pair for pair in judged if pair[0].source.endswith("evasion") and pair[0].labels]
    found = sum(len(example.labels & set(verdict.labels)) for example, verdict in written)
    assert found >= 0.88 * sum(len(example.labels) for example, _ in written)


def test_hardly_anything_ordinary_is_held_back(judged: Judged) -> None:
    ordinary = [verdict for example, verdict in judged if not example.labels]
    assert sum(verdict.restricts for verdict in ordinary) <= 0.02 * len(ordinary)


def test_help_is_seldom_offered_where_none_is_needed(judged: Judged) -> None:
    hard = [
        verdict for example, verdict in judged if example.source.startswith("hard") and not example.labels
    ]
    assert sum(verdict.shows_help for verdict in hard) <= 0.16 * len(hard)
