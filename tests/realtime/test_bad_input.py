"""Bad input over every socket event: always a clear refusal, never a traceback, never a lost neighbour."""

import logging
from datetime import timedelta
from typing import Any

import jwt
import pytest
import socketio

from domain.clock import utc_now
from tests.realtime.conftest import DEADLINE_SECONDS, Phone, Running, StartPhone

UNKNOWN = "0198a000-0000-7000-8000-000000000000"
POST = {"client_id": "bad-input-1", "type": "question", "content": "What now?"}

VALID: dict[str, dict[str, Any]] = {
    "post:create": POST,
    "post:open": {"post_id": UNKNOWN},
    "post:leave": {"post_id": UNKNOWN},
    "post:edit_urgency": {"post_id": UNKNOWN, "urgency": 3},
    "post:edit_warning": {"post_id": UNKNOWN, "content_warning": "relapse"},
    "post:close": {"post_id": UNKNOWN},
    "post:delete": {"post_id": UNKNOWN},
    "support:quick": {"post_id": UNKNOWN, "kind": "stay_strong"},
    "support:undo": {"post_id": UNKNOWN, "kind": "stay_strong"},
    "support:respond": {"client_id": "bad-input-2", "post_id": UNKNOWN, "content": "I am here."},
    "response:delete": {"response_id": UNKNOWN},
    "checkin:record": {"tracker_id": UNKNOWN},
    "craving:record": {"tracker_id": UNKNOWN},
    "slip:record": {"tracker_id": UNKNOWN},
    "circle:create": {"name": "Night watch"},
    "circle:join": {"circle_id": UNKNOWN},
    "circle:leave": {"circle_id": UNKNOWN},
    "circle:edit": {"circle_id": UNKNOWN, "name": "Night watch"},
    "circle:invite": {"circle_id": UNKNOWN, "user_id": UNKNOWN},
    "circle:accept": {"invitation_id": UNKNOWN},
    "circle:remove_member": {"circle_id": UNKNOWN, "user_id": UNKNOWN},
    "circle:set_role": {"circle_id": UNKNOWN, "user_id": UNKNOWN, "role": "moderator"},
    "presence:set": {"status": "away"},
    "typing:start": {"post_id": UNKNOWN},
    "typing:stop": {"post_id": UNKNOWN},
    "support:thank": {"response_id": UNKNOWN},
    "report:create": {"target_id": UNKNOWN, "target": "post", "reason": "harassment"},
    "block:add": {"user_id": UNKNOWN},
    "block:remove": {"user_id": UNKNOWN},
    "resume": {"positions": {}},
    "auth:renew": {"token": "x"},
}

WITH_ID = {
    event: name
    for event, data in VALID.items()
    for name in data
    if name.endswith("_id") and name != "client_id"
}
WITH_TEXT = {"post:create": "content", "support:respond": "content", "circle:create": "name"}


def bad_payloads() -> list[tuple[str, Any]]:
    cases: list[tuple[str, Any]] = []
    for event, data in VALID.items():
        first = next(iter(data))
        cases += [
            (event, "text"),
            (event, 7),
            (event, [data]),
            (event, None) if data and event != "post:leave" else (event, 0),
            (event, {**data, "surprise": 1}),
            (event, {**data, first: {"deep": ["wrong"]}}),
            (event, {name: value for name, value in data.items() if name != first}),
        ]
    cases += [(event, {**VALID[event], name: "not-an-id"}) for event, name in WITH_ID.items()]
    cases += [(event, {**VALID[event], field: "\ud800 lone"}) for event, field in WITH_TEXT.items()]
    cases += [(event, {**VALID[event], field: "x" * 6000}) for event, field in WITH_TEXT.items()]
    cases += [(event, {**VALID[event], field: " \u200b "}) for event, field in WITH_TEXT.items()]
    cases += [
        ("post:create", {**POST, "type": "essay"}),
        ("post:create", {**POST, "urgency": 9}),
        ("post:create", {**POST, "categories": ["a"] * 6}),
        ("post:create", {**POST, "client_id": "short"}),
        ("post:create", {**POST, "content": "a\x00b"}),
        ("post:create", {**POST, "visibility": "circle"}),
        ("circle:create", {"name": "ok then", "max_members": 1}),
        ("circle:create", {"name": "Call me 555 123 4567"}),
        ("circle:edit", {"circle_id": UNKNOWN, "filter_level": "none"}),
        ("circle:accept", {"invitation_id": UNKNOWN, "code": "ABCD-EFGH-IJKL-MNOP"}),
        ("circle:accept", {"code": "ABCD"}),
        ("circle:invite", {"circle_id": UNKNOWN, "uses": 0}),
        ("circle:set_role", {"circle_id": UNKNOWN, "user_id": UNKNOWN, "role": "admin"}),
        ("checkin:record", {"tracker_id": UNKNOWN, "mood": 6}),
        ("craving:record", {"tracker_id": UNKNOWN, "intensity": 11}),
        ("craving:record", {"tracker_id": UNKNOWN, "occurred_at": "2026-01-31T12:00:00"}),
        ("slip:record", {"tracker_id": UNKNOWN, "occurred_at": "yesterday"}),
        ("slip:record", {"tracker_id": UNKNOWN, "triggers": ["a"] * 11}),
        ("resume", {"positions": {"everybody": {"epoch": "e", "seq": 1}}}),
        ("resume", {"positions": {"feed": {"epoch": "e", "seq": -1}}}),
    ]
    return cases


async def test_every_event_refuses_every_bad_payload(
    server: Running, start_phone: StartPhone, caplog: pytest.LogCaptureFixture
) -> None:
    phone = await start_phone(server)
    with caplog.at_level(logging.ERROR):
        for event, data in bad_payloads():
            error = await phone.refused(event, data)
            assert error["code"] == "invalid", (event, data, error)
            assert "Traceback" not in error["message"]
    assert not caplog.records
    assert (await phone.ok("post:create", **POST))["post"]["content"] == "What now?"


async def test_the_table_covers_every_event(server: Running) -> None:
    assert sorted(VALID) == server.realtime.actors.commands


@pytest.mark.parametrize("event", sorted(WITH_ID))
async def test_an_id_that_is_not_there_is_not_found(
    event: str, server: Running, start_phone: StartPhone
) -> None:
    phone = await start_phone(server)
    if event == "post:leave":
        assert (await phone.send(event, VALID[event]))["ok"]
        return
    assert (await phone.refused(event, VALID[event]))["code"] == "not_found"


async def test_what_belongs_to_somebody_else_is_refused(server: Running, start_phone: StartPhone) -> None:
    author, other = await start_phone(server), await start_phone(server)
    post = (await author.ok("post:create", **POST))["post"]["id"]
    hidden = (await author.ok("post:create", **{**POST, "client_id": "bad-input-3"}, visibility="private"))[
        "post"
    ]
    for event in ("post:close", "post:delete"):
        assert (await other.refused(event, {"post_id": post}))["code"] == "forbidden"
        assert (await other.refused(event, {"post_id": hidden["id"]}))["code"] == "not_found"
    quick = {"post_id": hidden["id"], "kind": "stay_strong"}
    assert (await other.refused("support:quick", quick))["code"] == "not_found"


@pytest.mark.parametrize("event", ["nothing:here", "", "ping", "__class__"])
async def test_an_event_that_does_not_exist_is_refused(
    event: str, server: Running, start_phone: StartPhone
) -> None:
    phone = await start_phone(server)
    assert (await phone.refused(event, {}))["code"] == "invalid"


@pytest.mark.parametrize("event", ["connect", "disconnect", "connect_error"])
async def test_reserved_names_reach_no_handler(event: str, server: Running, start_phone: StartPhone) -> None:
    phone, neighbour = await start_phone(server), await start_phone(server)
    assert (await phone.refused(event, {}))["code"] == "invalid"
    assert (await phone.ok("post:create", **POST))["post"]["id"]
    await neighbour.received("post:new")


async def test_a_payload_of_a_megabyte_costs_only_its_sender(
    server: Running, start_phone: StartPhone
) -> None:
    greedy, neighbour = await start_phone(server), await start_phone(server)
    await greedy.client.emit("post:create", {**POST, "content": "x" * 1_000_000})
    await neighbour.ok("post:create", **{**POST, "client_id": "neighbour-1"})
    heard = await neighbour.received("post:new")
    assert heard["data"]["post"]["author"]["id"] == neighbour.id


async def test_what_is_too_large_is_refused_by_that_name(server: Running, start_phone: StartPhone) -> None:
    phone = await start_phone(server)
    error = await phone.refused("post:create", {**POST, "content_warning": "x" * 33_000})
    assert error["code"] == "too_large"


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("post:create", {"type": "sos", "content": "I cannot go on. " * 400}),
        ("post:create", {"type": "sos", "content": "I am about to drink \ud83d"}),
        ("post:create", {"type": "check_in", "content": "I want to kill myself tonight", "surprise": 1}),
        ("support:respond", {"post_id": UNKNOWN, "content": "I want to kill myself tonight " * 100}),
        ("checkin:record", {"tracker_id": UNKNOWN, "note": "I want to kill myself tonight " * 100}),
    ],
)
async def test_a_cry_for_help_is_answered_with_help_though_it_is_refused(
    event: str, said: dict[str, Any], server: Running, start_phone: StartPhone
) -> None:
    phone = await start_phone(server, country="DE")
    ack = await phone.send(event, {"client_id": "a-cry-for-help", **said})
    assert ack["error"]["code"] == "invalid"
    assert ack["data"]["crisis"]["country"] == "DE"


@pytest.mark.parametrize("event", ["checkin:record", "craving:record", "slip:record"])
async def test_a_cry_for_help_in_a_note_is_heard_though_its_tracker_is_gone(
    event: str, server: Running, start_phone: StartPhone
) -> None:
    phone = await start_phone(server, country="DE")
    ack = await phone.send(event, {"tracker_id": UNKNOWN, "note": "I want to kill myself tonight"})
    assert ack["error"]["code"] == "not_found"
    assert ack["data"]["crisis"]["country"] == "DE"


async def test_no_help_is_pressed_on_who_only_made_a_mistake(
    server: Running, start_phone: StartPhone
) -> None:
    phone = await start_phone(server)
    sunny = {**POST, "content": "I planted tomatoes"}
    for data in ({**sunny, "surprise": 1}, {"content": ["deep"]}, "text", None):
        assert "data" not in await phone.send("post:create", data)


@pytest.mark.parametrize(
    ("auth", "field"),
    [
        ({"positions": None}, "positions"),
        ({"positions": {"feed": {"epoch": "e", "seq": -1}}}, "positions.seq"),
        ({"device": {"platform": "x" * 100}}, "device.platform"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_a_good_token_beside_a_mistake_is_not_called_a_bad_one(
    auth: dict[str, Any], field: str, server: Running, start_phone: StartPhone
) -> None:
    phone = await start_phone(server, connect=False)
    refusals: list[Any] = []
    phone.client.on("connect_error", refusals.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await phone.connect(server.url, **auth)
    assert (refusals[0]["code"], refusals[0]["field"]) == ("invalid", field)


def forged(phone: Phone, **changes: Any) -> dict[str, str]:
    """Bad tokens by what is wrong with them."""
    good = phone.account.tokens
    claims = jwt.decode(good.access_token, options={"verify_signature": False})
    secret = "a-secret-for-tests-0123456789-abcdef"
    past = {"exp": utc_now() - timedelta(seconds=1)}
    return {
        "empty": "",
        "not a token": "x.y.z",
        "expired": jwt.encode({**claims, **past}, secret, "HS256"),
        "another secret": jwt.encode(claims, "some-other-secret-0123456789-abcdefghi", "HS256"),
        "no algorithm": jwt.encode(claims, None, "none"),
        "no expiry": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, secret, "HS256"),
        "another kind": jwt.encode({**claims, "typ": "refresh"}, secret, "HS256"),
        "a refresh token": good.refresh_token,
        "another session": jwt.encode({**claims, "sid": UNKNOWN}, secret, "HS256"),
        "another account": jwt.encode({**claims, "sub": UNKNOWN}, secret, "HS256"),
    }


async def test_bad_tokens_are_refused_with_a_connect_error(server: Running, start_phone: StartPhone) -> None:
    phone = await start_phone(server, connect=False)
    for name, token in forged(phone).items():
        for auth in ({"token": token}, {"token": token, "positions": {}}):
            client = socketio.AsyncClient(reconnection=False)
            refusals: list[Any] = []
            client.on("connect_error", refusals.append)
            with pytest.raises(socketio.exceptions.ConnectionError):
                await client.connect(server.url, auth=auth, wait_timeout=DEADLINE_SECONDS)
            assert (
                refusals[0]["data"]["code"] == "unauthenticated"
                if "data" in refusals[0]
                else (refusals[0]["code"] == "unauthenticated")
            ), name
            await client.disconnect()


async def test_only_a_newer_token_of_the_same_session_renews(
    server: Running, start_phone: StartPhone
) -> None:
    phone, other = await start_phone(server), await start_phone(server)
    for token in (*forged(phone).values(), other.account.tokens.access_token):
        error = await phone.refused("auth:renew", {"token": token or "x"})
        assert error["code"] == "unauthenticated"
    renewed = await phone.ok("auth:renew", token=phone.account.tokens.access_token)
    assert renewed["expires_at"]
