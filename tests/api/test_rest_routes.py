"""Every route does what it is for."""

import pytest
from rest_harness import Person, Rest

from domain.circles import CreateCircle, create_circle
from domain.posts import ClosePost, close_post


async def test_an_anonymous_account_needs_nothing_and_gets_everything(rest: Rest) -> None:
    answer = await rest.ask("POST", "/v1/auth/register")
    assert answer.status == 201
    assert set(answer.body) == {"account", "tokens", "recovery_code"}
    assert answer.body["tokens"]["token_type"] == "Bearer"
    assert answer.body["account"]["has_email"] is False
    me = await rest.person(answer).get("/v1/me")
    assert (me.status, me.body) == (200, answer.body["account"])


async def test_a_handle_is_taken_whatever_its_case(rest: Rest, alice: Person) -> None:
    answer = await rest.ask("POST", "/v1/auth/register", {"handle": "ALICE"})
    assert answer.error == (409, "conflict", "handle")


async def test_an_email_account_logs_in_with_its_address_in_any_case(rest: Rest) -> None:
    person = await rest.register_email("Someone@Example.org", "correct horse battery")
    body = {"identifier": " someone@example.ORG", "password": "correct horse battery"}
    answer = await rest.ask("POST", "/v1/auth/login", body)
    assert (answer.status, answer.body["account"]["id"]) == (200, person.id)
    assert answer.body["account"]["has_email"] is True
    assert "example" not in answer.text.lower()


async def test_the_same_address_registers_twice_and_tells_nobody(rest: Rest) -> None:
    first = await rest.register_email("twice@example.org", "the first password")
    second = await rest.register_email("twice@example.org", "the other password")
    body = {"identifier": "twice@example.org", "password": "the first password"}
    assert (await rest.ask("POST", "/v1/auth/login", body)).body["account"]["id"] == first.id != second.id


async def test_only_the_fields_that_are_sent_change(alice: Person) -> None:
    await alice.ask("PATCH", "/v1/me", {"country": "DE", "avatar": "owl"})
    answer = await alice.ask("PATCH", "/v1/me", {"timezone": "Europe/Berlin"})
    assert answer.status == 200
    shown = {name: answer.body[name] for name in ("handle", "country", "avatar", "timezone")}
    assert shown == {"handle": "alice", "country": "DE", "avatar": "owl", "timezone": "Europe/Berlin"}
    cleared = await alice.ask("PATCH", "/v1/me", {"country": None})
    assert cleared.body["country"] is None


@pytest.fixture
async def shelf(alice: Person, bob: Person) -> dict[str, str]:
    """Posts of Alice's that differ in what the feed can be asked for."""
    posts = {
        "sos": await alice.post("please", type="sos", categories=["alcohol"]),
        "answered": await alice.post("how do you sleep?", categories=["alcohol"], urgency=4),
        "victory": await alice.post("90 days", type="victory", urgency=1),
        "private": await alice.post("for me alone", visibility="private"),
    }
    await bob.respond(posts["answered"])
    return posts


FEEDS: list[tuple[dict[str, object], list[str]]] = [
    ({}, ["victory", "answered", "sos"]),
    ({"type": "sos"}, ["sos"]),
    ({"category": "alcohol"}, ["answered", "sos"]),
    ({"urgency": 4}, ["answered", "sos"]),
    ({"unanswered": "true"}, ["victory", "sos"]),
    ({"sort": "urgent"}, ["sos", "answered", "victory"]),
    ({"sort": "oldest_unanswered"}, ["sos", "victory"]),
    ({"sort": "for_me"}, ["sos", "victory", "answered"]),
    ({"sort": "for_me", "category": "alcohol", "limit": 1}, ["sos"]),
    ({"sort": "oldest_unanswered", "category": "alcohol", "limit": 1}, ["sos"]),
]


async def test_the_feed_filters_and_sorts(shelf: dict[str, str], bob: Person) -> None:
    for query, expected in FEEDS:
        answer = await bob.get("/v1/feed", **query)
        shown = [post["id"] for post in answer.body["items"]]
        assert (query, shown) == (query, [shelf[name] for name in expected])


async def walked(person: Person, path: str, **query: object) -> list[str]:
    """The ids of all items, page by page."""
    seen: list[str] = []
    while query.get("cursor", "") is not None:
        page = (await person.get(path, **query)).body
        seen += [item["id"] for item in page["items"]]
        query["cursor"] = page["next_cursor"]
    return seen


async def test_cursors_walk_the_whole_feed_once(alice: Person, bob: Person) -> None:
    written = [await alice.post(f"post {number}", urgency=number % 3 + 1) for number in range(5)]
    for sort in ("recent", "urgent", "oldest_unanswered", "for_me"):
        seen = await walked(bob, "/v1/feed", sort=sort, limit=2)
        assert (sort, sorted(seen)) == (sort, sorted(written))


async def test_a_post_and_its_thread_are_shown(alice: Person, bob: Person) -> None:
    post_id = await alice.post("how do you sleep?")
    written = [await bob.respond(post_id, f"answer {number}") for number in range(3)]
    post = await bob.get(f"/v1/posts/{post_id.upper()}")
    assert (post.status, post.body["counts"]["responses"]) == (200, 3)
    first = await alice.get(f"/v1/posts/{post_id}/responses", limit=2)
    rest_of_it = await alice.get(f"/v1/posts/{post_id}/responses", cursor=first.body["next_cursor"])
    shown = first.body["items"] + rest_of_it.body["items"]
    assert [response["id"] for response in shown] == written
    assert rest_of_it.body["next_cursor"] is None


async def test_history_shows_all_of_mine_and_nothing_of_others(shelf: dict[str, str], alice: Person) -> None:
    await close_post(ClosePost(post_id=shelf["sos"]), alice.user, alice.rest.ports)
    answer = await alice.get("/v1/me/history")
    assert {post["id"] for post in answer.body["items"]} == set(shelf.values())
    assert (await (await alice.rest.register()).get("/v1/me/history")).body == {
        "items": [],
        "next_cursor": None,
    }


async def test_circle_posts_are_for_members(alice: Person, bob: Person) -> None:
    circle = (await create_circle(CreateCircle(name="Night watch"), alice.user, alice.rest.ports)).circle
    post_id = await alice.post("anyone awake?", visibility="circle", circle_id=circle.id)
    answer = await alice.get(f"/v1/circles/{circle.id}/posts", type="question")
    assert [post["id"] for post in answer.body["items"]] == [post_id]
    assert (await bob.get(f"/v1/circles/{circle.id}/posts")).error == (403, "forbidden", None)
    assert (await bob.get(f"/v1/posts/{post_id}")).error == (404, "not_found", None)


async def test_the_feed_shows_what_a_circle_says_to_everybody(alice: Person, bob: Person) -> None:
    circle = (await create_circle(CreateCircle(name="Night watch"), alice.user, alice.rest.ports)).circle
    await alice.post("among ourselves", visibility="circle", circle_id=circle.id)
    await alice.post("elsewhere")
    said = await alice.post("to everybody", circle_id=circle.id)
    for sort in ("recent", "for_me"):
        answer = await bob.get("/v1/feed", circle=circle.id, sort=sort)
        assert [post["id"] for post in answer.body["items"]] == [said]


async def test_a_private_circle_does_not_exist_for_strangers(alice: Person, bob: Person) -> None:
    await alice.rest.ports.records.accounts.update(alice.id, {"role": "helper"})
    command = CreateCircle(name="Quiet room", is_private=True)
    circle = (await create_circle(command, alice.user, alice.rest.ports)).circle
    assert (await bob.get(f"/v1/circles/{circle.id}/posts")).error == (404, "not_found", None)


async def test_a_room_log_is_read_from_a_position(alice: Person, bob: Person) -> None:
    await alice.post("the first")
    await alice.rest.ports.announcer.drain()
    start = (await bob.get("/v1/rooms/feed/events")).body
    assert (start["recovered"], start["events"], start["seq"]) == (False, [], 1)
    post_id = await alice.post("the second")
    await alice.rest.ports.announcer.drain()
    answer = await bob.get("/v1/rooms/feed/events", after=start["seq"], epoch=start["epoch"])
    assert (answer.status, answer.body["recovered"]) == (200, True)
    (event,) = answer.body["events"]
    assert event["data"]["post"]["id"] == post_id
    assert (event["seq"], event["room"], event["epoch"]) == (2, "feed", start["epoch"])


async def test_my_room_is_mine_alone(alice: Person, bob: Person) -> None:
    assert (await alice.get(f"/v1/rooms/user:{alice.id}/events")).status == 200
    assert (await bob.get(f"/v1/rooms/user:{alice.id}/events")).error == (404, "not_found", None)


async def test_crisis_resources_come_to_anybody(rest: Rest) -> None:
    answer = await rest.ask("GET", "/v1/crisis/resources?country=DE")
    assert answer.status == 200
    assert answer.body["country"] == "DE"
    assert "112" in answer.body["emergency"]
    assert answer.body["resources"]
    assert answer.body["step"]


async def test_no_mistake_keeps_anybody_from_crisis_resources(rest: Rest) -> None:
    for query in ("", "?country=%00", "?country=nowhere", "?country=", "?other=1&audience=x"):
        answer = await rest.ask("GET", f"/v1/crisis/resources{query}")
        assert (query, answer.status, answer.body["country"]) == (query, 200, "ZZ")
        assert answer.body["resources"]
        assert answer.body["emergency_note"]


async def test_crisis_resources_put_spoken_languages_first(rest: Rest) -> None:
    plain = await rest.ask("GET", "/v1/crisis/resources?country=CH")
    french = await rest.ask("GET", "/v1/crisis/resources?country=CH&languages=fr&audience=adult")
    assert "fr" in french.body["resources"][0]["languages"]
    assert {line["name"] for line in french.body["resources"]} == {
        line["name"] for line in plain.body["resources"]
    }


async def test_the_index_says_where_everything_is(rest: Rest) -> None:
    for path in ("/", "/v1/"):
        answer = await rest.ask("GET", path)
        assert (answer.status, answer.body["docs"]) == (200, "/docs")


async def test_a_client_that_woke_up_asks_for_what_came_after_a_seq(rest: Rest, alice: Person) -> None:
    await alice.post("I planted tomatoes")
    await rest.ports.announcer.drain()
    for more in ({}, {"epoch": (await alice.get("/v1/rooms/feed/events")).body["epoch"]}):
        answer = await alice.get("/v1/rooms/feed/events", after=0, **more)
        assert (answer.status, answer.body["recovered"]) == (200, True)
        told = [event["data"]["post"]["content"] for event in answer.body["events"]]
        assert told == ["I planted tomatoes"]
