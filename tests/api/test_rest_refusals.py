"""Bad input over every route: always a clear refusal in one shape, never a traceback, never an echo."""

import base64
import json
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import jwt
import msgspec
import pytest
from rest_harness import Answer, MovableClock, Person, Rest

from api.route import Route
from api.routes import ROUTES
from api.routes.pages import PageQuery
from domain.circles import CreateCircle, create_circle
from domain.errors import HTTP_STATUS
from domain.ids import new_id

SECRET_TEXT = "zqx-private-zqx"
NOBODY = "01890000-0000-7000-8000-000000000000"
PATH_VALUES = {
    "{post_id}": NOBODY,
    "{circle_id}": NOBODY,
    "{case_id}": NOBODY,
    "{device_id}": NOBODY,
    "{session_id}": NOBODY,
    "{receipt_id}": "0" * 32,
    "{invitation_id}": NOBODY,
    "{user_id}": NOBODY,
    "{room}": "feed",
    "{voice_note_id}": NOBODY,
}
GOOD_BODIES: dict[str, dict[str, Any]] = {
    "/v1/auth/register": {},
    "/v1/auth/register/email": {"email": "new@example.org", "password": "a long password"},
    "/v1/auth/login": {"identifier": "somebody", "password": "whatever it was"},
    "/v1/auth/recover": {"handle": "somebody", "recovery_code": "ABCD-EFGH-JKMN"},
    "/v1/auth/refresh": {"refresh_token": "x" * 43},
    "/v1/auth/logout": {},
    "/v1/auth/logout-all": {},
    "/v1/auth/password": {"new_password": "another long password"},
    "/v1/me": {"avatar": "owl"},
    "/v1/erasures": {"identifier": "somebody", "current_password": "whatever it was"},
    "/v1/exports": {"identifier": "somebody", "current_password": "whatever it was"},
    "/v1/exports/voice-notes/{voice_note_id}": {
        "identifier": "somebody",
        "current_password": "whatever it was",
    },
    "DELETE /v1/me": {"current_password": "whatever it was"},
    "/v1/me/notifications/read": {"ids": [NOBODY]},
    "/v1/me/preferences": {"push_per_day": 3},
    "/v1/me/devices": {"platform": "ios", "token": "ab" * 32},
    "/v1/me/trackers": {"category": "alcohol"},
    "/v1/moderation/{case_id}/claim": {},
    "/v1/moderation/{case_id}/release": {},
    "/v1/moderation/{case_id}/decide": {"action": "dismiss"},
    "/v1/moderation/appeals": {"note": "I meant it well.", "decision_id": NOBODY, "appeal_code": "0" * 32},
    "/v1/moderation/roles": {"role": "helper", "account_id": NOBODY},
    "/v1/me/helping": {"opted_in": True},
}
WITH_BODY = [route for route in ROUTES if route.has_body]
WITHOUT_BODY = [route for route in ROUTES if not route.has_body and not route.path.startswith("/v1/crisis/")]
"""But for those that help in a crisis: whatever is wrong with the question, they answer."""
SIGNED_IN = [route for route in ROUTES if not route.public]


def path_of(route: Route, **values: str) -> str:
    path = route.path
    for name, value in (PATH_VALUES | {f"{{{name}}}": value for name, value in values.items()}).items():
        path = path.replace(name, value)
    return path


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def good_body(route: Route) -> dict[str, Any]:
    """By the route's name where its path has several bodies."""
    return GOOD_BODIES.get(named(route), GOOD_BODIES.get(route.path, {}))


def checked(answer: Answer) -> Answer:
    """The answer is a refusal in the one shape, and repeats nothing that was sent."""
    problem = answer.body["error"]
    assert set(answer.body) == {"error"}
    assert set(problem) <= {"code", "message", "field", "retry_after"}
    assert problem["message"].strip()
    assert answer.status == HTTP_STATUS[problem["code"]]
    assert "Traceback" not in answer.text
    assert SECRET_TEXT not in answer.text
    return answer


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1024):
        yield b" " * 1024


@pytest.mark.parametrize("route", WITH_BODY, ids=named)
async def test_a_body_that_is_not_a_known_command_is_refused(rest: Rest, alice: Person, route: Route) -> None:
    fields = [name for name in route.command.__struct_fields__ if f"{{{name}}}" not in route.path]
    first = fields[0] if fields else None
    good = good_body(route)
    half = b'{"%s": "\\ud800%s"}' % ((first or "anything").encode(), SECRET_TEXT.encode())
    big = json.dumps({"x": SECRET_TEXT * 70_000}).encode()
    plain = {"Content-Type": "text/plain"}
    latin = {"Content-Type": "application/json; charset=latin-1"}
    packed = {"Content-Encoding": "gzip"}
    invalid, no_field = (400, "invalid"), (400, "invalid", None)
    cases: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {
        "not json": ({"raw": f"{SECRET_TEXT}".encode()}, no_field),
        "cut off": ({"raw": b'{"a'}, no_field),
        "not utf-8": ({"raw": b'{"%s": "\xff"}' % (first or "a").encode()}, invalid),
        "an array": ({"raw": b"[]"}, no_field),
        "null": ({"raw": b"null"}, no_field),
        "deep": ({"raw": b"[" * 30_000}, no_field),
        "a field too many": ({"body": good | {"surprise": SECRET_TEXT}}, (*invalid, "surprise")),
        "a name that says something": ({"body": {"Me@Home": 1} | good}, no_field),
        "half a character": ({"raw": half}, (*invalid, first or "anything")),
        "not json by name": ({"body": good, "headers": plain}, (*invalid, "Content-Type")),
        "another charset": ({"body": good, "headers": latin}, (*invalid, "Content-Type")),
        "compressed": ({"raw": b"\x1f\x8bxx", "headers": packed}, invalid),
        "too large": ({"raw": BytesIO(big)}, (413, "too_large", None)),
        "too large by chunks": ({"raw": chunks(100_000)}, (413, "too_large", None)),
        "in the address": ({"body": good, "params": {"handle": SECRET_TEXT}}, (*invalid, "handle")),
    }
    if first:
        cases["wrong type"] = ({"body": good | {first: {"x": SECRET_TEXT}}}, (*invalid, first))
        cases["too long"] = ({"body": good | {first: SECRET_TEXT * 200}}, (*invalid, first))
        cases["nul"] = ({"body": good | {first: f"{SECRET_TEXT}\x00{SECRET_TEXT}"}}, (*invalid, first))
    for label, (request, expected) in cases.items():
        answer = checked(await alice.ask(route.method, path_of(route), **request))
        assert (label, answer.error[: len(expected)]) == (label, expected)


def required_fields() -> list[tuple[Route, str]]:
    return [
        (route, field.name)
        for route in WITH_BODY
        for field in msgspec.structs.fields(route.command)
        if field.required and f"{{{field.name}}}" not in route.path
    ]


async def test_a_missing_field_is_named(rest: Rest) -> None:
    pairs = [(route, name) for route, name in required_fields() if route.public]
    assert len(pairs) == 12
    for route, name in pairs:
        body = {key: value for key, value in GOOD_BODIES[route.path].items() if key != name}
        answer = checked(await rest.ask(route.method, path_of(route), body))
        assert (route.path, answer.error) == (route.path, (400, "invalid", name))


OUT_OF_BOUNDS: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/auth/register", {"handle": "ab"}, "handle"),
    ("/v1/auth/register", {"handle": "with space"}, "handle"),
    ("/v1/auth/register", {"handle": "trailing\n"}, "handle"),
    ("/v1/auth/register", {"handle": "a@b.example"}, "handle"),
    ("/v1/auth/register", {"country": "Germany"}, "country"),
    ("/v1/auth/register", {"country": "DE\n"}, "country"),
    ("/v1/auth/register/email", {"email": "no-at", "password": "long enough pw"}, "email"),
    ("/v1/auth/register/email", {"email": "a@b.org\n", "password": "long enough pw"}, "email"),
    ("/v1/auth/register/email", {"email": "a@b.org", "password": "short"}, "password"),
    ("/v1/auth/login", {"identifier": "some\x00body", "password": "x"}, "identifier"),
    ("/v1/auth/login", {"identifier": "somebody", "password": "nul\x00"}, "password"),
    ("/v1/auth/refresh", {"refresh_token": "short"}, "refresh_token"),
]


async def test_a_value_out_of_bounds_is_refused_by_its_name(rest: Rest) -> None:
    for path, body, field in OUT_OF_BOUNDS:
        answer = checked(await rest.ask("POST", path, body))
        assert (body, answer.error) == (body, (400, "invalid", field))


async def test_bad_changes_of_an_account_are_refused(alice: Person) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"timezone": "Europe"}, "timezone"),
        ({"handle": None}, "handle"),
        ({"avatar": "Owl!"}, "avatar"),
        ({"country": "de"}, "country"),
        ({"role": "admin"}, "role"),
        ({"strength_points": 9000}, "strength_points"),
    ]
    for body, field in cases:
        assert checked(await alice.ask("PATCH", "/v1/me", body)).error == (400, "invalid", field)


@pytest.mark.parametrize("route", WITHOUT_BODY, ids=named)
async def test_parameters_are_as_strict_as_bodies(alice: Person, route: Route) -> None:
    circle = await create_circle(CreateCircle(name="Night watch"), alice.user, alice.rest.ports)
    path = path_of(route, post_id=await alice.post(), circle_id=circle.circle.id)
    cases: dict[str, str | None] = {
        "?surprise=zqx-private-zqx": "surprise",
        "?surprise=1&surprise=2": "surprise",
        "?zqx-private-zqx=1": None,
        "?token=zqx-private-zqx": "token",
    }
    if issubclass(route.command, PageQuery):
        long = "A" * 300
        numbers = base64.urlsafe_b64encode(b"[99999999999999999999999,99]").decode().rstrip("=")
        other_list = base64.urlsafe_b64encode(b'[1,2,"x",4]').decode().rstrip("=")
        cursors = ["zqx-private-zqx", "", "%00", "%ED%A0%80", "W10", "e30", long, numbers, other_list]
        cases |= {f"?cursor={cursor}": "cursor" for cursor in cursors}
        cases |= {f"?limit={limit}": "limit" for limit in ("0", "-1", "101", "x", "1.5", "9" * 40, "")}
        cases |= {"?limit=1&limit=2": "limit"}
    if "urgency" in route.command.__struct_fields__:
        cases |= {"?urgency=0": "urgency", "?urgency=6": "urgency", "?unanswered=maybe": "unanswered"}
        cases |= {"?type=zqx-private-zqx": "type", "?sort=best": "sort", "?category=%00": "category"}
    for query, field in cases.items():
        answer = checked(await alice.ask(route.method, path + query))
        assert (query, answer.error) == (query, (400, "invalid", field))


NAMELESS_PATHS = [
    ("/v1/posts/zqx-private-zqx", "post_id"),
    (f"/v1/posts/{NOBODY}%0A", "post_id"),
    (f"/v1/posts/urn:uuid:{NOBODY}", "post_id"),
    ("/v1/posts/%00", "post_id"),
    ("/v1/posts/1/responses", "post_id"),
    ("/v1/circles/1/posts", "circle_id"),
    ("/v1/circles/1", "circle_id"),
    ("/v1/circles/1/members", "circle_id"),
    ("/v1/circles?name=ab", "name"),
    ("/v1/circles?name=%20%20%20", "name"),
    ("/v1/circles?category=No!", "category"),
    ("/v1/circles?mine=perhaps", "mine"),
    (f"/v1/posts/{NOBODY}?post_id={NOBODY}", "post_id"),
    ("/v1/rooms/kitchen/events", "room"),
    ("/v1/rooms/feed%0A/events", "room"),
    ("/v1/rooms/user:1/events", "room"),
    ("/v1/rooms/feed/events?epoch=abc", "after"),
    ("/v1/rooms/feed/events?after=-1&epoch=abc", "after"),
    (f"/v1/rooms/feed/events?after={2**70}&epoch=abc", "after"),
]


async def test_a_path_that_names_nothing_is_refused(alice: Person) -> None:
    for path, field in NAMELESS_PATHS:
        answer = checked(await alice.ask("GET", path))
        assert (path, answer.error) == (path, (400, "invalid", field))


async def test_what_a_stranger_may_not_see_is_not_there(alice: Person, bob: Person) -> None:
    private = await alice.post("for me alone", visibility="private")
    for id in (private, NOBODY):
        for path in (f"/v1/posts/{id}", f"/v1/posts/{id}/responses", f"/v1/rooms/post:{id}/events"):
            assert checked(await bob.ask("GET", path)).error == (404, "not_found", None)
    for room in (f"user:{alice.id}", f"circle:{NOBODY}"):
        assert (await bob.ask("GET", f"/v1/rooms/{room}/events")).error == (404, "not_found", None)
    assert (await bob.ask("GET", f"/v1/circles/{NOBODY}/posts")).error == (404, "not_found", None)


async def test_blocked_people_do_not_see_each_other(alice: Person, bob: Person) -> None:
    post_id = await alice.post("to everybody but one")
    await alice.rest.ports.records.blocks.add(alice.id, bob.id, alice.rest.ports.now())
    assert (await bob.get("/v1/feed")).body["items"] == []
    assert (await bob.get(f"/v1/posts/{post_id}")).error == (404, "not_found", None)


def forgeries(person: Person, secret: str) -> dict[str, str]:
    """Tokens that are nearly right."""
    claims = jwt.decode(person.access, options={"verify_signature": False})
    head, body, signature = person.access.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    nobody = base64.urlsafe_b64encode(json.dumps(claims | {"sub": NOBODY}).encode()).decode().rstrip("=")
    return {
        "no algorithm": f"{none}.{body}.",
        "no algorithm but signed": f"{none}.{body}.{signature}",
        "another body": f"{head}.{nobody}.{signature}",
        "another key": jwt.encode(claims, "another-secret-another-secret-1234", "HS256"),
        "another algorithm": jwt.encode(claims, secret * 2, "HS512"),
        "another audience": jwt.encode(claims | {"aud": "elsewhere"}, secret, "HS256"),
        "no expiry": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, secret, "HS256"),
        "another kind": jwt.encode(claims | {"typ": "refresh"}, secret, "HS256"),
        "somebody else's session": jwt.encode(claims | {"sub": NOBODY}, secret, "HS256"),
        "no such session": jwt.encode(claims | {"sid": new_id()}, secret, "HS256"),
        "a refresh token": person.refresh,
        "garbage": "not-a-token",
        "too long": "a." * 4000,
    }


@pytest.mark.parametrize("route", SIGNED_IN, ids=named)
async def test_no_wrong_token_opens_a_route(rest: Rest, clock: MovableClock, route: Route) -> None:
    person = await rest.register()
    body = good_body(route) if route.has_body else None
    secret = rest.ports.settings.jwt_secret.get_secret_value()
    unauthenticated = (401, "unauthenticated", None)
    for label, token in forgeries(person, secret).items():
        answer = checked(await rest.ask(route.method, path_of(route), body, token=token))
        assert (label, answer.error) == (label, unauthenticated)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    for header in ("", "Bearer", "Bearer ", f"Basic {person.access}", person.access, "Bearer \xe9\xff"):
        answer = await rest.ask(route.method, path_of(route), body, headers={"Authorization": header})
        assert (header, answer.error) == (header, unauthenticated)
    query = await rest.ask(route.method, path_of(route), body, params={"access_token": person.access})
    assert query.error == unauthenticated
    clock.move(rest.ports.settings.access_token_seconds)
    expired = await rest.ask(route.method, path_of(route), body, token=person.access)
    assert expired.error == unauthenticated


async def test_two_tokens_are_none(rest: Rest, alice: Person) -> None:
    headers = [("Authorization", f"Bearer {alice.access}"), ("Authorization", f"Bearer {alice.access}")]
    async with rest.client.get("/v1/me", headers=headers) as response:
        assert response.status == 401


async def test_unknown_paths_and_methods_are_refused_in_the_same_shape(rest: Rest) -> None:
    for path in ("/v1/nothing", "/v2/me", "/v1/me/", "/%00", "/v1/auth", "/v1/../etc/passwd"):
        assert checked(await rest.ask("GET", path)).error == (404, "not_found", None)
    for method, path, allowed in (
        ("DELETE", "/v1/feed", "GET, HEAD"),
        ("GET", "/v1/auth/login", "POST"),
        ("PUT", "/v1/me", "DELETE, GET, HEAD, PATCH"),
        ("PROPFIND", "/health", "GET, HEAD"),
    ):
        answer = await rest.ask(method, path)
        assert answer.error == (405, "invalid", None)
        assert answer.headers["Allow"] == allowed
