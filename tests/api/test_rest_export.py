"""The export over REST, on real stores: whole, paged, limited."""

from typing import Any

import pytest
from rest_harness import Answer, Person, opened, with_settings

from domain import export
from domain.accounts import User
from domain.checkins import RecordCheckIn, record_check_in
from domain.cravings import RecordCraving, record_craving
from domain.export_sections import SECTIONS
from domain.ports import Ports
from domain.reports import CreateReport, create_report
from domain.support import GiveSupport, give_support
from domain.trackers import CreateTracker, create_tracker


async def lived(person: Person, other: Person) -> None:
    ports, user = person.rest.ports, person.user
    theirs = await other.post("not mine")
    for number in range(5):
        await person.post(f"mine {number}")
        await person.respond(theirs, f"said {number}")
    tracker = await create_tracker(CreateTracker(category="alcohol"), user, ports)
    for note in ("one", "two", "three"):
        await record_check_in(RecordCheckIn(tracker_id=tracker.id, note=note), user, ports)
        await record_craving(RecordCraving(tracker_id=tracker.id, note=note), user, ports)
    for kind in ("been_there", "stay_strong"):
        await give_support(GiveSupport(post_id=theirs, kind=kind), user, ports)  # type: ignore[arg-type]
    report = CreateReport(target="post", target_id=theirs, reason="spam")
    await create_report(report, User(id=person.id, session_id=""), ports)


async def whole(person: Person) -> tuple[dict[str, list[Any]], int]:
    found: dict[str, list[Any]] = {}
    answer, count = await person.get("/v1/me/export"), 1
    while True:
        assert answer.status == 200, answer.text
        for name, items in answer.body["sections"].items():
            found.setdefault(name, []).extend(items)
        if answer.body["next_cursor"] is None:
            return found, count
        answer = await person.get("/v1/me/export", cursor=answer.body["next_cursor"])
        count += 1


@pytest.mark.parametrize(("items", "alone"), [(export.ITEMS, True), (3, False)])
async def test_an_export_holds_everything_once_however_it_is_cut(
    items: int, alone: bool, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ITEMS", items)
    await lived(alice, bob)
    found, pages = await whole(alice)
    assert (pages == 1) == alone
    counts = {"posts": 5, "responses": 5, "check_ins": 3, "cravings": 3, "supports": 2, "reports": 1}
    assert counts.items() <= {name: len(things) for name, things in found.items()}.items()
    assert {one["content"] for one in found["posts"]} == {f"mine {number}" for number in range(5)}
    assert "not mine" not in str(found)
    assert set(found) <= set(SECTIONS)


async def test_exports_are_limited_by_the_hour(ports: Ports) -> None:
    async with opened(with_settings(ports, exports_per_hour=1)) as rest:
        person = await rest.register()
        assert (await person.get("/v1/me/export")).status == 200
        refused: Answer = await person.get("/v1/me/export")
        assert refused.error == (429, "rate_limited", None)
        assert int(refused.headers["Retry-After"]) > 0


async def test_an_address_is_not_shown_to_whoever_holds_the_phone(alice: Person) -> None:
    person = await alice.rest.register_email("somebody@example.org", "a long enough password")
    answer = await person.get("/v1/me/export")
    assert answer.body["sections"]["account"][0]["has_email"] is True
    assert "example.org" not in answer.text


async def test_a_cursor_that_is_not_ours_is_refused(alice: Person) -> None:
    for cursor in ("x", "W10", "e30", "A" * 300):
        assert (await alice.get("/v1/me/export", cursor=cursor)).error == (400, "invalid", "cursor")
