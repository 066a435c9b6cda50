"""The policy table: what may and may not follow from a label."""

from itertools import product

import pytest

from domain.moderation import policy
from domain.moderation.labels import AT_RISK, LABELS, Label
from domain.moderation.policy import FilterLevel, Level, ScanContext, Trust

FILTERS: tuple[FilterLevel, ...] = ("strict", "standard", "lenient")
TRUSTS: tuple[Trust, ...] = ("new", "known", "trusted")
RESTRICTIVE = {"hold", "hide", "slow_down"}


def decided(
    levels: dict[Label, Level], *, maskable: bool = False, english: bool = True, **context: object
) -> set[str]:
    return set(policy.decide(levels, ScanContext(**context), maskable=maskable, english=english))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("risk", "other", "filter_level", "trust"), list(product(sorted(AT_RISK), LABELS, FILTERS, TRUSTS))
)
def test_a_person_at_risk_is_never_silenced(
    risk: Label, other: Label, filter_level: FilterLevel, trust: Trust
) -> None:
    actions = decided({other: "sure", risk: "likely"}, filter_level=filter_level, trust=trust)
    assert not actions & RESTRICTIVE
    assert "show_help" in actions


@pytest.mark.parametrize("filter_level", FILTERS)
def test_swearing_alone_never_holds_or_hides(filter_level: FilterLevel) -> None:
    assert not decided({"profanity": "sure"}, filter_level=filter_level) & RESTRICTIVE


@pytest.mark.parametrize("label", LABELS)
def test_another_language_is_not_punished(label: Label) -> None:
    assert not decided({label: "sure"}, english=False) & RESTRICTIVE


def test_nothing_found_is_allowed() -> None:
    assert policy.decide({}, ScanContext(), maskable=False) == ("allow",)


@pytest.mark.parametrize(
    ("filter_level", "level", "expected"),
    [
        ("strict", "likely", "hold"),
        ("strict", "firm", "hide"),
        ("standard", "likely", "notify_moderators"),
        ("standard", "firm", "hold"),
        ("standard", "sure", "hide"),
        ("lenient", "firm", "notify_moderators"),
        ("lenient", "sure", "hold"),
    ],
)
def test_filter_levels_grade_harassment(filter_level: FilterLevel, level: Level, expected: str) -> None:
    actions = policy.decide({"harassment": level}, ScanContext(filter_level=filter_level), maskable=False)
    assert actions[0] == expected


def test_a_located_contact_is_masked_and_nothing_more() -> None:
    assert decided({"contact_exchange": "sure"}, maskable=True) == {"mask"}


def test_a_contact_that_cannot_be_located_is_held() -> None:
    assert "hold" in decided({"contact_exchange": "sure"})
    assert "hold" not in decided({"contact_exchange": "sure"}, filter_level="lenient")


@pytest.mark.parametrize("label", ["contact_exchange", "harassment", "sourcing", "spam"])
def test_an_sos_stays_where_helpers_see_it_and_moderators_look(label: Label) -> None:
    sos, question = [
        policy.decide({label: "firm"}, ScanContext(kind=kind, trust="new"), maskable=False)
        for kind in ("sos", "question")
    ]
    assert question[0] == "hold"
    assert sos == ("notify_moderators",)


def test_a_circle_may_allow_contacts() -> None:
    assert decided({"contact_exchange": "sure"}, maskable=True, contacts_allowed=True) == {"allow"}


def test_a_trusted_author_is_not_held_for_firm_spam() -> None:
    assert "hold" in decided({"spam": "firm"}, trust="known")
    assert "hold" not in decided({"spam": "firm"}, trust="trusted")


def test_a_possible_label_changes_nothing() -> None:
    assert decided(dict.fromkeys(LABELS, "possible")) == {"allow"}


def test_actions_are_ordered_strongest_first() -> None:
    actions = policy.decide({"harassment": "sure"}, ScanContext(), maskable=False)
    ranks = [policy.table().order.index(action) for action in actions]
    assert ranks == sorted(ranks, reverse=True)
