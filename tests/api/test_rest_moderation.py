"""What moderators do, through their door: queue, claims, graded decisions, two people, an appeal, the log."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from rest_harness import Person, Rest

from domain import reports
from domain.reports import CreateReport

KIND = {"reason": "Please be kind."}
NewModerator = Callable[..., Awaitable[Person]]


@pytest.fixture
def moderator(rest: Rest) -> NewModerator:
    async def new(role: str = "moderator") -> Person:
        person = await rest.register()
        await rest.ports.records.accounts.update(person.id, {"role": role})
        return person

    return new


async def reported(author: Person, reporter: Person, reason: Any = "harassment") -> str:
    """The id of a post that somebody reported."""
    post_id = await author.post("Have you tried walking?")
    command = CreateReport(target="post", target_id=post_id, reason=reason)
    await reports.create_report(command, reporter.user, reporter.rest.ports)
    return post_id


async def case_about(moderator: Person, target_id: str, **query: Any) -> dict[str, Any]:
    items = (await moderator.get("/v1/moderation/queue", **query)).body["items"]
    return next(dict(case) for case in items if case["target_id"] == target_id)


async def notice_to(person: Person) -> dict[str, Any]:
    """The newest decision about somebody, with its code, as their own room tells it."""
    await person.rest.ports.announcer.drain()
    room = f"/v1/rooms/user:{person.id}/events"
    at = (await person.get(room)).body
    told = (await person.get(room, after=0, epoch=at["epoch"])).body["events"]
    return next(dict(one["data"]) for one in reversed(told) if "appeal_code" in one["data"])


async def test_the_queue_shows_no_text_and_how_the_moderator_is_doing(
    alice: Person, bob: Person, moderator: NewModerator
) -> None:
    mild, urgent = await reported(alice, bob, "spam"), await reported(alice, bob, "threat")
    one = await moderator()
    answer = await one.get("/v1/moderation/queue")
    assert [case["target_id"] for case in answer.body["items"]] == [urgent, mild]
    assert "walking" not in answer.text
    assert answer.body["wellbeing"] == {
        "blurred": True,
        "closed_last_hour": 0,
        "load": 0,
        "break_due": False,
        "break_minutes": 10,
        "team": {},
    }
    assert (await one.get("/v1/moderation/queue", kind="risk")).body["items"] == []
    assert (await alice.get("/v1/moderation/queue")).error == (403, "forbidden", None)


async def test_a_claim_is_one_persons_and_is_given_back(
    alice: Person, bob: Person, moderator: NewModerator
) -> None:
    post_id = await reported(alice, bob)
    one, other = await moderator(), await moderator()
    case = await case_about(one, post_id)
    path = f"/v1/moderation/{case['id']}"
    detail = (await one.ask("POST", f"{path}/claim", {})).body
    assert (detail["written"]["blurred"], detail["reports"][0]["weight"]) == (True, 0.25)
    assert bob.id not in str(detail)
    assert "hide" in detail["actions"]
    assert (await other.ask("POST", f"{path}/claim", {})).error == (409, "conflict", None)
    assert (await other.ask("POST", f"{path}/release", {})).error == (404, "not_found", None)
    assert (await alice.ask("POST", f"{path}/release", {})).error == (403, "forbidden", None)
    assert (await one.ask("POST", f"{path}/release", {})).status == 204
    assert (await other.ask("POST", f"{path}/claim", {})).status == 200


@pytest.mark.parametrize(
    ("action", "more", "status"),
    [
        ("dismiss", {}, "live"),
        ("warn", KIND, "live"),
        ("label", {**KIND, "label": "walking"}, "live"),
        ("hide", KIND, "hidden"),
        ("mute", {**KIND, "days": 2}, "live"),
        ("ban", {**KIND, "days": 7}, "live"),
    ],
)
async def test_each_grade_of_decision_acts(
    alice: Person, bob: Person, moderator: NewModerator, action: str, more: dict[str, Any], status: str
) -> None:
    post_id, one = await reported(alice, bob), await moderator()
    case = await case_about(one, post_id)
    path = f"/v1/moderation/{case['id']}/decide"
    answer = await one.ask("POST", path, {"action": action, **more})
    assert (answer.status, answer.body["state"]) == (200, "active")
    assert (await one.ask("POST", path, {"action": "dismiss"})).error == (409, "conflict", None)
    seen = await bob.get(f"/v1/posts/{post_id}")
    assert (seen.status, seen.body.get("status")) == ((200, "live") if status == "live" else (404, None))
    warning = seen.body.get("content_warning")
    assert warning == ("walking" if action == "label" else None)
    assert (await alice.get("/v1/me")).status == (401 if action == "ban" else 200)
    assert (await one.get("/v1/moderation/queue")).body["wellbeing"]["closed_last_hour"] == 1


async def test_a_long_ban_takes_two_and_an_appeal_somebody_else(
    alice: Person, bob: Person, moderator: NewModerator
) -> None:
    post_id = await reported(alice, bob)
    one, other, third = [await moderator() for _ in range(3)]
    case = await case_about(one, post_id)
    path, ban = f"/v1/moderation/{case['id']}/decide", {"action": "ban", **KIND}
    assert (await one.ask("POST", path, ban)).body["state"] == "proposed"
    assert (await alice.get("/v1/me")).status == 200
    assert (await one.ask("POST", path, ban)).error == (403, "forbidden", None)
    assert (await other.ask("POST", path, ban)).body["state"] == "active"
    assert (await alice.get("/v1/me")).status == 401
    decision = (await alice.rest.ports.records.decisions.of_case(case["id"]))[-1]
    assert (decision.action, decision.moderator_id, decision.until) == ("ban", other.id, None)
    code = alice.rest.ports.cipher.lookup(f"appeal:{decision.id}".encode()).hex()[:32]
    asked = {"decision_id": decision.id, "appeal_code": code, "note": "That was not me."}
    appeal = await alice.rest.ask("POST", "/v1/moderation/appeals", asked)
    assert appeal.status == 201
    assert (await alice.rest.ask("POST", "/v1/moderation/appeals", asked)).error == (409, "conflict", None)
    path = f"/v1/moderation/{appeal.body['case_id']}/decide"
    for who in (one, other):
        assert (await who.ask("POST", path, {"action": "restore"})).error == (403, "forbidden", None)
    assert (await third.ask("POST", path, {"action": "restore"})).status == 200
    stored = await alice.rest.ports.records.accounts.get(alice.id)
    assert stored is not None
    assert stored.status == "active"


async def test_an_appeal_brings_back_what_was_hidden(
    alice: Person, bob: Person, moderator: NewModerator
) -> None:
    post_id, one, other = await reported(alice, bob), await moderator(), await moderator()
    case = await case_about(one, post_id)
    await one.ask("POST", f"/v1/moderation/{case['id']}/decide", {"action": "hide", **KIND})
    assert (await bob.get(f"/v1/posts/{post_id}")).status == 404
    notice = await notice_to(alice)
    assert (notice["action"], notice["reason"]) == ("hide", KIND["reason"])
    asked = {name: notice[name] for name in ("decision_id", "appeal_code")} | {"note": "I meant it kindly."}
    case_id = (await alice.ask("POST", "/v1/moderation/appeals", asked)).body["case_id"]
    detail = (await other.ask("POST", f"/v1/moderation/{case_id}/claim", {})).body
    assert (detail["note"], [one["action"] for one in detail["decisions"]]) == (
        "I meant it kindly.",
        ["hide"],
    )
    await other.ask("POST", f"/v1/moderation/{case_id}/decide", {"action": "restore"})
    assert (await bob.get(f"/v1/posts/{post_id}")).body["status"] == "live"


async def test_the_log_is_asked_by_who_did_what(alice: Person, bob: Person, moderator: NewModerator) -> None:
    post_id, one, admin = await reported(alice, bob), await moderator(), await moderator("admin")
    case = await case_about(one, post_id)
    await one.ask("POST", f"/v1/moderation/{case['id']}/claim", {})
    await one.ask("POST", f"/v1/moderation/{case['id']}/decide", {"action": "dismiss"})
    await admin.ask("POST", "/v1/moderation/roles", {"account_id": bob.id, "role": "helper"})

    async def lines(who: Person, **query: Any) -> list[str]:
        return [line["action"] for line in (await who.get("/v1/moderation/audit", **query)).body["items"]]

    assert await lines(one) == ["moderation.dismiss", "moderation.claim"]
    assert (await lines(admin))[:3] == ["role.changed", "moderation.dismiss", "moderation.claim"]
    assert await lines(admin, actor_id=one.id, action="moderation.claim") == ["moderation.claim"]
    assert (await alice.get("/v1/moderation/audit")).error == (403, "forbidden", None)
