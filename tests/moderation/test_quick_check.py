"""The pre-check leans to help and agrees with the scan on plain cases."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.moderation import quick_check


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


@settings(deadline=None)
@given(st.text(max_size=500))
def test_any_string_gets_an_answer(text: str) -> None:
    assert quick_check(text) in (True, False)
