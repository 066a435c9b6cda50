"""What comes in: commands, texts, cursors and ids, accepted whole or refused by field."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import pages
from domain.decoding import converted, decoded
from domain.errors import Code, DomainError, Invalid
from domain.ids import derived_id, new_id, parse_id
from domain.pages import Cursor, decode_cursor, encode_cursor, page_limit
from domain.posts import CreatePost
from domain.rooms import Resume
from domain.sessions import LogIn, RegisterEmail
from domain.text import accepted_text
from domain.wire import Id

SOME_ID = "01a20947-d77a-7e15-aef8-25be1dc05e43"

CREATE = msgspec.json.Decoder(CreatePost)
GOOD: dict[str, Any] = {"client_id": "client-1", "type": "sos", "content": "help"}
CANARY = "canary-of-a-private-text"


def outcome(work: Callable[[], Any]) -> Any:
    """What came out, be it the refusal."""
    try:
        return work()
    except Invalid as refusal:
        return refusal


def refusal_of(**changes: Any) -> Invalid:
    with pytest.raises(Invalid) as refusal:
        decoded(CREATE, json.dumps({**GOOD, **changes}).encode())
    return refusal.value


WRONG: list[tuple[str, Any, str]] = [
    ("content", 5, "content"),
    ("content", None, "content"),
    ("content", "x" * 5001, "content"),
    ("type", CANARY, "type"),
    ("client_id", "short", "client_id"),
    ("client_id", "client 1 with spaces", "client_id"),
    ("client_id", "client-1\n", "client_id"),
    ("circle_id", CANARY, "circle_id"),
    ("circle_id", SOME_ID.upper(), "circle_id"),
    ("circle_id", SOME_ID + "\n", "circle_id"),
    ("visibility", "everybody", "visibility"),
    ("categories", ["a"] * 6, "categories"),
    ("categories", ["Not A Slug"], "categories"),
    ("urgency", 6, "urgency"),
    ("urgency", 0, "urgency"),
    ("urgency", "5", "urgency"),
    ("urgency", 2.5, "urgency"),
    ("context", {"tags": ["a"] * 11}, "context.tags"),
    ("context", {"unknown": 1}, "context.unknown"),
    ("content_warning", "x" * 101, "content_warning"),
    ("unknown", CANARY, "unknown"),
]


@pytest.mark.parametrize(("name", "value", "field"), WRONG)
def test_a_wrong_field_is_named_and_its_value_never_repeated(name: str, value: Any, field: str) -> None:
    refusal = refusal_of(**{name: value})
    assert refusal.field is not None
    assert refusal.field.startswith(field)
    assert CANARY not in str(refusal.as_dict())


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_a_missing_field_is_named(missing: str) -> None:
    fields = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(Invalid) as refusal:
        decoded(CREATE, json.dumps(fields).encode())
    assert refusal.value.field == missing


def test_a_lone_surrogate_is_refused_by_field() -> None:
    with pytest.raises(Invalid) as refusal:
        decoded(CREATE, json.dumps({**GOOD, "content": "half \ud83d"}).encode())
    assert refusal.value.field == "content"


JUNK = [b"{", b"[]", b"null", b"5", b'"text"', b"\xff\xfe", b"not json", b'{"a":', b"[" * 100_000]


@pytest.mark.parametrize("text", JUNK, ids=range(len(JUNK)))
def test_what_is_no_command_is_refused(text: bytes) -> None:
    with pytest.raises(Invalid):
        decoded(CREATE, text)


def test_nothing_at_all_is_a_command_without_fields() -> None:
    with pytest.raises(Invalid) as refusal:
        decoded(CREATE, b"")
    assert refusal.value.field == "client_id"


def test_a_good_command_is_decoded() -> None:
    command = decoded(CREATE, json.dumps(GOOD).encode())
    assert (command.type, command.visibility, command.urgency) == ("sos", "public", None)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(text: bytes) -> None:
    assert isinstance(outcome(lambda: decoded(CREATE, text)), CreatePost | Invalid)


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    limit: int = 20
    id: Id | None = None


def test_texts_of_an_address_are_converted() -> None:
    assert converted({"limit": "5"}, Asked).limit == 5
    with pytest.raises(Invalid) as refusal:
        converted({"limit": "five"}, Asked)
    assert refusal.value.field == "limit"


def test_positions_are_asked_of_rooms_that_can_be() -> None:
    decoder = msgspec.json.Decoder(Resume)
    here = {"epoch": "e", "seq": 0}
    whole = {"feed": here, f"circle:{new_id()}": here}
    assert set(decoded(decoder, json.dumps({"positions": whole}).encode()).positions) == set(whole)
    for room in ("feeds", "circle:1", f"circle:{new_id().upper()}", "~internal", f"user:{new_id()}\n"):
        with pytest.raises(Invalid):
            decoded(decoder, json.dumps({"positions": {room: here}}).encode())
    for position in ({"epoch": "e", "seq": -1}, {"epoch": "e" * 33, "seq": 0}, {"epoch": "e", "seq": 2**60}):
        with pytest.raises(Invalid):
            decoded(decoder, json.dumps({"positions": {"feed": position}}).encode())


@pytest.mark.parametrize("email", ["a@b", "a b@c.de", "@c.de", "a@@c.de", "a@c..de", "a@c.de\n"])
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(Invalid):
        decoded(
            msgspec.json.Decoder(RegisterEmail),
            json.dumps({"email": email, "password": "a long enough one"}).encode(),
        )


def test_a_name_with_what_no_store_holds_is_refused() -> None:
    body = json.dumps({"identifier": "quiet\x00otter", "password": "x"}).encode()
    with pytest.raises(Invalid) as refusal:
        decoded(msgspec.json.Decoder(LogIn), body)
    assert refusal.value.field == "identifier"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
parts = st.lists(st.integers(-(2**53), 2**53) | texts)


@settings(max_examples=300)
@given(parts)
def test_a_cursor_comes_back_as_it_was_given(position: Cursor) -> None:
    text = encode_cursor(position)
    if len(text) <= pages.CURSOR_CHARACTERS_MAX:
        assert decode_cursor(text) == position
        assert text.isascii()
        assert not set(text) & set("+/=")


@settings(max_examples=300)
@given(st.text(max_size=250))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    position = outcome(lambda: decode_cursor(text))
    assert isinstance(position, list) or position.field == "cursor"


@pytest.mark.parametrize(
    "value", [{"a": 1}, [True], [1.5], [None], [[1]], [2**70], "text"], ids=lambda value: repr(value)[:12]
)
def test_a_cursor_that_we_never_gave_is_refused(value: Any) -> None:
    with pytest.raises(Invalid):
        decode_cursor(encode_cursor(value))


def test_no_cursor_is_the_first_page() -> None:
    assert decode_cursor(None) is None


def test_a_page_holds_what_was_asked_within_bounds() -> None:
    assert page_limit(None, usual=20, most=100) == 20
    assert [page_limit(asked, usual=20, most=100) for asked in (1, 100)] == [1, 100]
    for asked in (0, -1, 101):
        with pytest.raises(Invalid) as refusal:
            page_limit(asked, usual=20, most=100)
        assert refusal.value.field == "limit"


@settings(max_examples=300)
@given(st.text(max_size=60))
def test_accepted_text_is_stripped_storable_and_says_something(text: str) -> None:
    accepted = outcome(lambda: accepted_text(text, "content", characters_max=50))
    if isinstance(accepted, Invalid):
        assert accepted.field == "content"
        return
    assert accepted == text.strip()
    assert 0 < len(accepted) <= 50
    assert accepted.encode()
    assert "\x00" not in accepted
    assert accepted_text(accepted, "content", characters_max=50) == accepted


@settings(max_examples=200)
@given(st.text(st.characters(categories=["L", "N", "So"]), min_size=1, max_size=50))
def test_words_digits_and_pictures_are_accepted(text: str) -> None:
    assert accepted_text(f"  {text}\n", "content", characters_max=50) == text.strip()


INVISIBLE = ["\u200b", "\u2060", "\ufe0f", "\u00ad", "\u202e", "\t\n\u00a0", "\u0301"]


@pytest.mark.parametrize("text", INVISIBLE, ids=ascii)
def test_what_nobody_can_see_says_nothing(text: str) -> None:
    with pytest.raises(Invalid):
        accepted_text(text, "content", characters_max=50)


def test_the_length_is_counted_in_characters_after_stripping() -> None:
    assert accepted_text(" " * 10 + "\U0001f9a6" * 50, "content", characters_max=50) == "\U0001f9a6" * 50
    with pytest.raises(Invalid):
        accepted_text("x" * 51, "content", characters_max=50)


def test_ids_are_ordered_by_their_millisecond_and_never_the_same() -> None:
    made = [new_id() for _ in range(2000)]
    assert len(set(made)) == 2000
    assert [id[:13] for id in made] == sorted(id[:13] for id in made)
    assert {(id[14], id[19] in "89ab") for id in made} == {("7", True)}
    assert all(parse_id(id) == id for id in made)


def test_derived_ids_are_the_same_for_the_same_parts_only() -> None:
    assert derived_id("post:new", "1") == derived_id("post:new", "1")
    assert (
        len({derived_id("a", "bc"), derived_id("ab", "c"), derived_id("abc"), derived_id("a", "b", "c")}) == 4
    )


@pytest.mark.parametrize("text", ["", "1", "not-an-id", SOME_ID + "0"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_id(text, "post_id")
    assert refusal.value.field == "post_id"


STATUS: dict[Code, int] = {
    "invalid": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "gone": 410,
    "too_large": 413,
    "rate_limited": 429,
    "internal": 500,
    "unavailable": 503,
}


def test_every_refusal_has_its_status_and_safe_words() -> None:
    kinds: list[type[DomainError]] = [DomainError, *DomainError.__subclasses__()]
    assert {kind.code: kind().http_status for kind in kinds} == STATUS
    assert all(kind().message == (kind.__doc__ or "").strip() for kind in kinds)
    assert {kind.code for kind in kinds if kind.temporary} == {"rate_limited", "unavailable"}
    shown = Invalid("No.", field="content", retry_after=3).as_dict()
    assert shown == {"code": "invalid", "message": "No.", "field": "content", "retry_after": 3}
    assert Invalid().as_dict() == {"code": "invalid", "message": "The request is not valid."}
