"""Who comes back is never sent words that were masked meanwhile, by whatever way they come back."""

from typing import Any

from domain import scanning
from domain.rooms import Position
from tests.realtime.conftest import Phone, Running, StartPhone

NUMBER = "0151 234 5678"
TEXT = f"You can reach me, call me on {NUMBER} tonight"


async def positions_of(server: Running, *rooms: str) -> dict[str, Any]:
    found = await server.ports.rooms.positions(rooms)
    return {room: {"epoch": one.epoch, "seq": one.seq} for room, one in found.items()}


async def masked_post(author: Phone, server: Running) -> str:
    """A post that was told and then masked; its id."""
    said = {"client_id": "replay-post-1", "type": "question", "content": TEXT}
    id = (await author.ok("post:create", **said))["post"]["id"]
    await author.received("post:new")
    await scanning.scan_post(id, server.ports)
    changed = await author.received("post:changed")
    assert NUMBER not in str(changed)
    return str(id)


async def test_a_masked_post_is_replayed_masked_to_phones_and_to_those_who_ask(
    server: Running, start_phone: StartPhone
) -> None:
    author, reader = await start_phone(server), await start_phone(server)
    before = await positions_of(server, "feed")
    await reader.close()
    id = await masked_post(author, server)
    back = Phone(reader.account)
    ready = await back.connect(server.url, positions=before)
    assert ready["rooms"]["feed"]["recovered"]
    assert [name for name, _ in back.heard][:2] == ["post:new", "post:changed"]
    assert {told["data"]["post"]["id"] for told in back.all("post:new")} == {id}
    assert NUMBER not in str(back.heard)
    asked = await back.ok("resume", positions=before)
    assert (len(asked["feed"]["events"]), NUMBER in str(asked)) == (2, False)
    await back.close()


async def test_a_masked_answer_is_heard_anew_and_replayed_masked(
    server: Running, start_phone: StartPhone
) -> None:
    author, helper = await start_phone(server), await start_phone(server)
    said = {"client_id": "replay-post-2", "type": "question", "content": "Anyone awake?"}
    post = (await author.ok("post:create", **said))["post"]["id"]
    rooms = f"post:{post}", f"user:{author.id}"
    before = await positions_of(server, *rooms)
    await author.ok("post:open", post_id=post)
    answer = {"client_id": "replay-answer-1", "post_id": post, "content": TEXT}
    id = (await helper.ok("support:respond", **answer))["response"]["id"]
    await author.received("response:new")
    await scanning.scan_response(id, server.ports)
    heard = await author.received("response:changed")
    assert (heard["data"]["response"]["id"], NUMBER in str(heard)) == (id, False)
    await author.close()
    back = Phone(author.account)
    ready = await back.connect(server.url, positions=before)
    assert all(ready["rooms"][room]["recovered"] for room in rooms)
    assert [len(back.all("response:new", room)) for room in rooms] == [1, 1]
    assert NUMBER not in str(back.heard)
    await back.close()


async def test_a_server_that_missed_the_telling_catches_up_with_the_words_of_now(
    server: Running, start_phone: StartPhone
) -> None:
    """Its feed is deaf while the post is told and masked, then reads what it missed from the log."""
    author, reader = await start_phone(server), await start_phone(server)
    mirror = server.realtime.rooms._mirrors["feed"]
    said = {"client_id": "replay-post-3", "type": "question", "content": TEXT}
    seen = Position(epoch=mirror.epoch, seq=mirror.seq)
    mirror.following = True
    mirror.epoch = "deaf"
    post = (await author.ok("post:create", **said))["post"]["id"]
    await server.ports.announcer.drain()
    await scanning.scan_post(post, server.ports)
    await server.ports.announcer.drain()
    mirror.following, mirror.epoch, mirror.heard = False, seen.epoch, None
    server.realtime.rooms._heard_again("feed")
    await reader.received("post:changed")
    assert NUMBER not in str(reader.heard)


async def test_an_author_gives_a_warning_that_others_hear_of(
    server: Running, start_phone: StartPhone
) -> None:
    author, reader = await start_phone(server), await start_phone(server)
    said = {"client_id": "replay-post-4", "type": "check_in", "content": "Day 3 after a slip."}
    post = (await author.ok("post:create", **said))["post"]["id"]
    await author.ok("post:edit_warning", post_id=post, content_warning="relapse")
    changed = await reader.received("post:changed")
    assert changed["data"]["post"]["content_warning"] == "relapse"
    assert (await reader.refused("post:edit_warning", {"post_id": post}))["code"] == "forbidden"
