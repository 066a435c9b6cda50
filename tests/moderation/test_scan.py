"""Sentences that must hold: minimal pairs, evasions, long posts, policy in one piece."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.moderation import LABELS, ScanContext, scan
from domain.moderation.policy import FilterLevel

AT_RISK = [
    "I want to die",
    "i want to kill myself tonight",
    "everyone would be better off without me",
    "I don't want to be alive any more",
    "i w a n t t o d i e",
    "wanna unalive myself",
    "k1ll mys3lf",
    "I'm suicidal and alone",
]
NOT_AT_RISK = [
    "I used to want to die",
    "I passed day 30 today!",
    "my dad killed himself in 2010 and I miss him",
    "this traffic is killing me",
    "I'm not suicidal, just tired",
    "that joke slayed me",
    "Hate myself for drinking again. Going to a meeting at noon.",
    "took my prescribed dose this morning",
]
LABELLED = [
    ("my brother wants to kill himself, what do I do", "third_party_concern"),
    ("I took the whole bottle and I can't stay awake", "overdose_risk"),
    ("how many pills would it take to never wake up", "method_seeking"),
    ("you are a worthless piece of trash", "harassment"),
    ("kys", "harassment"),
    ("selling oxy, good prices", "sourcing"),
    ("text me on 555-0123", "contact_exchange"),
    ("send me nudes", "sexual_or_grooming"),
    ("make money from home, click the link in bio", "spam"),
    ("fuck cravings", "profanity"),
]
LONG = (
    "Checking in, day 9. I walked to the lake and back. My sister made soup and we watched a film. "
    "{line} The dog snores. The bus was late again, so I read two chapters of my book."
)


@pytest.mark.parametrize("text", AT_RISK)
def test_a_person_at_risk_is_seen_and_helped_and_heard(text: str) -> None:
    verdict = scan(text)
    assert "self_harm_risk" in verdict.labels
    assert verdict.action == "show_help"
    assert "notify_moderators" in verdict.actions


@pytest.mark.parametrize("text", NOT_AT_RISK)
def test_the_same_words_without_the_risk(text: str) -> None:
    verdict = scan(text)
    assert verdict.labels == ()
    assert verdict.action == "allow"


@pytest.mark.parametrize(("text", "label"), LABELLED)
def test_a_plain_case_of_each_label(text: str, label: str) -> None:
    assert label in scan(text).labels


def test_one_risky_line_in_a_long_post_counts() -> None:
    assert "self_harm_risk" in scan(LONG.format(line="I want to kill myself tonight.")).labels
    assert "self_harm_risk" not in scan(LONG.format(line="We had tea afterwards.")).labels


def test_kys_is_harassment_and_nobody_at_risk() -> None:
    verdict = scan("just kill yourself, nobody likes you")
    assert "harassment" in verdict.labels
    assert "self_harm_risk" not in verdict.labels
    assert verdict.restricts


def test_swearing_in_a_victory_is_allowed() -> None:
    verdict = scan("fuck yeah, 90 days sober!!")
    assert verdict.labels == ("profanity",)
    assert verdict.action == "allow"


@pytest.mark.parametrize("filter_level", ["strict", "standard", "lenient"])
def test_a_person_at_risk_who_swears_is_not_held(filter_level: FilterLevel) -> None:
    verdict = scan("fuck this life, I want to die", context=ScanContext(filter_level=filter_level))
    assert not {"hold", "hide", "slow_down"} & set(verdict.actions)


def test_a_contact_is_masked_in_the_text() -> None:
    verdict = scan("you can call me on 555-0123 tonight")
    assert verdict.action == "mask"
    assert verdict.masked_text == "you can call me on [phone removed] tonight"


def test_a_safe_link_is_neither_contact_nor_spam() -> None:
    context = ScanContext(safe_links=frozenset({"example.org"}))
    verdict = scan("this helped me: https://help.example.org/breathe", context=context)
    assert not {"contact_exchange", "spam"} & set(verdict.labels)


def test_crisis_words_of_another_language_offer_help() -> None:
    verdict = scan("ya no quiero vivir, quiero morir hoy mismo")
    assert verdict.language == "es"
    assert verdict.action == "show_help"


def test_another_language_is_not_punished() -> None:
    verdict = scan("Hoy es mi primer día sin beber y estoy muy contento con la familia")
    assert verdict.action == "allow"


def test_reasons_quote_what_the_author_typed() -> None:
    text = "ok so. I w4nt to k1ll mys3lf tonight"
    reasons = [reason for reason in scan(text).reasons if reason.label == "self_harm_risk"]
    assert reasons
    assert all(
        reason.evidence and text[reason.start : reason.end].strip() == reason.clause for reason in reasons
    )
    assert any("k1ll mys3lf" in reason.clause for reason in reasons)


def test_every_label_that_holds_has_a_reason() -> None:
    for text, _ in LABELLED:
        verdict = scan(text)
        assert {reason.label for reason in verdict.reasons} == set(verdict.labels)


@given(st.text(max_size=400))
def test_any_string_gets_a_verdict(text: str) -> None:
    verdict = scan(text)
    assert set(verdict.scores) == set(LABELS)
    assert all(0 <= score <= 1 for score in verdict.scores.values())
    assert verdict.action == verdict.actions[0]


@settings(max_examples=50)
@given(
    st.lists(
        st.sampled_from(
            ["I want to die.", "kys", "\u200b", "💊❄️", "555-0123", "\ud800", "a" * 300, "\n\n", '"']
        ),
        max_size=30,
    )
)
def test_odd_mixtures_get_a_verdict(parts: list[str]) -> None:
    text = " ".join(parts)
    for reason in scan(text).reasons:
        assert 0 <= reason.start <= reason.end <= len(text)


@pytest.mark.parametrize(
    "word", ["lonely", "Porn", "cannabis", "sex", "Please.", "weed?", "nobody", "somebody"]
)
def test_one_word_alone_is_no_dealing_with_anybody(word: str) -> None:
    assert not scan(word).restricts


@pytest.mark.parametrize(
    "text",
    ["anyone there", "want to talk", "anyone up for a chat?", "watching porn again"],
)
def test_a_few_words_of_reaching_out_are_not_kept_from_others(text: str) -> None:
    assert not scan(text, context=ScanContext(trust="new")).restricts


@pytest.mark.parametrize(
    "text",
    [
        "i want to use",
        "feeling numb",
        "does it get easier",
        "taking naltrexone",
        "how old are you all",
        "numb",
    ],
)
def test_a_few_words_of_a_plain_day_call_for_no_help(text: str) -> None:
    verdict = scan(text)
    assert not verdict.shows_help
    assert not verdict.restricts


@pytest.mark.parametrize("text", ["want it over. all of it. life.", "took too many", "better off dead"])
def test_a_few_words_of_danger_call_for_help(text: str) -> None:
    assert scan(text).shows_help


def test_a_few_words_without_one_that_hurts_are_not_hidden_as_an_insult() -> None:
    assert not scan("another face").restricts
    assert scan("another stupid bitch").action == "hide"


@pytest.mark.parametrize(
    "text",
    [
        "same name as here but on insta",
        "is there any way to reach you outside of this app",
        "drop me your details and I'll write",
        "number is in my bio",
        "you on whatsapp?",
    ],
)
def test_a_contact_that_only_hints_is_one(text: str) -> None:
    assert "contact_exchange" in scan(text).labels


@pytest.mark.parametrize(
    "text",
    [
        "my sponsor gave me his number and I called it at three",
        "Samaritans are on 116 123, day and night",
        "order number 5550134 is still on its way",
    ],
)
def test_talk_about_numbers_gives_none_away(text: str) -> None:
    assert "contact_exchange" not in scan(text).labels


@pytest.mark.parametrize(
    "text",
    [
        "please don't send me your number",
        "Please do not send me your phone number, I don't want it",
        "I won't give you my address",
        "please dont send me ur number",
    ],
)
def test_who_wants_no_number_exchanges_none(text: str) -> None:
    verdict = scan(text)
    assert "contact_exchange" not in verdict.labels
    assert not verdict.restricts


@pytest.mark.parametrize(
    "text",
    [
        "why don't you send me your number",
        "don't ask for my number, give me yours",
        "don't post your number here but send it to me on snap",
        "never share your number with strangers, mine is 07700 900123",
    ],
)
def test_a_no_beside_a_wish_for_contact_changes_nothing(text: str) -> None:
    assert "contact_exchange" in scan(text).labels


@pytest.mark.parametrize("text", ["send nudes", "weed 4 sale", "kill yourself", "you fat pig"])
def test_a_few_words_that_are_known_for_what_they_are_do_not_stay(text: str) -> None:
    assert scan(text).restricts


@pytest.mark.parametrize("word", ["kys", "faggots", "quietfox88@example.com"])
def test_one_word_can_be_enough_to_hurt_or_to_give_oneself_away(word: str) -> None:
    assert scan(word).action != "allow"
