"""A banned person hears so from whatever proves who they are, and can appeal once."""

import asyncio
from typing import Any

import pytest
from rest_harness import Answer, MovableClock, Person, Rest

from domain import enforcement, export, reports
from domain.audit import LineFilter
from domain.ids import new_id
from domain.reports import CreateReport
from domain.responses import Respond, respond
from domain.voice_notes import AddVoiceNote, add_voice_note
from tests.recordings import recording, rewritten

PASSWORD = "a long enough password"
APPEALS = "/v1/moderation/appeals"


async def banned(rest: Rest, person: Person, *, days: int | None = 7) -> Person:
    """Somebody reported, a moderator decided; the moderator."""
    moderator, witness = await rest.register(), await rest.register()
    await rest.ports.records.accounts.update(moderator.id, {"role": "moderator"})
    return await banned_by(moderator, witness, person, days=days)


async def banned_by(moderator: Person, witness: Person, person: Person, *, days: int | None) -> Person:
    report = CreateReport(target="user", target_id=person.id, reason="harassment")
    await reports.create_report(report, witness.user, moderator.rest.ports)
    (case,) = (await moderator.get("/v1/moderation/queue")).body["items"]
    body = {"action": "ban", "reason": "Threats.", **({"days": days} if days else {})}
    answer = await moderator.ask("POST", f"/v1/moderation/{case['id']}/decide", body)
    assert answer.status == 200, answer.text
    return moderator


@pytest.fixture
async def carl(rest: Rest) -> Person:
    return await rest.register_email("carl@example.org", PASSWORD, handle="carl")


async def log_in(rest: Rest, password: str = PASSWORD, identifier: str = "carl") -> Answer:
    return await rest.ask("POST", "/v1/auth/login", {"identifier": identifier, "password": password})


def told(answer: Answer) -> dict[str, Any]:
    """What the refusal says of the ban."""
    assert (answer.status, answer.body["error"]["code"]) == (403, "forbidden")
    ban: dict[str, Any] = answer.body["error"]["ban"]
    assert ban["until"] in answer.body["error"]["message"]
    assert "appeal" in answer.body["error"]["message"]
    return ban


@pytest.mark.parametrize("identifier", ["carl", "carl@example.org"])
async def test_the_right_password_of_a_banned_account_hears_of_the_ban(
    rest: Rest, carl: Person, identifier: str
) -> None:
    await banned(rest, carl)
    ban = told(await log_in(rest, identifier=identifier))
    assert ban["reason"] == "Threats."
    assert ban["decision_id"]
    assert ban["appeal_code"]


async def test_a_wrong_password_hears_the_same_as_for_anybody(rest: Rest, carl: Person) -> None:
    before = await log_in(rest, password="not the one it is")
    await banned(rest, carl)
    after = await log_in(rest, password="not the one it is")
    assert (before.status, before.body) == (after.status, after.body)
    body = {"handle": "carl", "recovery_code": "ABCD-EFGH-JKMN"}
    assert (await rest.ask("POST", "/v1/auth/recover", body)).error == (401, "unauthenticated", None)


async def test_the_recovery_code_hears_of_the_ban_and_is_not_used_up(rest: Rest, carl: Person) -> None:
    await banned(rest, carl)
    body = {"handle": "carl", "recovery_code": carl.recovery_code}
    for _ in range(2):
        assert told(await rest.ask("POST", "/v1/auth/recover", body))["appeal_code"]


async def test_the_newest_refresh_token_hears_of_the_ban_and_a_used_one_does_not(
    rest: Rest, carl: Person, clock: MovableClock
) -> None:
    newest = (await rest.ask("POST", "/v1/auth/refresh", {"refresh_token": carl.refresh})).body
    clock.move(60)
    await banned(rest, carl)
    used = await rest.ask("POST", "/v1/auth/refresh", {"refresh_token": carl.refresh})
    assert used.error == (401, "unauthenticated", None)
    refused = await rest.ask("POST", "/v1/auth/refresh", {"refresh_token": newest["refresh_token"]})
    assert told(refused)["appeal_code"]


async def test_a_session_that_was_ended_before_hears_nothing(rest: Rest, carl: Person) -> None:
    await carl.ask("POST", "/v1/auth/logout")
    await banned(rest, carl)
    refused = await rest.ask("POST", "/v1/auth/refresh", {"refresh_token": carl.refresh})
    assert refused.error == (401, "unauthenticated", None)


async def test_a_banned_person_appeals_once_and_is_let_back_in_by_somebody_else(
    rest: Rest, carl: Person
) -> None:
    moderator = await banned(rest, carl)
    ban = told(await log_in(rest))
    body = {key: ban[key] for key in ("decision_id", "appeal_code")} | {"note": "It was not me."}
    assert (await rest.ask("POST", APPEALS, body)).status == 201
    assert (await rest.ask("POST", APPEALS, body)).error == (409, "conflict", None)
    assert (await moderator.get("/v1/moderation/queue")).body["items"] == []
    other = await rest.register()
    await rest.ports.records.accounts.update(other.id, {"role": "moderator"})
    (case,) = (await other.get("/v1/moderation/queue")).body["items"]
    decided = await other.ask("POST", f"/v1/moderation/{case['id']}/decide", {"action": "restore"})
    assert decided.status == 200
    assert (await log_in(rest)).status == 200


async def test_the_code_of_a_ban_opens_nothing_else(rest: Rest, carl: Person) -> None:
    await banned(rest, carl)
    code = told(await log_in(rest))["appeal_code"]
    assert (await rest.ask("GET", "/v1/me", token=code)).status == 401
    assert (await carl.get("/v1/me")).status == 401


async def test_a_ban_without_a_decision_names_nothing_to_appeal(rest: Rest, carl: Person) -> None:
    await rest.ports.records.accounts.update(carl.id, {"status": "banned"})
    answer = await log_in(rest)
    assert answer.error == (403, "forbidden", None)
    assert answer.body["error"]["ban"] == {
        "until": None,
        "reason": "",
        "decision_id": None,
        "appeal_code": None,
    }
    assert "without an end" in answer.body["error"]["message"]


async def test_a_banned_person_takes_along_what_they_gave(rest: Rest, carl: Person) -> None:
    await carl.post("zqx-what-i-said")
    await banned(rest, carl)
    for proof in ({"current_password": PASSWORD}, {"recovery_code": carl.recovery_code}):
        answer = await rest.ask("POST", "/v1/exports", {"identifier": "carl", **proof})
        assert answer.status == 200, answer.text
        sections = answer.body["sections"]
        assert [post["content"] for post in sections["posts"]] == ["zqx-what-i-said"]
        assert [made["action"] for made in sections["decisions"]] == ["ban"]
    assert next(line["action"] for line in sections["log"]) == "auth.exported"


async def test_every_page_of_it_takes_the_proof(
    rest: Rest, carl: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ITEMS", 2)
    for number in range(3):
        await carl.post(f"mine {number}")
    await banned(rest, carl)
    body = {"identifier": "carl", "current_password": PASSWORD}
    found, cursor = [], None
    while True:
        answer = await rest.ask("POST", "/v1/exports", body | ({"cursor": cursor} if cursor else {}))
        found += answer.body["sections"].get("posts", [])
        if (cursor := answer.body["next_cursor"]) is None:
            break
        wrong = {"identifier": "carl", "current_password": "guessed", "cursor": cursor}
        assert (await rest.ask("POST", "/v1/exports", wrong)).error == (401, "unauthenticated", None)
    assert sorted(post["content"] for post in found) == ["mine 0", "mine 1", "mine 2"]


async def test_a_banned_person_hears_their_own_voice_and_nobody_elses(
    rest: Rest, carl: Person, alice: Person
) -> None:
    about = await alice.post("somebody there?")
    mine, theirs = [await spoken(person, about) for person in (carl, alice)]
    await banned(rest, carl)
    body = {"identifier": "carl", "recovery_code": carl.recovery_code}
    path = "/v1/exports/voice-notes/"
    async with rest.client.request("POST", path + mine, json=body) as answer:
        heard = await answer.read()
    assert (answer.status, heard) == (200, rewritten(recording("voice.ogg")).data)
    for other in (theirs, carl.id):
        refused = await rest.ask("POST", path + other, body)
        assert refused.error == (404, "not_found", None)


async def spoken(person: Person, post_id: str) -> str:
    """A voice note of theirs in an answer to a post."""
    ports = person.rest.ports
    add = AddVoiceNote(client_id=new_id(), audio=recording("voice.ogg"))
    note = await add_voice_note(add, person.user, ports)
    said = Respond(client_id=new_id(), post_id=post_id, type="voice", voice_note_id=note.id)
    await respond(said, person.user, ports)
    return note.id


async def test_without_proof_nobody_takes_anything_or_learns_who_is_here(rest: Rest, carl: Person) -> None:
    proofs = [{"recovery_code": "ABCD-EFGH"}, {"current_password": "x"}, {}]
    bodies = [{"identifier": name, **proof} for name in ("carl", "nobody-here") for proof in proofs]
    answers = [await rest.ask("POST", "/v1/exports", body) for body in bodies]
    assert {(answer.status, answer.text) for answer in answers} == {(401, answers[0].text)}


async def test_whose_ban_has_run_out_waits_for_no_worker(
    rest: Rest, carl: Person, clock: MovableClock
) -> None:
    await banned(rest, carl, days=1)
    told(await log_in(rest))
    clock.move(24 * 3600)
    refused = await rest.ask("POST", "/v1/auth/refresh", {"refresh_token": carl.refresh})
    assert refused.error == (401, "unauthenticated", None)
    assert (await log_in(rest)).status == 200
    lines = await rest.ports.records.audit.page(LineFilter(action="moderation.ban_ended"), None, 9)
    assert [line.target_id for line in lines] == [carl.id]


async def test_a_ban_that_has_run_out_is_lifted_once_by_several_at_once(
    rest: Rest, carl: Person, clock: MovableClock
) -> None:
    await banned(rest, carl, days=1)
    clock.move(24 * 3600)
    lifted = await asyncio.gather(*(enforcement.lift_if_over(carl.id, rest.ports) for _ in range(3)))
    assert sorted(lifted) == [False, False, True]


async def test_a_ban_without_an_end_does_not_run_out(rest: Rest, carl: Person, clock: MovableClock) -> None:
    await rest.ports.records.accounts.update(carl.id, {"status": "banned"})
    clock.move(4000 * 24 * 3600)
    assert (await log_in(rest)).status == 403
