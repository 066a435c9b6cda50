"""Notifications, preferences and devices over REST."""

from rest_harness import Person, Rest

from domain import notifications
from domain.ids import new_id

TOKEN = "ab" * 32


async def told(person: Person, count: int) -> None:
    for _ in range(count):
        await notifications.notify(person.id, "milestone", new_id(), None, person.rest.ports)


async def test_notifications_are_paged_counted_and_read(alice: Person, bob: Person) -> None:
    await told(alice, 3)
    first = (await alice.get("/v1/me/notifications", limit=2)).body
    assert (len(first["items"]), first["unread"]) == (2, 3)
    assert set(first["items"][0]) == {"id", "kind", "post_id", "created_at", "read_at"}
    rest = (await alice.get("/v1/me/notifications", cursor=first["next_cursor"])).body
    assert (len(rest["items"]), rest["next_cursor"]) == (1, None)
    body = {"ids": [first["items"][1]["id"]]}
    assert (await bob.ask("POST", "/v1/me/notifications/read", body)).body == {"unread": 0}
    assert (await alice.ask("POST", "/v1/me/notifications/read", body)).body == {"unread": 2}
    until = {"until_id": first["items"][0]["id"]}
    assert (await alice.ask("POST", "/v1/me/notifications/read", until)).body == {"unread": 0}


async def test_reading_wants_ids_or_a_last_one(alice: Person) -> None:
    for body in ({}, {"ids": [new_id()], "until_id": new_id()}, {"ids": [new_id()] * 101}):
        answer = await alice.ask("POST", "/v1/me/notifications/read", body)
        assert answer.error == (400, "invalid", "ids")


async def test_preferences_are_set_whole(alice: Person) -> None:
    usual = (await alice.get("/v1/me/preferences")).body
    wanted = {
        "kinds": {"sos": {"in_app": True, "push": False}},
        "quiet_hours": {"start": "22:00", "end": "07:00"},
        "push_per_day": 5,
    }
    answer = await alice.ask("PUT", "/v1/me/preferences", wanted)
    assert (answer.status, answer.body) == (200, (await alice.get("/v1/me/preferences")).body)
    assert answer.body == usual | wanted | {"kinds": usual["kinds"] | wanted["kinds"]}
    assert (await alice.ask("PUT", "/v1/me/preferences", {})).body == usual


async def test_preferences_out_of_bounds_are_refused_by_name(alice: Person) -> None:
    cases = [
        ({"push_per_day": 101}, "push_per_day"),
        ({"push_per_day": -1}, "push_per_day"),
        ({"quiet_hours": {"start": "24:00", "end": "07:00"}}, "quiet_hours.start"),
        ({"quiet_hours": {"start": "22:00"}}, "quiet_hours.end"),
        ({"quiet_hours": {"start": "22:00", "end": "22:00"}}, "quiet_hours"),
        ({"kinds": {"gossip": {"push": True}}}, "kinds"),
        ({"kinds": {"moderation": {"in_app": False}}}, "kinds"),
    ]
    for body, field in cases:
        answer = await alice.ask("PUT", "/v1/me/preferences", body)
        assert (body, answer.error) == (body, (400, "invalid", field))


async def test_a_device_comes_goes_and_never_shows_its_token(rest: Rest, alice: Person, bob: Person) -> None:
    body = {"platform": "ios", "token": TOKEN}
    made = [await alice.ask("POST", "/v1/me/devices", body) for _ in range(2)]
    assert [answer.status for answer in made] == [201, 201]
    assert made[0].body["id"] == made[1].body["id"]
    listed = await alice.get("/v1/me/devices")
    assert listed.body == {"items": [made[1].body], "web_push_key": None}
    assert TOKEN not in listed.text + made[0].text
    path = f"/v1/me/devices/{made[0].body['id']}"
    assert (await bob.ask("DELETE", path)).error == (404, "not_found", None)
    assert (await alice.ask("DELETE", path)).status == 204
    assert (await alice.get("/v1/me/devices")).body["items"] == []


async def test_a_logout_takes_the_device_along(rest: Rest, alice: Person) -> None:
    await alice.ask("POST", "/v1/me/devices", {"platform": "ios", "token": TOKEN})
    await alice.ask("POST", "/v1/auth/logout")
    assert await rest.ports.records.devices.reachable([alice.id], ["ios"]) == set()
