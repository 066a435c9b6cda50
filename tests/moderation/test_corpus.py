"""The corpus: big enough, readable, whole families on one side, nothing copied from the development set."""

from collections import Counter
from pathlib import Path

import pytest

from domain.moderation import corpus
from domain.moderation.labels import LABELS


@pytest.fixture(scope="module")
def own() -> list[corpus.Example]:
    return list(corpus.families())


def test_there_are_six_thousand_lines_and_enough_of_each_label(own: list[corpus.Example]) -> None:
    counts = Counter(label for example in own for label in example.labels)
    assert len(own) >= 6000
    assert all(counts[label] >= 200 for label in LABELS)


def test_half_of_the_lines_are_ordinary(own: list[corpus.Example]) -> None:
    assert sum(not example.labels for example in own) > 0.4 * len(own)


def test_about_a_third_of_the_lines_is_kept_for_validation(own: list[corpus.Example]) -> None:
    assert 0.25 < sum(example.validates for example in own) / len(own) < 0.42


def test_a_text_appears_in_one_family_only(own: list[corpus.Example]) -> None:
    places: dict[str, set[bool]] = {}
    for example in own:
        places.setdefault(" ".join(example.text.lower().split()), set()).add(example.validates)
    assert [text for text, sides in places.items() if len(sides) > 1] == []


def test_nothing_is_copied_from_the_development_set(own: list[corpus.Example]) -> None:
    unseen = {" ".join(example.text.lower().split()) for example in corpus.development()}
    assert not unseen & {" ".join(example.text.lower().split()) for example in own}


def test_near_copies_of_what_judges_are_left_out_of_training() -> None:
    texts = ["I walked to the lake today", "i walked to the lake, today!", "I cycled to the sea yesterday"]
    examples = [corpus.Example(text, frozenset(), frozenset(LABELS), text, "test") for text in texts]
    assert corpus.without_near(examples, examples[:1]) == examples[2:]


def test_public_rows_know_what_they_know() -> None:
    rows = corpus.public()
    assert len(rows) > 30_000
    assert all(example.labels <= example.known for example in rows)
    assert "dev" not in {example.source for example in rows}


@pytest.mark.parametrize("line", ["nonsense", "xx: unknown code", "ok:"])
def test_a_line_that_cannot_be_read_names_its_place(tmp_path: Path, line: str) -> None:
    (tmp_path / "one.txt").write_text(f"# family\nok: fine\n{line}\n", encoding="utf-8")
    with pytest.raises(corpus.CorpusError, match=r"one\.txt:3"):
        list(corpus.families(tmp_path))
