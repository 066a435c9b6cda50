"""Who is here, who is writing: told to those it concerns, and to nobody later."""

import pytest

from tests.realtime.conftest import Running, StartPhone, StartServer

SOS = {"client_id": "presence-1", "type": "sos", "content": "Can anybody talk to me right now?"}


async def test_a_circle_hears_who_comes_and_who_stays_away(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    server, other = await start_server(presence_grace_seconds=2), await start_server(presence_grace_seconds=2)
    owner, member, stranger = await start_phone(server), await start_phone(other), await start_phone(server)
    circle = (await owner.ok("circle:create", name="Night watch"))["circle"]
    await member.ok("circle:join", circle_id=circle["id"])
    await member.ok("presence:set", status="helping")
    here = {"account_id": member.id, "status": "helping"}
    told = await owner.received("presence:changed", lambda told: told["data"] == here)
    assert told["room"] == f"circle:{circle['id']}"
    assert "seq" not in told
    await member.close()
    gone = {"account_id": member.id, "status": "offline"}
    await owner.received("presence:changed", lambda told: told["data"] == gone)
    assert not stranger.all("presence:changed")


async def test_typing_is_told_in_the_open_thread_alone(server: Running, start_phone: StartPhone) -> None:
    author, helper, outsider = [await start_phone(server) for _ in range(3)]
    post = (await author.ok("post:create", **SOS))["post"]["id"]
    for phone in (author, helper):
        await phone.ok("post:open", post_id=post)
    await helper.ok("typing:start", post_id=post)
    told = await author.received("typing")
    assert told["data"] == {"post_id": post, "account_id": helper.id, "typing": True}
    await helper.ok("typing:stop", post_id=post)
    await author.received("typing", lambda told: told["data"]["typing"] is False)
    assert (await outsider.refused("typing:start", {"post_id": post}))["code"] == "not_found"
    assert not outsider.all("typing")


async def test_what_is_ephemeral_is_not_replayed(server: Running, start_phone: StartPhone) -> None:
    author, helper = await start_phone(server), await start_phone(server)
    post = (await author.ok("post:create", **{**SOS, "type": "question"}))["post"]["id"]
    thread = await author.ok("post:open", post_id=post)
    await helper.ok("post:open", post_id=post)
    await helper.ok("typing:start", post_id=post)
    await author.received("typing")
    position = {"epoch": thread["position"]["epoch"], "seq": thread["position"]["seq"]}
    answer = await author.ok("resume", positions={f"post:{post}": position})
    assert answer[f"post:{post}"]["recovered"] is True
    assert answer[f"post:{post}"]["events"] == []


@pytest.mark.parametrize("change", ["presence:set", "post:edit_urgency"])
async def test_nobody_makes_everybody_hear_of_their_changes_without_end(
    start_server: StartServer, start_phone: StartPhone, change: str
) -> None:
    server = await start_server(presence_changes_per_minute=3, post_changes_per_hour=3)
    phone = await start_phone(server)
    post = (await phone.ok("post:create", **SOS))["post"]["id"]
    data = {"status": "helping"} if change == "presence:set" else {"post_id": post, "urgency": 4}
    for _ in range(3):
        await phone.ok(change, **data)
    refused = await phone.refused(change, data)
    assert (refused["code"], refused["retry_after"] > 0) == ("rate_limited", True)
