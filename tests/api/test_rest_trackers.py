"""Trackers and progress over REST."""

from datetime import timedelta

from rest_harness import Person

from domain import checkins, cravings
from domain.checkins import RecordCheckIn
from domain.circles import CreateCircle, JoinCircle, create_circle, join_circle
from domain.cravings import RecordCraving
from domain.trackers import CreateTracker, create_tracker

TRACKER = {
    "id",
    "category",
    "timezone",
    "started_on",
    "current_run_days",
    "longest_run_days",
    "total_days",
    "next_milestone",
    "last_check_in",
}


async def test_trackers_are_made_and_listed(alice: Person, bob: Person) -> None:
    body = {"category": "alcohol", "timezone": "Asia/Tokyo"}
    made = await alice.ask("POST", "/v1/me/trackers", body)
    assert (made.status, set(made.body)) == (200, TRACKER)
    assert (made.body["timezone"], made.body["next_milestone"]) == ("Asia/Tokyo", 1)
    again = await alice.ask("POST", "/v1/me/trackers", {"category": "alcohol"})
    assert again.body == made.body
    assert (await alice.get("/v1/me/trackers")).body == {"items": [made.body], "next_cursor": None}
    assert (await bob.get("/v1/me/trackers")).body["items"] == []


async def test_a_tracker_that_cannot_be_is_refused_by_its_field(alice: Person) -> None:
    cases: list[tuple[dict[str, object], str]] = [
        ({"category": "Alcohol!"}, "category"),
        ({"category": "alcohol", "timezone": "Mars/Olympus"}, "timezone"),
        ({"category": "alcohol", "started_on": "2199-01-01"}, "started_on"),
        ({"category": "alcohol", "started_on": "0001-01-01"}, "started_on"),
        ({"category": "alcohol", "started_on": "yesterday"}, "started_on"),
    ]
    for body, field in cases:
        assert (await alice.ask("POST", "/v1/me/trackers", body)).error == (400, "invalid", field)


async def test_progress_holds_what_was_recorded(alice: Person) -> None:
    ports = alice.rest.ports
    ago = (ports.now() - timedelta(days=29)).date().isoformat()
    made = await alice.ask("POST", "/v1/me/trackers", {"category": "alcohol", "started_on": ago})
    tracker_id = made.body["id"]
    await checkins.record_check_in(RecordCheckIn(tracker_id=tracker_id), alice.user, ports)
    command = RecordCraving(tracker_id=tracker_id, intensity=7, triggers=["stress"], resisted=True)
    await cravings.record_craving(command, alice.user, ports)
    answer = await alice.get("/v1/me/progress")
    assert answer.status == 200
    assert set(answer.body) == {"trackers", "cravings_days", "cravings", "activity", "week"}
    (shown,) = answer.body["trackers"]
    assert (set(shown["tracker"]), shown["tracker"]["current_run_days"]) == (TRACKER, 30)
    assert shown["runs"] == [{"started_on": ago, "ended_on": ports.now().date().isoformat(), "days": 30}]
    summed = answer.body["cravings"]
    assert (summed["count"], sum(summed["by_hour"]), summed["by_trigger"]) == (1, 1, {"stress": 1})
    assert (summed["resisted_rate"], summed["falls_by_minute"]) == (1.0, None)


async def test_a_circle_shows_its_progress_to_members_from_twenty_people_on(
    alice: Person, bob: Person
) -> None:
    ports = alice.rest.ports
    circle = (await create_circle(CreateCircle(name="Night watch"), alice.user, ports)).circle
    path = f"/v1/circles/{circle.id}/progress"
    assert (await bob.get(path)).error == (403, "forbidden", None)
    people = [await alice.rest.register() for _ in range(19)]
    for person in people:
        await join_circle(JoinCircle(circle_id=circle.id), person.user, ports)
    for person in people:
        await create_tracker(CreateTracker(category="alcohol"), person.user, ports)
    hidden = await alice.get(path)
    assert (hidden.status, hidden.body["floor"], hidden.body["people"]) == (200, 20, None)
    made = await create_tracker(CreateTracker(category="gambling"), alice.user, ports)
    await checkins.record_check_in(RecordCheckIn(tracker_id=made.id), alice.user, ports)
    shown = (await alice.get(path)).body
    assert (shown["people"], shown["median_longest_run_days"], shown["checked_in_share"]) == (20, 0, 0.0)


async def test_a_private_circle_does_not_exist_for_strangers(alice: Person, bob: Person) -> None:
    await alice.rest.ports.records.accounts.update(alice.id, {"role": "helper"})
    command = CreateCircle(name="Quiet room", is_private=True)
    circle = (await create_circle(command, alice.user, alice.rest.ports)).circle
    assert (await bob.get(f"/v1/circles/{circle.id}/progress")).error == (404, "not_found", None)
