"""The encoder: words of one meaning lie close, context counts, and any text has vectors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.moderation import encoder


def meaning(text: str) -> encoder.Floats:
    vector: encoder.Floats = encoder.vectors(text, [(0, len(text))])[0]
    return vector


def closeness(one: str, other: str) -> float:
    a, b = meaning(one), meaning(other)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


@pytest.mark.parametrize(
    ("one", "close", "far"),
    [
        ("swallowed", "gulped", "painted"),
        ("i wish i were dead", "i want to die", "i bought new shoes"),
        ("my brother won't wake up", "my sister isn't responding", "my brother bakes bread"),
    ],
)
def test_what_means_the_same_lies_closer(one: str, close: str, far: str) -> None:
    assert closeness(one, close) > closeness(one, far)


def test_a_word_is_seen_in_its_sentence() -> None:
    river, money = "we sat on the bank of the river", "we owe the bank a lot of money"
    place = river.index("bank"), money.index("bank")
    one = encoder.vectors(river, [(place[0], place[0] + 4)])[0]
    other = encoder.vectors(money, [(place[1], place[1] + 4)])[0]
    assert not np.allclose(one, other)


def test_a_span_without_words_is_silence() -> None:
    assert not encoder.vectors("hello   there", [(5, 8)])[0].any()


def test_a_span_is_the_mean_of_its_words() -> None:
    text = "one two"
    first, second, both = encoder.vectors(text, [(0, 3), (4, 7), (0, 7)])
    assert np.allclose((first + second) / 2, both, atol=1e-5)


def test_words_that_are_not_known_are_spelt_in_pieces() -> None:
    assert len(encoder.spell("swallowed")) == 1
    assert len(encoder.spell("soberversary")) > 1
    assert encoder.spell("x" * 60) == encoder.spell("漢")


def test_what_stands_beyond_one_block_has_vectors_too() -> None:
    text = "the dog sleeps. " * 200
    last = encoder.vectors(text, [(len(text) - 16, len(text))])[0]
    assert last.any()


@settings(max_examples=50)
@given(st.text(max_size=300))
def test_any_text_has_finite_vectors(text: str) -> None:
    assert np.isfinite(encoder.vectors(text, [(0, len(text)), (0, 1)])).all()
