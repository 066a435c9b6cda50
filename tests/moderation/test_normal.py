"""Folding: disguises are undone, ordinary text is left alone, every character knows where it came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.moderation.normal import fold, normalise

DISGUISED = [
    ("i w a n t t o d i e", "i want to die"),
    ("k.y.s", "kill yourself"),
    ("f u c k   y o u", "fuck you"),
    ("p4inless w4ys to d1e", "painless ways to die"),
    ("k!ll mys3lf", "kill myself"),
    ("wаnt tо diе", "want to die"),
    ("ѕuісіdе", "suicide"),
    ("want\u200b to d\u200bie", "want to die"),
    ("ｋｉｌｌ ｍｅ", "kill me"),
    ("fuuuuck youuuu", "fuck you"),
    ("sh*t f**k", "shit fuck"),
    ("killmyself", "kill myself"),
    ("want 2 die", "want to die"),
    ("w33d 4 sale", "weed for sale"),
    ("wanna", "want to"),
    ("sewerslide", "suicide"),
]
PLAIN = [
    "day 4 of 30",
    "took 30mg at 5pm",
    "call 555-0123",
    "the scunthorpe class passed its assessment",
    "a.a. at 7",
    "my 2nd chip",
    "www.example.com",
    "she waved and saved me a seat",
]


@pytest.mark.parametrize(("typed", "meant"), DISGUISED)
def test_a_disguise_is_undone(typed: str, meant: str) -> None:
    assert normalise(typed).text == meant


@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert normalise(text).text == text


def test_cyrillic_letters_stay_in_a_russian_sentence() -> None:
    assert normalise("я хочу умереть").text == "я хочу умереть"


def test_a_disguised_word_points_back_at_what_was_typed() -> None:
    normal = normalise("ok, I k1ll m y s e l f now")
    start = normal.text.index("myself")
    assert normal.excerpt(start, start + len("myself")) == "m y s e l f"
    assert [normal.original[a:b] for a, b in normal.disguised] == ["k1ll", "m y s e l f"]


@given(st.text(max_size=300))
def test_every_character_maps_into_the_original(text: str) -> None:
    normal = normalise(text)
    assert len(normal.text) == len(normal.starts) == len(normal.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(normal.starts, normal.ends, strict=True))
    assert all(a <= b for a, b in zip(normal.starts, normal.starts[1:], strict=False))


@given(st.text(alphabet="abcdeikmost 013!$@.*'\u200bаое", max_size=120))
def test_folding_without_a_map_reads_the_same(text: str) -> None:
    assert fold(text).split() == normalise(text).text.split()


@given(st.text(max_size=80), st.integers(0, 90), st.integers(0, 90))
def test_a_span_is_always_inside_the_original(text: str, start: int, end: int) -> None:
    first, last = normalise(text).span(start, end)
    assert 0 <= first <= last <= len(text)
