"""What helping came to, and how one wants to be asked for it."""

from rest_harness import Person

from domain import support
from domain.support import GiveSupport


async def help_with(helper: Person, post_id: str) -> None:
    """A tap and an answer, scored as the workers would."""
    ports = helper.rest.ports
    await support.give_support(GiveSupport(post_id=post_id, kind="been_there"), helper.user, ports)
    answer = await helper.respond(post_id)
    ref = support.support_ref(post_id, helper.id, "been_there")
    await support.score_support(post_id, helper.id, "been_there", ref, ports)
    await support.score_support(post_id, helper.id, "text", answer, ports)


async def test_points_are_shown_with_their_ledger(alice: Person, bob: Person) -> None:
    post_id = await alice.post()
    await help_with(bob, post_id)
    first = (await bob.get("/v1/me/points", limit=1)).body
    assert (first["balance"], first["level"], first["next_level_at"]) == (4, 0, 10)
    second = (await bob.get("/v1/me/points", cursor=first["next_cursor"])).body
    entries = first["items"] + second["items"]
    assert [(one["change"], one["kind"], one["post_id"]) for one in entries] == [
        (3, "text", post_id),
        (1, "been_there", post_id),
    ]
    assert second["next_cursor"] is None
    assert (await alice.get("/v1/me/points")).body["items"] == []


async def test_a_foreign_cursor_is_refused(alice: Person) -> None:
    for _ in range(2):
        await alice.post()
    cursor = (await alice.get("/v1/me/history", limit=1)).body["next_cursor"]
    assert (await alice.get("/v1/me/points", cursor=cursor)).error == (400, "invalid", "cursor")


async def test_stats_tell_what_was_given_and_received(alice: Person, bob: Person) -> None:
    await help_with(bob, await alice.post(type="sos"))
    await help_with(bob, await alice.post())
    given, received = (await bob.get("/v1/me/stats")).body, (await alice.get("/v1/me/stats")).body
    assert given == {"given": 4, "received": 0, "people_helped": 1, "first_answers": 1}
    assert received == {"given": 0, "received": 4, "people_helped": 0, "first_answers": 0}


async def test_helping_is_set_and_shown(alice: Person, bob: Person) -> None:
    usual = {"opted_in": False, "categories": [], "languages": [], "max_open": 5}
    assert (await alice.get("/v1/me/helping")).body == usual
    wanted = {"opted_in": True, "categories": ["alcohol"], "languages": ["de", "en"], "max_open": 2}
    assert (await alice.ask("PUT", "/v1/me/helping", wanted)).body == wanted
    assert (await alice.get("/v1/me/helping")).body == wanted
    assert (await bob.get("/v1/me/helping")).body == usual


async def test_helping_refuses_what_it_does_not_know(alice: Person) -> None:
    for body, field in (
        ({}, "opted_in"),
        ({"opted_in": True, "languages": ["German"]}, "languages[0]"),
        ({"opted_in": True, "max_open": 0}, "max_open"),
        ({"opted_in": True, "categories": ["a"] * 21}, "categories"),
    ):
        status, code, told = (await alice.ask("PUT", "/v1/me/helping", body)).error
        assert (status, code, told) in {(400, "invalid", field), (400, "invalid", field.partition("[")[0])}
