"""Whoever sends an SOS hears that people look, write and answer."""

from tests.realtime.conftest import Running, StartPhone

SOS = {
    "client_id": "attention-1",
    "type": "sos",
    "content": "I am about to drink.",
    "categories": ["alcohol"],
}


async def test_the_author_hears_of_looking_writing_and_answering(
    server: Running, start_phone: StartPhone
) -> None:
    author, helper = await start_phone(server), await start_phone(server)
    post_id = (await author.ok("post:create", **SOS))["post"]["id"]
    await helper.ok("post:open", post_id=post_id)
    await helper.ok("typing:start", post_id=post_id)
    for state in ("writing", "seen"):
        heard = await author.received(
            "sos:attention", lambda told, state=state: told["data"]["state"] == state
        )
        assert heard["data"] == {"post_id": post_id, "state": state, "to": None, "count": 1}
    await helper.ok("support:quick", post_id=post_id, kind="stay_strong")
    answered = await author.received("sos:attention", lambda told: told["data"]["state"] == "answered")
    assert answered["data"]["post_id"] == post_id
    ladder = await server.ports.records.ladders.get(post_id)
    assert ladder is not None
    assert (ladder.state, ladder.answered_by) == ("answered", helper.id)


async def test_an_ordinary_post_has_no_attention(server: Running, start_phone: StartPhone) -> None:
    author, helper = await start_phone(server), await start_phone(server)
    post_id = (await author.ok("post:create", **{**SOS, "type": "question"}))["post"]["id"]
    await helper.ok("post:open", post_id=post_id)
    await helper.ok("typing:start", post_id=post_id)
    await helper.ok("support:quick", post_id=post_id, kind="stay_strong")
    await author.received("support:changed")
    assert author.all("sos:attention") == []
    assert await server.ports.records.ladders.get(post_id) is None
