"""What every answer has in common: headers, CORS, limits, addresses, health, metrics and documents."""

import asyncio
import base64
import hashlib
import re
import socket
from collections.abc import Callable
from ipaddress import ip_address
from itertools import count
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from rest_harness import Answer, Person, Rest, opened, with_settings

from api import reader
from api.address import Addresses
from api.app import READINESS, build_app
from api.asyncapi import Exchange, SocketContract
from api.routes import ROUTES
from db.stores import open_stores
from domain.ports import Ports
from domain.posts import CreatePost, PostAnswer, PostCreated
from domain.presence import TypingChanged
from domain.settings import Settings, SettingsError
from domain.support import GiveSupport
from tests.store_lines import store_lines

PASSWORD = "correct horse battery"
ADDRESSES = count(int(ip_address("198.51.100.1")))
ORIGIN = "https://app.example.org"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "PATCH"}


async def test_every_answer_tells_browsers_to_be_careful(rest: Rest) -> None:
    for method, path in (
        ("GET", "/v1/me"),
        ("GET", "/nothing"),
        ("GET", "/health/live"),
        ("OPTIONS", "/v1/me"),
    ):
        headers = (await rest.ask(method, path)).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "aiohttp" not in headers["Server"]
        assert "Strict-Transport-Security" not in headers


async def test_production_asks_for_https(ports: Ports) -> None:
    async with opened(with_settings(ports, server_env="production")) as rest:
        assert "max-age" in (await rest.ask("GET", "/")).headers["Strict-Transport-Security"]


async def test_every_request_has_an_id_of_its_own(rest: Rest) -> None:
    ids = [
        (await rest.ask("GET", "/", headers={"X-Request-ID": "mine"})).headers["X-Request-ID"] for _ in "ab"
    ]
    assert len(set(ids)) == 2
    assert "mine" not in ids


async def test_head_answers_like_get_without_a_body(rest: Rest, alice: Person) -> None:
    for path in (
        "/",
        "/health",
        "/health/live",
        "/metrics",
        "/docs",
        "/v1/me",
        "/v1/feed",
        "/v1/crisis/resources",
    ):
        got = await alice.ask("GET", path)
        head = await alice.ask("HEAD", path)
        assert (path, head.status, head.text) == (path, 200, "")
        assert head.headers["Content-Type"] == got.headers["Content-Type"]


async def test_options_names_the_methods_of_an_address(rest: Rest) -> None:
    answer = await rest.ask("OPTIONS", "/v1/me")
    assert (answer.status, answer.headers["Allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH")
    assert (await rest.ask("OPTIONS", "/nothing")).error == (404, "not_found", None)


async def test_a_listed_page_may_ask(ports: Ports) -> None:
    async with opened(with_settings(ports, cors_origins=(ORIGIN,))) as rest:
        preflight = await rest.ask("OPTIONS", "/v1/me", headers=PREFLIGHT)
        assert preflight.status == 204
        assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
        assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
        refused = await rest.ask("GET", "/v1/me", headers={"Origin": ORIGIN})
        assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, ORIGIN)
        assert refused.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in refused.headers


async def test_another_page_may_not(ports: Ports) -> None:
    async with opened(with_settings(ports, cors_origins=(ORIGIN,))) as rest:
        for origin in ("https://evil.example", "null", f"{ORIGIN}.evil.example", "*", ""):
            for method in ("OPTIONS", "GET"):
                answer = await rest.ask(method, "/v1/me", headers=PREFLIGHT | {"Origin": origin})
                assert not [name for name in answer.headers if name.startswith("Access-Control")]


async def test_without_origins_no_page_may(rest: Rest) -> None:
    answer = await rest.ask("OPTIONS", "/v1/me", headers=PREFLIGHT)
    assert "Access-Control-Allow-Origin" not in answer.headers


# Limits and addresses.


async def register_from(rest: Rest, forwarded_for: str) -> Answer:
    return await rest.ask("POST", "/v1/auth/register", {}, headers={"X-Forwarded-For": forwarded_for})


async def test_registrations_are_limited_by_address(ports: Ports) -> None:
    trusting = with_settings(ports, registrations_per_hour=1, trusted_proxies=("127.0.0.0/8",))
    async with opened(trusting) as rest:
        assert (await register_from(rest, "203.0.113.1")).status == 201
        assert (await register_from(rest, "203.0.113.2")).status == 201
        refused = await register_from(rest, "203.0.113.1")
        assert refused.error == (429, "rate_limited", None)
        assert int(refused.headers["Retry-After"]) == refused.body["error"]["retry_after"] > 0


async def test_a_stranger_cannot_choose_an_address(ports: Ports) -> None:
    async with opened(with_settings(ports, registrations_per_hour=1)) as rest:
        assert (await register_from(rest, "203.0.113.1")).status == 201
        assert (await register_from(rest, "203.0.113.2")).status == 429


async def test_guesses_at_one_account_are_limited_from_everywhere(ports: Ports) -> None:
    trusting = with_settings(ports, login_attempts_per_minute=2, trusted_proxies=("127.0.0.1",))
    async with opened(trusting) as rest:
        statuses = []
        for number, identifier in enumerate(("victim", " VICTIM ", "Victim")):
            body = {"identifier": identifier, "password": "a guess"}
            headers = {"X-Forwarded-For": f"203.0.113.{number}"}
            statuses.append((await rest.ask("POST", "/v1/auth/login", body, headers=headers)).status)
        assert statuses == [401, 401, 429]


async def test_guessing_at_a_handle_does_not_keep_its_phone_out(ports: Ports) -> None:
    trusting = with_settings(ports, login_attempts_per_minute=1, trusted_proxies=("127.0.0.1",))
    async with opened(trusting) as rest:
        owner = await rest.register_email("me@example.org", PASSWORD, handle="quiet-otter")
        other = await rest.register(handle="brave-wren")
        await owner.ask("POST", "/v1/auth/logout")
        for identifier in ("quiet-otter", "me@example.org"):
            await status_of(rest, {"identifier": identifier, "password": "a guess"})
            right = {"identifier": identifier, "password": PASSWORD}
            assert await status_of(rest, right) == 429
            assert await status_of(rest, {**right, "refresh_token": other.refresh}) == 429
            assert await status_of(rest, {**right, "refresh_token": "x" * 43}) == 429
        known = {"identifier": "Quiet-Otter", "password": PASSWORD, "refresh_token": owner.refresh}
        assert await status_of(rest, known) == 200
        assert await status_of(rest, {**known, "password": "a guess"}) == 429


async def test_a_phone_guesses_at_no_account_but_its_own(ports: Ports) -> None:
    async with opened(ports) as rest:
        victim = await rest.register_email("me@example.org", PASSWORD)
        thief = await rest.register_email("me@example.org", "another long password")
        body = {"identifier": "me@example.org", "password": PASSWORD}
        assert await status_of(rest, {**body, "refresh_token": thief.refresh}) == 401
        assert await status_of(rest, {**body, "refresh_token": victim.refresh}) == 200


async def test_guessing_at_recovery_codes_keeps_nobody_from_recovering(ports: Ports) -> None:
    trusting = with_settings(ports, login_attempts_per_minute=2, trusted_proxies=("127.0.0.1",))
    async with opened(trusting) as rest:
        person = await rest.register(handle="quiet-otter")
        guess = {"handle": "quiet-otter", "recovery_code": "ABCD-EFGH-IJKL"}
        for _ in range(4):
            assert await status_of(rest, guess, path="/v1/auth/recover") == 401
        right = {**guess, "recovery_code": person.recovery_code}
        back = await rest.ask("POST", "/v1/auth/recover", right, headers=elsewhere())
        assert back.status == 200
        for code in ["ABCD-EFGH"] * 3 + [back.body["recovery_code"]]:
            erase = {"identifier": "quiet-otter", "recovery_code": code}
            told = await status_of(rest, erase, path="/v1/erasures")
        assert told == 200


async def status_of(rest: Rest, body: dict[str, str], path: str = "/v1/auth/login") -> int:
    """Asked from an address where nobody asked before."""
    return (await rest.ask("POST", path, body, headers=elsewhere())).status


def elsewhere() -> dict[str, str]:
    return {"X-Forwarded-For": str(ip_address(next(ADDRESSES)))}


async def test_registering_an_address_is_no_way_around_the_limit_on_guesses(ports: Ports) -> None:
    trusting = with_settings(ports, login_attempts_per_minute=2, trusted_proxies=("127.0.0.1",))
    async with opened(trusting) as rest:
        statuses = []
        for number, email in enumerate(("a@b.org", "A@b.org", "a@B.org")):
            body = {"email": email, "password": f"guess number {number}"}
            headers = {"X-Forwarded-For": f"203.0.113.{number}"}
            statuses.append((await rest.ask("POST", "/v1/auth/register/email", body, headers=headers)).status)
        assert statuses == [201, 201, 429]


async def test_requests_are_limited_by_account(ports: Ports) -> None:
    async with opened(with_settings(ports, requests_per_minute=2)) as rest:
        one, other = await rest.register(), await rest.register()
        assert [(await one.get("/v1/me")).status for _ in range(3)] == [200, 200, 429]
        assert (await other.get("/v1/me")).status == 200


def key_of(addresses: Addresses, remote: str, *forwarded: str) -> str:
    headers: Any = [("X-Forwarded-For", line) for line in forwarded]
    request = make_mocked_request("GET", "/", headers=dict(headers) if len(headers) < 2 else headers)
    return addresses.key(request.clone(remote=remote))


async def test_the_address_is_the_last_hop_that_is_not_ours(ports: Ports) -> None:
    trusting = Addresses(["10.0.0.0/8", "2001:db8:aaaa::/48"], ports.cipher)
    client = key_of(trusting, "203.0.113.7")
    assert key_of(trusting, "10.0.0.1", "203.0.113.7") == client
    assert key_of(trusting, "10.0.0.1", "198.51.100.9, 203.0.113.7, 10.9.9.9") == client
    assert key_of(trusting, "::ffff:10.0.0.1", "203.0.113.7") == client
    assert key_of(trusting, "2001:db8:aaaa::5", "::ffff:203.0.113.7") == client
    assert key_of(trusting, "203.0.113.7", "198.51.100.9") == client
    assert key_of(trusting, "10.0.0.1", "203.0.113.7, garbage") != client
    assert key_of(trusting, "10.0.0.1", "198.51.100.9") != client


async def test_an_ipv6_subscriber_is_one_address(ports: Ports) -> None:
    addresses = Addresses([], ports.cipher)
    assert key_of(addresses, "2001:db8:1:2::1") == key_of(addresses, "2001:db8:1:2:ffff::9")
    assert key_of(addresses, "2001:db8:1:2::1") != key_of(addresses, "2001:db8:1:3::1")


def test_proxies_that_are_no_networks_stop_the_start(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
        Addresses(["somewhere"], None)  # type: ignore[arg-type]


# Slow handlers and our own mistakes.


async def test_a_handler_that_takes_too_long_answers_unavailable(ports: Ports) -> None:
    async with opened(with_settings(ports, handler_timeout_seconds=0.000001)) as rest:
        answer = await rest.ask("POST", "/v1/auth/register", {})
        assert answer.error == (503, "unavailable", None)
        assert answer.headers["Retry-After"] == "1"


# Health.


async def test_health_shows_every_store(rest: Rest) -> None:
    for path in ("/health", "/health/ready"):
        answer = await rest.ask("GET", path)
        assert (answer.status, answer.body["ok"]) == (200, True)
        assert set(answer.body["stores"]) == {"postgres", "mongodb", "redis"}
        assert all(store["ok"] and store["milliseconds"] >= 0 for store in answer.body["stores"].values())


async def test_a_check_of_an_entry_point_decides_with_the_stores(ports: Ports) -> None:
    app = build_app(ports)
    hearing = False
    app[READINESS]["room_feed"] = lambda: hearing
    async with TestClient(TestServer(app)) as client:
        rest = Rest(client, ports)
        answer = await rest.ask("GET", "/health/ready")
        assert (answer.status, answer.body["checks"]) == (503, {"room_feed": False})
        assert (await rest.ask("GET", "/health/live")).status == 200
        hearing = True
        assert (await rest.ask("GET", "/health/ready")).status == 200


async def test_who_drains_accepts_nobody(ports: Ports) -> None:
    app = build_app(ports)
    app[READINESS]["accepting"] = lambda: False
    async with TestClient(TestServer(app)) as client:
        assert (await Rest(client, ports).ask("GET", "/health/accepting")).status == 503


async def test_with_every_store_down_there_is_still_help(settings: Settings) -> None:
    urls = (settings.postgres_url, settings.mongodb_uri, settings.redis_url)
    async with store_lines(*urls) as (postgres, mongodb, redis):
        changes = {"postgres_url": postgres.url, "mongodb_uri": mongodb.url, "redis_url": redis.url}
        cuttable = settings.model_copy(update=changes | {"store_timeout_seconds": 3.0})
        async with open_stores(cuttable) as stores, opened(stores.ports) as rest:
            person = await rest.register()
            for line in (postgres, mongodb, redis):
                line.cut()
            help_, guidance, live, accepting, health, me, login = await asyncio.gather(
                rest.ask("GET", "/v1/crisis/resources?country=US"),
                rest.ask("GET", "/v1/crisis/guidance"),
                rest.ask("GET", "/health/live"),
                rest.ask("GET", "/health/accepting"),
                rest.ask("GET", "/health/ready"),
                person.get("/v1/me"),
                rest.ask("POST", "/v1/auth/login", {"identifier": "somebody", "password": "x"}),
            )
            answered = [help_, guidance, live, accepting, health]
            assert [answer.status for answer in answered] == [200, 200, 200, 200, 503]
            assert "911" in help_.body["emergency"]
            assert [store["ok"] for store in health.body["stores"].values()] == [False] * 3
            assert me.error == login.error == (503, "unavailable", None)


# Metrics.


async def test_metrics_count_by_template_and_never_by_path(rest: Rest, alice: Person) -> None:
    post_id = await alice.post()
    await alice.get(f"/v1/posts/{post_id}")
    await rest.ask("GET", "/somewhere/private")
    text = (await rest.ask("GET", "/metrics")).text
    assert 'aiohttp_http_requests_total{handler="/v1/posts/{post_id}",method="GET",status="2xx"}' in text
    assert 'aiohttp_http_requests_total{handler="unmatched",method="GET",status="4xx"}' in text
    assert 'aiohttp_http_request_duration_seconds_bucket{handler="/v1/posts/{post_id}",le="0.005"' in text
    assert post_id not in text
    assert "somewhere" not in text


async def test_in_production_strangers_see_no_metrics(ports: Ports) -> None:
    async with opened(with_settings(ports, server_env="production")) as rest:
        assert (await rest.ask("GET", "/metrics")).error == (404, "not_found", None)


async def test_metrics_may_need_a_token(ports: Ports) -> None:
    secret = "metrics-secret"
    protected = Settings.model_validate(ports.settings.model_dump() | {"metrics_token": secret}).metrics_token
    async with opened(with_settings(ports, metrics_token=protected)) as rest:
        assert (await rest.ask("GET", "/metrics")).status == 401
        assert (await rest.ask("GET", "/metrics", token="wrong")).status == 401
        assert (await rest.ask("GET", f"/metrics?token={secret}")).status == 401
        assert (await rest.ask("GET", "/metrics", token=secret)).status == 200


# What is attached beside.


async def test_what_is_attached_beside_looks_after_itself(ports: Ports) -> None:
    app = build_app(ports)

    async def handshake(_: web.Request) -> web.Response:
        return web.Response(text="0{}")

    app.router.add_route("*", "/socket.io/", handshake)
    async with TestClient(TestServer(app)) as client:
        answer = await Rest(client, ports).ask("OPTIONS", "/socket.io/")
        assert (answer.status, answer.text) == (200, "0{}")
        assert "X-Request-ID" not in answer.headers


# Documents.


def references(value: object) -> set[str]:
    return set(re.findall(r'"\$ref":"#/components/schemas/([^"]+)"', msgspec.json.encode(value).decode()))


async def test_openapi_describes_every_route(rest: Rest) -> None:
    document = (await rest.ask("GET", "/docs/openapi.json")).body
    assert document["openapi"] == "3.1.0"
    for route in ROUTES:
        described = document["paths"][route.path][route.method.lower()]
        assert described["summary"]
        assert ("security" in described) is not route.public
        assert str(route.status) in described["responses"]
    assert references(document) <= set(document["components"]["schemas"])
    feed = {one["name"]: one for one in document["paths"]["/v1/feed"]["get"]["parameters"]}
    assert set(feed) == {"limit", "cursor", "type", "category", "urgency", "unanswered", "sort", "circle"}
    room = {
        one["name"]: one["in"] for one in document["paths"]["/v1/rooms/{room}/events"]["get"]["parameters"]
    }
    assert room == {"room": "path", "after": "query", "epoch": "query"}
    ids = [operation.get("operationId") for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))


async def test_the_page_needs_nothing_from_elsewhere(rest: Rest) -> None:
    answer = await rest.ask("GET", "/docs")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert not re.search(r"<script|https?://|@import|url\(", answer.text)
    style = re.search(r"<style>(.*)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    for route in ROUTES:
        assert f"<code>{route.path}</code>" in answer.text


async def test_asyncapi_describes_the_contract_it_is_given(ports: Ports) -> None:
    contract = SocketContract(
        commands={
            "post:create": Exchange(CreatePost, PostCreated),
            "support:quick": Exchange(GiveSupport),
        },
        events={"post:new": PostAnswer, "session:ended": None, "typing": TypingChanged},
        bare=frozenset({"session:ended"}),
        passing=frozenset({"typing"}),
    )
    async with TestClient(TestServer(build_app(ports, socket=contract))) as client:
        document = (await Rest(client, ports).ask("GET", "/docs/asyncapi.json")).body
    assert document["asyncapi"] == "3.0.0"
    assert document["operations"]["post_create"]["action"] == "receive"
    assert document["operations"]["post_new"]["action"] == "send"
    assert references(document) <= set(document["components"]["schemas"])
    messages = document["channels"]["socket"]["messages"]
    around, carried = messages["post_new"]["payload"]["allOf"]
    assert around == {"$ref": "#/components/schemas/Logged"}
    assert carried["properties"]["data"] == {"$ref": "#/components/schemas/PostAnswer"}
    assert messages["typing"]["payload"]["allOf"][0] == {"$ref": "#/components/schemas/Passing"}
    assert messages["session_ended"]["payload"] == {"type": "null"}
    refused = messages["post_create_ack"]["payload"]["properties"]["error"]
    assert refused == {"$ref": "#/components/schemas/Problem"}
    for operation in document["operations"].values():
        named = [*operation["messages"], *operation.get("reply", {}).get("messages", [])]
        assert all(message["$ref"].rpartition("/")[2] in messages for message in named)


async def until(condition: Callable[[], bool]) -> None:
    """The kernel ends a connection, and tells only the server of it."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  (what is looked at has no event of its own)
            await asyncio.sleep(0.01)


async def test_who_asks_and_reads_nothing_is_let_go(
    rest: Rest, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "UNREAD_SECONDS", 1)
    for number in range(8):
        await alice.post(f"{number} " + "quiet evening, warm tea " * 200)
    runner, loop = rest.client.server.runner, asyncio.get_running_loop()

    def connections() -> set[object]:
        return set(runner.server.connections) if runner.server else set()

    before = connections()
    asked = f"GET /v1/feed HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {alice.access}\r\n\r\n"
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await loop.sock_connect(client, (rest.client.host, rest.client.port))
        await loop.sock_sendall(client, (asked * 200).encode())
        await until(lambda: bool(connections() - before))
        await until(lambda: not connections() - before)
