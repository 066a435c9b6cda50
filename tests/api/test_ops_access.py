"""Who gets into the dashboard, how long, and what other sites cannot do to it."""

import re

import pytest
from ops_harness import PASSWORD, Browser, add_job, operator_browser, person_with, states_of
from rest_harness import MovableClock, Rest, opened, with_settings
from structlog.testing import capture_logs

from domain.clock import utc_now
from domain.ports import Ports

PAGES = (
    "/ops/",
    "/ops/lanes",
    "/ops/sos",
    "/ops/lanes/urgent/pause",
    "/ops/jobs",
    "/ops/job?key=scan_post:1",
    "/ops/jobs/requeue?state=dead",
)
FORMS = (
    ("/ops/lanes/bulk/pause", {}),
    ("/ops/job/requeue", {"key": "scan_post:1"}),
    ("/ops/jobs/requeue", {"state": "dead"}),
    ("/ops/logout", {}),
)
SCRIPTS = (
    ("GET", "/ops/api/overview", None),
    ("GET", "/ops/api/jobs", None),
    ("GET", "/ops/api/job?key=scan_post:1", None),
    ("POST", "/ops/api/jobs", {"verb": "requeue", "state": "dead"}),
    ("POST", "/ops/api/lanes", {"verb": "pause", "lane": "bulk"}),
)
A_SHIFT = 8 * 3600


@pytest.fixture
async def browser(rest: Rest) -> Browser:
    """An admin's, logged in."""
    return await operator_browser(rest)


async def is_out(browser: Browser) -> bool:
    """Whether the dashboard sends this browser to the login."""
    answer = await browser.get("/ops/")
    assert answer.status in (200, 303)
    return answer.status == 303 and answer.headers["Location"] == "/ops/login"


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_sends_a_stranger_to_the_login(rest: Rest, path: str) -> None:
    answer = await Browser(rest).get(path)
    assert (answer.status, answer.text) == (303, "")
    assert answer.headers["Location"].startswith("/ops/login")


@pytest.mark.parametrize(("path", "fields"), FORMS)
async def test_a_strangers_form_does_nothing(rest: Rest, path: str, fields: dict[str, str]) -> None:
    answer = await Browser(rest).send(path, **fields)
    assert (answer.status, answer.headers["Location"]) == (303, "/ops/login")
    assert await rest.ports.jobs.paused() == set()


@pytest.mark.parametrize("role", ["user", "helper", "moderator"])
async def test_who_is_no_admin_hears_what_a_wrong_password_hears(rest: Rest, role: str) -> None:
    person, before = await person_with(rest, role, "not-in-charge"), utc_now()
    browser = Browser(rest)
    refused, wrong = await browser.log_in("not-in-charge"), await browser.log_in("not-in-charge", "guess")
    unknown = await browser.log_in("nobody-here")
    assert refused.status == wrong.status == unknown.status == 401
    assert "The name or the password is not right." in refused.text
    assert without_tokens(refused.text) == without_tokens(wrong.text) == without_tokens(unknown.text)
    assert "ops_session" not in browser.cookies
    ended = await rest.ports.records.sessions.ended_since(before)
    assert [session.account_id for session in ended] == [person.id]


@pytest.mark.parametrize(
    ("role", "status"), [(None, 401), ("user", 403), ("helper", 403), ("moderator", 403), ("admin", 200)]
)
async def test_scripts_need_an_admins_token(rest: Rest, role: str | None, status: int) -> None:
    token = (await person_with(rest, role, "night-owl")).access if role else None
    key = await add_job(rest.ports, "dead")
    for method, path, body in SCRIPTS:
        answer = await rest.ask(method, path.replace("scan_post:1", key), body, token=token)
        assert answer.status == status, path
    assert bool(await rest.ports.jobs.paused()) == (role == "admin")


async def test_the_cookie_opens_pages_and_nothing_else(rest: Rest, browser: Browser) -> None:
    assert (await browser.get("/ops/")).status == 200
    assert (await browser.get("/ops/api/overview")).status == 401
    assert (await browser.get("/v1/me")).status == 401


async def test_a_session_ends_after_a_shift(browser: Browser, clock: MovableClock) -> None:
    clock.move(A_SHIFT - 60)
    assert not await is_out(browser)
    clock.move(60)
    assert await is_out(browser)


async def test_logging_out_ends_the_session_for_every_copy_of_the_cookie(browser: Browser) -> None:
    kept = dict(browser.cookies)
    answer = await browser.send("/ops/logout")
    assert (answer.status, answer.headers["Location"]) == (303, "/ops/login")
    assert "ops_session" not in browser.cookies
    browser.cookies = kept
    assert await is_out(browser)


async def test_revoking_the_account_s_sessions_ends_the_dashboard_too(rest: Rest, browser: Browser) -> None:
    account = await rest.ports.records.accounts.by_handle("night-shift")
    assert account is not None
    await rest.ports.records.sessions.end_all(account.id, "password_changed", utc_now())
    assert await is_out(browser)


async def test_who_is_no_longer_admin_is_out_at_once(rest: Rest, browser: Browser) -> None:
    account = await rest.ports.records.accounts.by_handle("night-shift")
    assert account is not None
    await rest.ports.records.accounts.update(account.id, {"role": "moderator"})
    assert await is_out(browser)


async def test_a_cookie_that_is_not_exactly_ours_opens_nothing(rest: Rest, browser: Browser) -> None:
    session_id, expires, proof = browser.cookies["ops_session"].split(".")
    admin = await person_with(rest, "admin", "second-shift")
    for forged in (
        f"{session_id}.{int(expires) + 1}.{proof}",
        f"{session_id}.{expires}.{proof[:-1]}{'0' if proof[-1] != '0' else '1'}",
        f"{session_id}.{expires}.",
        f"{session_id}.{expires}",
        "..",
        "é.1.é",
        admin.access,
    ):
        browser.cookies["ops_session"] = forged
        assert await is_out(browser), forged


@pytest.mark.parametrize(("path", "fields"), FORMS)
@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
async def test_a_form_without_its_token_does_nothing(
    rest: Rest, browser: Browser, path: str, fields: dict[str, str], token: str
) -> None:
    key = await add_job(rest.ports, "dead")
    answer = await browser.ask("POST", path, data={**fields, "form_token": token})
    assert (answer.status, "This form is too old" in answer.text) == (403, True)
    assert await rest.ports.jobs.paused() == set()
    assert await states_of(rest.ports, key) == ["dead"]
    assert not await is_out(browser)


async def test_the_token_of_another_session_is_not_good_here(rest: Rest, browser: Browser) -> None:
    other = Browser(rest)
    await other.log_in("night-shift")
    await other.get("/ops/lanes")
    assert other.token != browser.token
    answer = await browser.ask("POST", "/ops/lanes/bulk/pause", data={"form_token": other.token})
    assert answer.status == 403


async def test_the_token_of_a_login_form_is_good_for_no_page(rest: Rest, browser: Browser) -> None:
    """Whoever learnt the id of a session could have a login form made for it."""
    session_id = browser.cookies["ops_session"].split(".")[0]
    stranger = Browser(rest)
    stranger.cookies["ops_login"] = session_id
    await stranger.get("/ops/login")
    answer = await browser.ask("POST", "/ops/lanes/bulk/pause", data={"form_token": stranger.token})
    assert answer.status == 403
    assert await rest.ports.jobs.paused() == set()


async def test_another_site_cannot_log_an_operator_in(rest: Rest) -> None:
    await person_with(rest, "admin", "night-shift")
    form = {"handle": "night-shift", "password": PASSWORD}
    for fields in (form, {**form, "form_token": "0" * 64}):
        answer = await Browser(rest).ask("POST", "/ops/login", data=fields)
        assert (answer.status, "ops_session" in answer.headers.get("Set-Cookie", "")) == (403, False)


async def test_a_neighbouring_host_cannot_log_an_operator_in(rest: Rest, browser: Browser) -> None:
    """It can plant the cookie that the token of a login form is bound to."""
    await person_with(rest, "admin", "day-shift")
    stranger = Browser(rest)
    await stranger.get("/ops/login")
    form = {"form_token": stranger.token, "handle": "day-shift", "password": PASSWORD}
    for place, status in (("same-site", 403), ("cross-site", 403), ("same-origin", 303)):
        answer = await stranger.ask("POST", "/ops/login", data=form, headers={"Sec-Fetch-Site": place})
        assert answer.status == status
    pause = {"data": {"form_token": browser.token}, "headers": {"Sec-Fetch-Site": "same-site"}}
    assert (await browser.ask("POST", "/ops/lanes/bulk/pause", **pause)).status == 403
    assert await rest.ports.jobs.paused() == set()


async def test_guessing_is_limited_and_says_how_long_to_wait(ports: Ports) -> None:
    async with opened(with_settings(ports, login_attempts_per_minute=3)) as rest:
        browser = Browser(rest)
        statuses = [(await browser.log_in("night-shift", "guess")).status for _ in range(3)]
        last = await browser.log_in("night-shift", "guess")
    assert statuses == [401] * 3
    assert last.status == 429
    assert int(last.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/ops/jobs?state=dead&lane=bulk", "/ops/jobs?state=dead&lane=bulk"),
        ("/ops/job?key=scan_post%3A1", "/ops/job?key=scan_post%3A1"),
        ("https://evil.example/ops/", "/ops/"),
        ("//evil.example/ops/", "/ops/"),
        ("/ops/\\evil.example", "/ops/"),
        ("/ops//evil.example", "/ops/"),
        ("/ops/../v1/me", "/ops/"),
        ("/ops/jobs\r\nSet-Cookie: a=b", "/ops/"),
        ("javascript:alert(1)", "/ops/"),
        ("/ops/login", "/ops/"),
    ],
)
async def test_a_login_leads_to_our_pages_only(rest: Rest, wanted: str, reached: str) -> None:
    await person_with(rest, "admin", "night-shift")
    answer = await Browser(rest).log_in("night-shift", next=wanted)
    assert (answer.status, answer.headers["Location"]) == (303, reached)


async def test_a_page_that_was_asked_for_is_reached_after_the_login(rest: Rest) -> None:
    await person_with(rest, "admin", "night-shift")
    browser = Browser(rest)
    asked = await browser.get("/ops/jobs?state=dead")
    form = await browser.get(asked.headers["Location"])
    (wanted,) = re.findall(r'name="next" value="([^"]+)"', form.text)
    answer = await browser.send("/ops/login", handle="night-shift", password=PASSWORD, next=wanted)
    assert answer.headers["Location"] == "/ops/jobs?state=dead"
    assert (await browser.get("/ops/login")).headers["Location"] == "/ops/"


async def test_pages_allow_no_foreign_and_no_inline_code(browser: Browser) -> None:
    for path in ("/ops/login", *PAGES):
        answer = await browser.get(path)
        if answer.status == 303:
            continue
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=|https?://", answer.text), path


@pytest.mark.parametrize(("environment", "secure"), [("test", False), ("production", True)])
async def test_cookies_are_out_of_reach_for_scripts_and_other_sites(
    ports: Ports, environment: str, secure: bool
) -> None:
    async with opened(with_settings(ports, server_env=environment)) as rest:
        await person_with(rest, "admin", "night-shift")
        browser = Browser(rest)
        await browser.get("/ops/login")
        cookies = dict(browser.cookies)
        answer = await browser.send("/ops/login", handle="night-shift", password=PASSWORD)
        browser.cookies |= cookies
        given = [line for line in answer.headers.getall("Set-Cookie") if line.startswith("ops_session=")]
    (cookie,) = given
    assert {"HttpOnly", "SameSite=Strict", "Path=/ops"} <= set(cookie.split("; "))
    assert ("Secure" in cookie.split("; ")) == secure


async def test_the_style_and_the_script_are_there_for_everybody_and_kept(rest: Rest) -> None:
    login = await Browser(rest).get("/ops/login")
    for address in re.findall(r'(?:href|src)="(/ops/static/[^"]+)"', login.text):
        answer = await Browser(rest).get(address)
        assert (answer.status, "immutable" in answer.headers["Cache-Control"]) == (200, True)


async def test_coming_and_going_is_recorded_without_names(rest: Rest) -> None:
    person, browser = await person_with(rest, "admin", "night-shift"), Browser(rest)
    with capture_logs() as logs:
        await browser.log_in("night-shift", "wrong guess")
        await browser.log_in("night-shift")
        await browser.get("/ops/")
        await browser.send("/ops/logout")
    told = [(entry["event"], entry.get("account_id")) for entry in logs]
    assert ("operator.login_refused", None) in told
    assert ("operator.logged_in", person.id) in told
    assert ("operator.logged_out", person.id) in told
    assert not re.search("night-shift|wrong guess", str(logs))


def without_tokens(text: str) -> str:
    return re.sub(r'value="[0-9a-f]{64}"', "", text)
