"""What moderators do on their pages, what these show to whom, and what other sites cannot do to them."""

import re
from html import escape
from typing import Any

import pytest
from ops_harness import PASSWORD, Browser, operator_browser, person_with
from rest_harness import MovableClock, Person, Rest, opened, with_settings
from structlog.testing import capture_logs

from domain import notices, reports, responses, voice_notes
from domain.audit import LineFilter
from domain.cases import CLAIM_SECONDS, Case
from domain.clock import utc_now
from domain.ids import new_id
from domain.ports import Ports
from domain.reports import CreateReport
from domain.responses import Respond
from domain.seeding import MODERATOR, seed
from domain.voice_notes import AddVoiceNote
from tests.recordings import recording, rewritten

SITE = "/moderation"
TEXT, NOTE, REASON = "canary-written", "canary-reported <script>", "canary-told"
FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/moderation/cases/{id}/claim", {}),
    ("/moderation/cases/{id}/release", {}),
    ("/moderation/cases/{id}/decide", {"action": "dismiss"}),
    ("/moderation/logout", {}),
)
PAGES = (
    "/moderation/",
    "/moderation/queue/appeal",
    "/moderation/cases/{id}",
    "/moderation/break?case_id={id}",
)


async def browser_of(rest: Rest, handle: str, role: str = "moderator") -> Browser:
    """The browser of a moderator who has logged in, at the queue."""
    await person_with(rest, role, handle)
    browser = Browser(rest, SITE)
    answer = await browser.log_in(handle)
    assert (answer.status, answer.headers["Location"]) == (303, "/moderation/")
    await browser.get("/moderation/")
    return browser


@pytest.fixture
async def browser(rest: Rest) -> Browser:
    return await browser_of(rest, "harbour")


@pytest.fixture
async def other(rest: Rest) -> Browser:
    return await browser_of(rest, "lighthouse")


async def reported(author: Person, reporter: Person, reason: Any = "harassment") -> tuple[str, str]:
    """The ids of a post that somebody reported, and of its case."""
    post_id = await author.post(TEXT)
    command = CreateReport(target="post", target_id=post_id, reason=reason, note=NOTE)
    await reports.create_report(command, reporter.user, author.rest.ports)
    made = await author.rest.ports.records.reports.by_reporter(reporter.id, "post", post_id)
    assert made is not None
    return post_id, made.case_id


async def take(browser: Browser, case_id: str) -> str:
    """The page of the case after taking it."""
    answer = await browser.send(f"/moderation/cases/{case_id}/claim")
    assert (answer.status, answer.headers["Location"]) == (303, f"/moderation/cases/{case_id}")
    page = await browser.get(answer.headers["Location"])
    assert page.status == 200
    return page.text


async def private_voice(author: Person) -> tuple[str, str]:
    """The ids of a case about an answer by voice that nobody else sees, and of its note."""
    ports, post_id = author.rest.ports, await author.post(visibility="private")
    add = AddVoiceNote(client_id=new_id(), audio=recording("voice.ogg"))
    note = await voice_notes.add_voice_note(add, author.user, ports)
    answer = Respond(client_id=new_id(), post_id=post_id, type="voice", voice_note_id=note.id)
    response = (await responses.respond(answer, author.user, ports)).response
    case = Case(
        id=new_id(),
        kind="conduct",
        target="response",
        target_id=response.id,
        subject_id=author.id,
        topics=["threat"],
        urgency=3,
        opened_at=ports.now(),
    )
    async with ports.transaction() as tx:
        await tx.cases.open(case)
    return case.id, note.id


async def is_free(rest: Rest, case_id: str) -> bool:
    case = await rest.ports.records.cases.get(case_id)
    assert case is not None
    return (case.claimed_by, case.closed_at) == (None, None)


async def is_out(browser: Browser) -> bool:
    answer = await browser.get("/moderation/")
    return (answer.status, answer.headers.get("Location")) == (303, "/moderation/login")


# Who comes in.


async def test_a_stranger_is_sent_to_the_login(rest: Rest, alice: Person, bob: Person) -> None:
    _, case_id = await reported(alice, bob)
    for path in PAGES:
        answer = await Browser(rest, SITE).get(path.format(id=case_id))
        assert (answer.status, answer.text) == (303, "")
        assert answer.headers["Location"].startswith("/moderation/login")
    for path, fields in FORMS:
        answer = await Browser(rest, SITE).send(path.format(id=case_id), **fields)
        assert (answer.status, answer.headers["Location"]) == (303, "/moderation/login")
    assert await is_free(rest, case_id)


async def test_who_is_no_moderator_hears_what_a_wrong_password_hears(rest: Rest) -> None:
    texts = set()
    for handle, role, status in (
        ("a-user", "user", "active"),
        ("a-helper", "helper", "active"),
        ("banned-watch", "moderator", "banned"),
    ):
        person = await person_with(rest, role, handle)
        await rest.ports.records.accounts.update(person.id, {"status": status})
        for password in (PASSWORD, "a guess"):
            browser = Browser(rest, SITE)
            answer = await browser.log_in(handle, password)
            assert (answer.status, "moderation_session" in browser.cookies) == (401, False)
            texts.add(re.sub(r'value="[0-9a-f]{64}"', "", answer.text))
    assert len(texts) == 1


async def test_each_site_has_a_session_of_its_own(rest: Rest, browser: Browser) -> None:
    """An admin may look at both, and logs in at each."""
    operator = await operator_browser(rest)
    both = await browser_of(rest, "chief", role="admin")
    assert (await Browser(rest).log_in("harbour")).status == 401
    crossed = Browser(rest)
    crossed.cookies = {
        "ops_session": both.cookies["moderation_session"],
        "moderation_session": operator.cookies["ops_session"],
    }
    for path in ("/ops/", "/moderation/"):
        assert (await crossed.get(path)).status == 303
    assert (await browser.get("/v1/moderation/queue")).status == 401


async def test_the_cookie_goes_to_its_own_pages_alone(rest: Rest) -> None:
    await person_with(rest, "moderator", "harbour")
    answer = await Browser(rest, SITE).log_in("harbour")
    (given,) = [one for one in answer.headers.getall("Set-Cookie") if one.startswith("moderation_session=")]
    assert {"HttpOnly", "SameSite=Strict", "Path=/moderation"} <= set(given.split("; "))


async def test_who_loses_the_role_is_banned_or_logs_out_is_out_at_once(rest: Rest) -> None:
    for handle in ("demoted", "banned", "leaving"):
        browser = await browser_of(rest, handle)
        kept, account = dict(browser.cookies), await rest.ports.records.accounts.by_handle(handle)
        assert account is not None
        if handle == "demoted":
            await rest.ports.records.accounts.update(account.id, {"role": "helper"})
        elif handle == "banned":
            await rest.ports.records.sessions.end_all(account.id, "banned", utc_now())
        else:
            assert (await browser.send("/moderation/logout")).headers["Location"] == "/moderation/login"
            assert "moderation_session" not in browser.cookies
        browser.cookies = kept
        assert await is_out(browser), handle


async def test_a_form_without_its_token_does_nothing(
    rest: Rest, alice: Person, bob: Person, browser: Browser, other: Browser
) -> None:
    _, case_id = await reported(alice, bob)
    for path, fields in FORMS:
        for token in ("", "0" * 64, other.token):
            data = {**fields, "form_token": token}
            answer = await browser.ask("POST", path.format(id=case_id), data=data)
            assert (answer.status, "This form is too old" in answer.text) == (403, True)
    assert await is_free(rest, case_id)
    assert not await is_out(browser)


async def test_a_form_cannot_be_about_another_case_than_its_address(
    rest: Rest, alice: Person, bob: Person, browser: Browser
) -> None:
    (_, one), (_, another) = await reported(alice, bob), await reported(alice, bob)
    answer = await browser.send(f"/moderation/cases/{one}/claim", case_id=another)
    assert answer.status == 400
    assert await is_free(rest, one)
    assert await is_free(rest, another)


async def test_pages_keep_nothing_and_run_nothing(alice: Person, bob: Person, browser: Browser) -> None:
    _, case_id = await reported(alice, bob)
    await take(browser, case_id)
    for path in PAGES:
        answer = await browser.get(path.format(id=case_id))
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=|https?://", answer.text), path


# The queue, and one case.


async def test_the_queue_shows_what_waits_and_what_is_mine_but_no_text(
    alice: Person, bob: Person, browser: Browser, other: Browser
) -> None:
    (_, mild), (_, urgent) = await reported(alice, bob, "spam"), await reported(alice, bob, "threat")
    (_, mine), (_, theirs) = await reported(alice, bob), await reported(alice, bob)
    await take(browser, mine)
    await take(other, theirs)
    text = (await browser.get("/moderation/")).text
    assert text.index(f"{urgent}/claim") < text.index(f"{mild}/claim")
    assert f'href="/moderation/cases/{mine}"' in text
    assert f"{mine}/claim" not in text
    assert theirs not in text
    assert "canary" not in text
    assert urgent not in (await browser.get("/moderation/queue/risk")).text
    await browser.send(f"/moderation/cases/{mine}/decide", action="dismiss")
    assert re.search(r"<dt>harbour</dt>\s*<dd>1<", (await other.get("/moderation/")).text)


async def test_a_case_is_shown_to_who_took_it_and_blurred(
    rest: Rest, alice: Person, bob: Person, browser: Browser, other: Browser
) -> None:
    _, case_id = await reported(alice, bob)
    looked = await browser.get(f"/moderation/cases/{case_id}")
    assert (looked.status, "canary" in looked.text) == (409, False)
    assert await is_free(rest, case_id)
    text = await take(browser, case_id)
    for written in (TEXT, escape(NOTE)):
        assert len(re.findall(written, text)) == 1
        assert re.search(
            rf'<details class="blurred">\s*<summary>.*</summary>\s*<blockquote dir="auto">{written}', text
        )
    assert bob.id not in text
    assert bob.handle not in text
    refusals = [
        await other.get(f"/moderation/cases/{case_id}"),
        *[await other.send(path.format(id=case_id), **fields) for path, fields in FORMS[:3]],
    ]
    assert [one.status for one in refusals] == [409, 409, 404, 409]
    assert not any("canary" in one.text for one in refusals)
    assert "Somebody else is on this case" in refusals[1].text
    answer = await browser.send(f"/moderation/cases/{case_id}/release")
    assert "You gave the case back" in (await browser.get(answer.headers["Location"])).text
    assert TEXT in await take(other, case_id)


async def test_looking_again_holds_a_case_no_longer(
    alice: Person, bob: Person, browser: Browser, clock: MovableClock
) -> None:
    _, case_id = await reported(alice, bob)
    await take(browser, case_id)
    clock.move(CLAIM_SECONDS - 60)
    assert (await browser.get(f"/moderation/cases/{case_id}")).status == 200
    clock.move(60)
    looked = await browser.get(f"/moderation/cases/{case_id}")
    assert (looked.status, TEXT in looked.text) == (409, False)
    assert f"{case_id}/claim" in (await browser.get("/moderation/")).text


async def test_a_case_that_is_not_there_is_not_found(browser: Browser) -> None:
    for answer in (
        await browser.get(f"/moderation/cases/{new_id()}"),
        await browser.send(f"/moderation/cases/{new_id()}/claim"),
    ):
        assert (answer.status, "That did not work" in answer.text) == (404, True)
    assert (await browser.get("/moderation/cases/made-up")).status == 400


async def test_nobody_sees_or_decides_what_is_about_them_or_what_they_reported(
    rest: Rest, alice: Person, bob: Person, browser: Browser
) -> None:
    account = await rest.ports.records.accounts.by_handle("harbour")
    assert account is not None
    moderator = Person(rest, account.id, account.handle, "", "", "")
    for _, case_id in (await reported(moderator, bob), await reported(alice, moderator)):
        for answer in (
            await browser.send(f"/moderation/cases/{case_id}/claim"),
            await browser.send(f"/moderation/cases/{case_id}/decide", action="dismiss"),
            await browser.get(f"/moderation/cases/{case_id}"),
        ):
            assert (answer.status, "canary" in answer.text) == (403, False)
        assert await is_free(rest, case_id)


async def test_a_reported_voice_is_played_to_who_holds_its_case(
    rest: Rest, alice: Person, browser: Browser, other: Browser
) -> None:
    case_id, note_id = await private_voice(alice)
    path = f"/moderation/voice-notes/{note_id}"
    page = await take(browser, case_id)
    assert f'<audio controls preload="none" src="{path}"' in page
    assert "media-src 'self'" in (await browser.get("/moderation/")).headers["Content-Security-Policy"]
    cookie = {"Cookie": f"moderation_session={browser.cookies['moderation_session']}"}
    async with rest.client.get(path, headers=cookie) as heard:
        assert (heard.status, heard.headers["Cache-Control"]) == (200, "no-store")
        assert await heard.read() == rewritten(recording("voice.ogg")).data
    assert (await other.get(path)).status == 404
    assert (await Browser(rest, SITE).get(path)).status == 303
    listened = LineFilter(action="moderation.listen")
    (line,) = await rest.ports.records.audit.page(listened, None, 9)
    assert line.details["case_id"] == case_id


# Deciding.


async def test_each_decision_acts_and_tells_nothing_of_it_in_addresses_and_logs(
    rest: Rest, alice: Person, bob: Person, browser: Browser
) -> None:
    decisions: tuple[tuple[str, dict[str, str], str], ...] = (
        ("dismiss", {}, "live"),
        ("warn", {}, "live"),
        ("label", {"label": "walking"}, "live"),
        ("hide", {"days": "3"}, "hidden"),
        ("remove", {}, "removed"),
        ("mute", {"days": "2"}, "live"),
        ("ban", {"days": "7"}, "live"),
    )
    for action, fields, status in decisions:
        author = await rest.register()
        post_id, case_id = await reported(author, bob)
        await take(browser, case_id)
        with capture_logs() as logs:
            answer = await browser.send(
                f"/moderation/cases/{case_id}/decide", action=action, reason=REASON, **fields
            )
        assert (answer.status, "canary" in answer.headers["Location"]) == (303, False)
        assert "canary" not in str(logs)
        assert "Done: " in (await browser.get(answer.headers["Location"])).text
        (decision,) = await rest.ports.records.decisions.of_case(case_id)
        assert (decision.action, decision.reason, decision.state) == (action, REASON, "active")
        assert decision.label == fields.get("label")
        assert bool(decision.until) == (action in {"mute", "ban"})
        post = await rest.ports.content.posts.get(post_id)
        assert post is not None
        assert post.status == status


WRONG: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "Please choose what is to be done."),
    ({"action": "hide"}, "Please tell the author why."),
    ({"action": "restore"}, "This cannot be done about this case."),
    ({"action": "erase"}, "Invalid enum value."),
    ({"action": "label", "reason": REASON}, "Please write something."),
    ({"action": "warn", "reason": "x" * 501}, "Expected `str` of length &lt;= 500."),
    ({"action": "mute", "reason": REASON, "days": "31"}, "A muting lasts 1 to 30 days."),
    ({"action": "mute", "reason": REASON, "days": "soon"}, "Please give the days as a whole number."),
    ({"action": "ban", "reason": REASON}, "Please give the days, or choose a ban without an end."),
    (
        {"action": "ban", "reason": REASON, "days": "3", "no_end": "yes"},
        "Please give the days, or choose a ban without an end, not both.",
    ),
)


async def test_what_is_wrong_with_a_decision_is_said_on_the_page_which_keeps_what_was_written(
    rest: Rest, alice: Person, bob: Person, browser: Browser
) -> None:
    _, case_id = await reported(alice, bob)
    await take(browser, case_id)
    for fields, said in WRONG:
        answer = await browser.send(f"/moderation/cases/{case_id}/decide", **fields)
        assert (answer.status, said in answer.text) == (400, True), said
        assert f">{fields.get('reason', '')}</textarea>" in answer.text
        chosen = re.findall(r'value="([a-z]+)"[^>]* checked', answer.text)
        known = fields.get("action", "") not in {"", "restore", "erase"}
        assert chosen[:1] == ([fields["action"]] if known else []), said
    assert await rest.ports.records.decisions.of_case(case_id) == []


async def test_what_is_decided_is_not_decided_again(
    rest: Rest, alice: Person, bob: Person, browser: Browser, other: Browser
) -> None:
    _, case_id = await reported(alice, bob)
    await browser.send(f"/moderation/cases/{case_id}/decide", action="dismiss")
    for one in (browser, other):
        again = await one.send(f"/moderation/cases/{case_id}/decide", action="hide", reason=REASON)
        assert (again.status, "it is done" in again.text) == (409, True)
        looked = await one.get(f"/moderation/cases/{case_id}")
        assert (looked.status, "This case is decided." in looked.text) == (410, True)
    assert len(await rest.ports.records.decisions.of_case(case_id)) == 1


async def test_a_long_ban_is_agreed_to_by_a_colleague(
    rest: Rest, alice: Person, bob: Person, browser: Browser, other: Browser
) -> None:
    _, case_id = await reported(alice, bob)
    await take(browser, case_id)
    path = f"/moderation/cases/{case_id}/decide"
    answer = await browser.send(path, action="ban", days="90", reason=REASON)
    assert "a colleague agrees" in (await browser.get(answer.headers["Location"])).text
    assert (await browser.get(f"/moderation/cases/{case_id}")).status == 403
    assert (await browser.send(path, action="ban", days="90", reason=REASON)).status == 403
    assert (await alice.get("/v1/me")).status == 200
    page = await take(other, case_id)
    assert "A colleague proposes a ban of 90 days" in page
    fields = dict(re.findall(r'<input type="hidden" name="(action|days|no_end)" value="([^"]+)">', page))
    assert fields == {"action": "ban", "days": "90"}
    longer = await other.send(path, action="ban", no_end="yes", reason=REASON)
    assert (longer.status, "A colleague proposed a shorter ban" in longer.text) == (400, True)
    await other.send(path, reason=REASON, **fields)
    assert (await alice.get("/v1/me")).status == 401


async def test_an_appeal_is_decided_by_somebody_else(
    rest: Rest, alice: Person, bob: Person, browser: Browser, other: Browser
) -> None:
    post_id, case_id = await reported(alice, bob)
    await browser.send(f"/moderation/cases/{case_id}/decide", action="hide", reason=REASON)
    (decision,) = await rest.ports.records.decisions.of_case(case_id)
    code = notices.appeal_code(decision.id, rest.ports)
    asked = {"decision_id": decision.id, "appeal_code": code, "note": "canary-appeal"}
    appeal_id = (await rest.ask("POST", "/v1/moderation/appeals", asked)).body["case_id"]
    assert appeal_id not in (await browser.get("/moderation/queue/appeal")).text
    for path in (f"/moderation/cases/{appeal_id}/claim", f"/moderation/cases/{appeal_id}/decide"):
        fields = {"action": "uphold"} if path.endswith("decide") else {}
        refused = await browser.send(path, **fields)
        assert (refused.status, "Somebody else has to look" in refused.text) == (403, True)
    assert appeal_id in (await other.get("/moderation/queue/appeal")).text
    page = await take(other, appeal_id)
    assert '<blockquote dir="auto">canary-appeal' in page
    assert '<span class="state paused">appealed</span>' in page
    await other.send(f"/moderation/cases/{appeal_id}/decide", action="restore")
    assert (await bob.get(f"/v1/posts/{post_id}")).body["status"] == "live"


async def test_a_break_is_suggested_before_the_next_case(ports: Ports, alice: Person, bob: Person) -> None:
    cases = [(await reported(alice, bob))[1] for _ in range(2)]
    async with opened(with_settings(ports, moderator_break_after_load=1)) as rest:
        browser = await browser_of(rest, "harbour")
        await browser.send(f"/moderation/cases/{cases[0]}/decide", action="dismiss")
        assert "Time for a break" in (await browser.get("/moderation/")).text
        answer = await browser.send(f"/moderation/cases/{cases[1]}/claim")
        page = await browser.get(answer.headers["Location"])
        assert (page.status, "Take it all the same" in page.text) == (200, True)
        assert await is_free(rest, cases[1])
        await browser.send(f"/moderation/cases/{cases[1]}/claim", anyway="yes")
        assert (await browser.get(f"/moderation/cases/{cases[1]}")).status == 200


async def test_a_fresh_installation_has_a_moderator_and_something_to_see(rest: Rest) -> None:
    for _ in range(2):
        await seed(PASSWORD, rest.ports)
    browser = Browser(rest, SITE)
    await browser.log_in(MODERATOR)
    text = (await browser.get("/moderation/")).text
    assert [text.count(f"Take {kind}") for kind in ("Danger", "Conduct", "Appeal")] == [1, 1, 1]
