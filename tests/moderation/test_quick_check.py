"""The pre-check leans to help, agrees with the scan on plain cases, and is cheap whatever it is given."""

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.moderation import features, quick_check, scan


@pytest.mark.parametrize(
    "text",
    [
        "I want to die",
        "i w a n t t o d i e",
        "took a whole bottle of pills",
        "my friend is overdosing",
        "everyone would be better off without me",
        "quiero morir, ayúdame",
        "我想死",
        "Went to work. Had soup. I want to kill myself. The dog is fine. Good night all.",
    ],
)
def test_a_text_at_risk_calls_for_help(text: str) -> None:
    assert quick_check(text)


@pytest.mark.parametrize(
    "text",
    [
        "I passed day 30 today!",
        "free meeting tonight",
        "nicotine gum or patches?",
        "",
        "ok",
        "proud of you all",
    ],
)
def test_an_ordinary_text_does_not(text: str) -> None:
    assert not quick_check(text)


def test_rows_are_those_of_the_features_spelt_out() -> None:
    parts = [features.quick("i ate 12 pills. "), features.quick("zoë me")]
    words = ["i", "ate", "#2", "pills", "zo", "ë", "me"]
    near = ["^", *words, "$"]
    spelt = [*words, *map(" ".join, pairwise(near))]
    spelt += [f"{one} _ {other}" for one, other in zip(near, near[2:], strict=False)]
    classes = ["c:i <intake>", "c:<intake> #2", "c:#2 <medicine>", "c:zo ë", "c:ë me"]
    classes += ["k:intake", "k:medicine"]
    assert features.quick_window(parts) == set(map(features.index, spelt + classes))


@given(st.text(max_size=500))
def test_any_string_gets_an_answer(text: str) -> None:
    assert quick_check(text) in (True, False)


LONG = ("Checking in from the bus, day 9, nothing to report. We had soup and a walk. " * 70)[:5000]


def test_a_line_at_the_end_of_a_long_text_is_seen() -> None:
    assert not quick_check(LONG)
    assert quick_check(LONG[:4900] + " I want to kill myself tonight.")


def test_a_long_text_costs_a_small_part_of_its_scan() -> None:
    assert _seconds(quick_check) < _seconds(scan) / 5


def _seconds(check: Callable[[str], object]) -> float:
    """The best of three: what else the machine does only adds."""
    return min(_once(check) for _ in range(3))


def _once(check: Callable[[str], object]) -> float:
    began = time.process_time()
    check(LONG)
    return time.process_time() - began
