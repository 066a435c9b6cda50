"""Our side of APNs, FCM and Web Push, against servers that speak their protocols."""

import asyncio
import time
from email.utils import formatdate
from types import SimpleNamespace

import jwt
import msgspec
import pytest

from db.push import apns, services, vapid
from db.push.answer import RETRY_AFTER_SECONDS_MAX, Refused
from db.push.fcm import SPARE_SECONDS
from db.push.services import PushServices, open_push
from domain.devices import Address, WebKeys
from domain.errors import Unavailable
from domain.ids import new_id
from domain.pushing import PushMessage
from tests.push.outside import Outside
from tests.push.received import Reply

PHONE = Address("ios", "ab" * 32)
ANDROID = Address("android", "registration-token-of-a-phone")
MESSAGE = PushMessage(id=new_id(), collapse="c" * 32, ttl_seconds=600, urgent=True)
CALM = MESSAGE._replace(urgent=False, ttl_seconds=86_400)


def gone_or_not(code: str, **detail: object) -> dict[str, object]:
    """An error as FCM tells it."""
    kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
    return {"error": {"code": 400, "status": code, "details": [{"@type": kind, "errorCode": code, **detail}]}}


async def test_apple_gets_what_it_asks_for(outside: Outside, push: PushServices) -> None:
    before = int(time.time())
    assert await push.send(PHONE, MESSAGE)
    (request,) = outside.apple.requests
    headers = request.headers
    assert (headers[":method"], request.path) == ("POST", f"/3/device/{PHONE.token}")
    assert (headers["apns-topic"], headers["apns-push-type"]) == ("org.example.app", "alert")
    assert (headers["apns-priority"], headers["apns-collapse-id"]) == ("10", "c" * 32)
    assert headers["apns-id"] == MESSAGE.id
    assert before + 600 <= int(headers["apns-expiration"]) <= time.time() + 600
    token = headers["authorization"].removeprefix("bearer ")
    claims = jwt.decode(token, outside.apple_key.public_key(), ["ES256"])
    assert (claims["iss"], jwt.get_unverified_header(token)["kid"]) == ("TEAM123456", "KEY1234567")
    assert before <= claims["iat"] <= time.time()
    body = msgspec.json.decode(request.body)
    assert body["id"] == MESSAGE.id
    assert body["aps"]["interruption-level"] == "time-sensitive"


async def test_calm_news_wake_no_phone(outside: Outside, push: PushServices) -> None:
    browser = outside.browser.subscribe("calm")
    for address in (PHONE, ANDROID, browser):
        assert await push.send(address, CALM)
    (apple,), (google,), (web,) = outside.apple.requests, outside.google.requests, outside.browser.requests
    assert apple.headers["apns-priority"] == "5"
    android = msgspec.json.decode(google.body)["message"]["android"]
    assert (android["priority"], android["ttl"]) == ("NORMAL", "86400s")
    assert (web.headers["urgency"], web.headers["ttl"]) == ("normal", "86400")


async def test_many_pushes_share_one_connection_and_one_token(outside: Outside, push: PushServices) -> None:
    addresses = [Address("ios", f"{number:064x}") for number in range(50)]
    assert all(await asyncio.gather(*(push.send(address, MESSAGE) for address in addresses)))
    assert outside.apple.connections <= 3
    assert len({request.headers["authorization"] for request in outside.apple.requests}) == 1
    assert {request.path.rpartition("/")[2] for request in outside.apple.requests} == {
        address.token for address in addresses
    }


@pytest.mark.parametrize(
    ("status", "reason"),
    [(410, "Unregistered"), (410, "ExpiredToken"), (400, "BadDeviceToken"), (400, "DeviceTokenNotForTopic")],
)
async def test_apple_says_that_a_token_is_dead(
    outside: Outside, push: PushServices, status: int, reason: str
) -> None:
    outside.apple.replies[PHONE.token] = [Reply(status, {"reason": reason})]
    assert not await push.send(PHONE, MESSAGE)


async def test_a_signature_that_apple_finds_stale_is_made_anew_and_soon_not_again(
    outside: Outside, push: PushServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apple takes more than one new signature in twenty minutes for an attack."""
    stale = Reply(403, {"reason": "ExpiredProviderToken"})
    assert await push.send(PHONE, MESSAGE)
    later = time.time() + apns.TOKEN_SECONDS_MIN + 1
    monkeypatch.setattr(apns, "time", SimpleNamespace(time=lambda: later))
    outside.apple.replies[PHONE.token] = [stale, stale]
    for _ in range(2):
        with pytest.raises(Refused):
            await push.send(PHONE, MESSAGE)
    assert await push.send(PHONE, MESSAGE)
    first, refused, second, third = (request.headers["authorization"] for request in outside.apple.requests)
    assert first == refused != second == third


async def test_google_gets_what_it_asks_for(outside: Outside, push: PushServices) -> None:
    assert await push.send(ANDROID, MESSAGE)
    (request,) = outside.google.requests
    assert request.path == "/v1/projects/a-project/messages:send"
    message = msgspec.json.decode(request.body)["message"]
    assert (message["token"], message["data"]) == (ANDROID.token, {"id": MESSAGE.id})
    android = message["android"]
    assert (android["priority"], android["ttl"], android["collapse_key"]) == ("HIGH", "600s", "c" * 32)
    assert android["notification"]["visibility"] == "PRIVATE"


async def test_one_access_token_serves_all_until_google_ends_it(outside: Outside, push: PushServices) -> None:
    await asyncio.gather(*(push.send(ANDROID, MESSAGE) for _ in range(10)))
    assert outside.google.tokens_given == 1
    outside.google.tokens_given = 7
    with pytest.raises(Refused):
        await push.send(ANDROID, MESSAGE)
    assert await push.send(ANDROID, MESSAGE)
    assert outside.google.tokens_given == 8


async def test_an_access_token_is_renewed_before_its_end(outside: Outside, push: PushServices) -> None:
    outside.google.token_seconds = SPARE_SECONDS
    for _ in range(2):
        await push.send(ANDROID, MESSAGE)
    assert outside.google.tokens_given == 2


@pytest.mark.parametrize("reply", [Reply(503), Reply(200, {"no": "token"})])
async def test_without_an_access_token_google_is_unavailable(
    outside: Outside, push: PushServices, reply: Reply
) -> None:
    outside.google.token_replies = [reply]
    with pytest.raises(Unavailable):
        await push.send(ANDROID, MESSAGE)
    assert outside.google.requests == []


@pytest.mark.parametrize(
    "error",
    [
        gone_or_not("UNREGISTERED"),
        gone_or_not("SENDER_ID_MISMATCH"),
        gone_or_not("INVALID_ARGUMENT", fieldViolations=[{"field": "message.token"}]),
    ],
)
async def test_google_says_that_a_token_is_dead(
    outside: Outside, push: PushServices, error: dict[str, object]
) -> None:
    outside.google.replies[ANDROID.token] = [Reply(404, error)]
    assert not await push.send(ANDROID, MESSAGE)


@pytest.mark.parametrize(
    "error",
    [gone_or_not("INVALID_ARGUMENT", fieldViolations=[{"field": "message.android.ttl"}]), None, {"error": 7}],
)
async def test_a_mistake_of_ours_costs_nobody_their_device(
    outside: Outside, push: PushServices, error: object
) -> None:
    outside.google.replies[ANDROID.token] = [Reply(400, error)]
    with pytest.raises(Refused):
        await push.send(ANDROID, MESSAGE)


async def test_only_the_browser_reads_what_is_sent_and_its_service_knows_who_sent_it(
    outside: Outside, push: PushServices
) -> None:
    assert await push.send(outside.browser.subscribe("mine"), MESSAGE)
    (request,) = outside.browser.requests
    assert set(outside.browser.read(request)) == {"title", "body", "id"}
    assert outside.browser.read(request)["id"] == MESSAGE.id
    assert MESSAGE.id.encode() not in request.body
    assert push.web_key is not None
    claims = outside.browser.check_signature(request, push.web_key)
    assert claims["sub"] == "mailto:ops@example.org"
    headers = request.headers
    assert (headers["content-encoding"], headers["ttl"]) == ("aes128gcm", "600")
    assert (headers["urgency"], headers["topic"]) == ("high", "c" * 32)


async def test_no_two_messages_share_a_key(outside: Outside, push: PushServices) -> None:
    for _ in range(2):
        await push.send(outside.browser.subscribe("mine"), MESSAGE)
    first, second = outside.browser.requests
    assert first.body[:86] != second.body[:86]
    assert first.headers["authorization"] == second.headers["authorization"]


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_over_is_dead(outside: Outside, push: PushServices, status: int) -> None:
    outside.browser.replies["mine"] = [Reply(status)]
    assert not await push.send(outside.browser.subscribe("mine"), MESSAGE)


async def test_keys_on_no_curve_are_dead(outside: Outside, push: PushServices) -> None:
    keys = WebKeys(p256dh="BA" + "A" * 85, auth="A" * 22)
    assert not await push.send(Address("web", f"{outside.browser.url}/wpush/x", keys), MESSAGE)
    assert outside.browser.requests == []


async def test_a_redirect_is_not_followed(outside: Outside, push: PushServices) -> None:
    elsewhere = f"{outside.browser.url}/wpush/elsewhere"
    outside.browser.replies["mine"] = [Reply(307, headers={"Location": elsewhere})]
    with pytest.raises(Refused):
        await push.send(outside.browser.subscribe("mine"), MESSAGE)
    assert len(outside.browser.requests) == 1


def everywhere(outside: Outside, reply: Reply) -> list[Address]:
    """One address of each platform, whose next push is answered so."""
    browser = outside.browser.subscribe("mine")
    outside.apple.replies[PHONE.token] = [reply]
    outside.google.replies[ANDROID.token] = [reply]
    outside.browser.replies["mine"] = [reply]
    return [PHONE, ANDROID, browser]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_service_says_when_to_come_back(
    outside: Outside, push: PushServices, status: int
) -> None:
    for address in everywhere(outside, Reply(status, headers={"Retry-After": "42"})):
        with pytest.raises(Unavailable) as failure:
            await push.send(address, MESSAGE)
        assert (failure.value.retry_after, isinstance(failure.value, Refused)) == (42, False)
        assert await push.send(address, MESSAGE)


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        ("99999999", RETRY_AFTER_SECONDS_MAX, RETRY_AFTER_SECONDS_MAX),
        (formatdate(time.time() + 1000, usegmt=True), 0, 1000),
        (formatdate(time.time() - 1000, usegmt=True), 0, 0),
    ],
    ids=["too long", "a date", "a date that is over"],
)
async def test_a_time_to_come_back_is_a_number_or_a_date_and_bounded(
    outside: Outside, push: PushServices, given: str, least: float, most: float
) -> None:
    outside.browser.replies["mine"] = [Reply(429, headers={"Retry-After": given})]
    with pytest.raises(Unavailable) as failure:
        await push.send(outside.browser.subscribe("mine"), MESSAGE)
    assert failure.value.retry_after is not None
    assert least <= failure.value.retry_after <= most


async def test_a_time_that_is_none_is_left_to_the_job(outside: Outside, push: PushServices) -> None:
    outside.browser.replies["mine"] = [Reply(429, headers={"Retry-After": "soon"})]
    with pytest.raises(Unavailable) as failure:
        await push.send(outside.browser.subscribe("mine"), MESSAGE)
    assert failure.value.retry_after is None


async def test_a_service_that_is_down_is_left_alone_for_a_while_and_no_other(
    outside: Outside, push: PushServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside.apple.replies[PHONE.token] = [Reply(503)] * services.FAILURES_MAX
    for _ in range(services.FAILURES_MAX + 3):
        with pytest.raises(Unavailable):
            await push.send(PHONE, MESSAGE)
    assert len(outside.apple.requests) == services.FAILURES_MAX
    assert await push.send(ANDROID, MESSAGE)
    over = time.monotonic() + services.PAUSE_SECONDS
    monkeypatch.setattr(services, "monotonic", lambda: over)
    assert await push.send(PHONE, MESSAGE)


async def test_refusals_of_one_do_not_stop_the_others(outside: Outside, push: PushServices) -> None:
    outside.browser.replies["odd"] = [Reply(400)] * 20
    for _ in range(20):
        with pytest.raises(Refused):
            await push.send(outside.browser.subscribe("odd"), MESSAGE)
    assert await push.send(outside.browser.subscribe("mine"), MESSAGE)


async def test_a_service_that_cannot_be_reached_or_trusted_is_unavailable(outside: Outside) -> None:
    closed = open_push(outside.shown(apns_url="https://localhost:1"), trust=outside.authority.client())
    untrusting = open_push(outside.shown())
    browser = outside.browser.subscribe("mine")
    for push, address in ((closed, PHONE), (untrusting, ANDROID), (untrusting, browser)):
        with pytest.raises(Unavailable):
            await push.send(address, MESSAGE)
    assert outside.google.requests == outside.browser.requests == []
    for push in (closed, untrusting):
        await push.aclose()


async def test_what_is_not_configured_is_not_there(outside: Outside) -> None:
    push = open_push(outside.shown(apns_key_file=None, apns_key_id="", apns_team_id="", apns_topic=""))
    assert push.platforms == {"android", "web"}
    with pytest.raises(Unavailable):
        await push.send(PHONE, MESSAGE)
    await push.aclose()


@pytest.mark.parametrize("text", ["", "short", "A" * 43 + "!", "A" * 100])
def test_a_key_that_is_none_is_refused_at_start(text: str) -> None:
    with pytest.raises(ValueError, match="VAPID_PRIVATE_KEY"):
        vapid.private_key_of(text)


def test_a_made_key_can_be_used() -> None:
    text = vapid.new_private_text()
    assert len(vapid.public_text(vapid.private_key_of(text))) == 87
    assert text != vapid.new_private_text()
