"""Matching: who is asked about an SOS, and in which order."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.matching import ASKED_MIN, Candidate, Need, chosen, helps_with, on_call, speaks

ALCOHOL = Need(["alcohol"], "en")


def candidate(account_id: str, **fields: Any) -> Candidate:
    usual: dict[str, Any] = {"opted_in": True, "categories": [], "languages": [], "max_open": 3, "open": 0}
    return Candidate(**{**usual, **fields, "account_id": account_id})


def fits(one: Candidate, need: Need) -> bool:
    return helps_with(one, need) and speaks(one, need)


def many(count: int, **fields: Any) -> list[Candidate]:
    return [candidate(f"m{number}", **fields) for number in range(count)]


def test_all_who_fit_and_are_free_are_asked() -> None:
    fitting = many(ASKED_MIN + 3, categories=["alcohol"], languages=["en", "de"])
    others = [candidate("x", categories=["gambling"]), candidate("y", languages=["fr"])]
    assert sorted(chosen([*others, *fitting], ALCOHOL, {})) == sorted(one.account_id for one in fitting)


def test_who_was_thanked_most_and_has_least_to_do_comes_first() -> None:
    asked = [candidate("c", open=1), candidate("a"), candidate("b"), candidate("d")]
    assert chosen(asked, ALCOHOL, {"c": 4, "d": 1}) == ["c", "d", "a", "b"]


def test_full_hands_are_left_alone_while_others_are_there() -> None:
    free = many(ASKED_MIN)
    assert "busy" not in chosen([candidate("busy", open=3), *free], ALCOHOL, {"busy": 9})


def test_somebody_is_asked_also_when_nobody_fits_or_all_are_busy() -> None:
    language, category, busy = (
        candidate("language", languages=["fr"]),
        candidate("category", categories=["gambling"]),
        candidate("busy", open=3),
    )
    assert chosen([language, category, busy], ALCOHOL, {}) == ["busy", "category", "language"]
    assert chosen([], ALCOHOL, {}) == []


def test_those_who_were_asked_already_count() -> None:
    unfit = many(9, categories=["gambling"])
    assert len(chosen(unfit, ALCOHOL, {}, asked_already=3)) == ASKED_MIN - 3
    assert chosen(unfit, ALCOHOL, {}, asked_already=ASKED_MIN) == []


def test_no_category_and_no_language_mean_any() -> None:
    assert fits(candidate("a"), ALCOHOL)
    assert fits(candidate("a", categories=["gambling"], languages=["fr"]), Need([], None))


def test_moderators_on_call_are_those_who_opted_in_or_all() -> None:
    idle, ready = candidate("idle", opted_in=False), candidate("ready")
    assert on_call([idle, ready]) == ["ready"]
    assert on_call([idle]) == ["idle"]
    assert on_call([]) == []


people = st.lists(
    st.builds(
        candidate,
        st.uuids().map(str),
        categories=st.lists(st.sampled_from(["alcohol", "gambling"]), max_size=2),
        languages=st.lists(st.sampled_from(["en", "fr"]), max_size=2),
        open=st.integers(0, 6),
    ),
    max_size=20,
    unique_by=lambda one: one.account_id,
)


@given(people)
def test_nobody_starves_and_nobody_is_asked_twice(candidates: list[Candidate]) -> None:
    asked = chosen(candidates, ALCOHOL, {})
    assert len(asked) == len(set(asked)) >= min(ASKED_MIN, len(candidates))
    assert {one.account_id for one in candidates if fits(one, ALCOHOL) and one.is_free} <= set(asked)
