"""An answer by voice over the socket, on real stores."""

from typing import Any

from domain import voice_notes
from domain.ids import new_id
from domain.voice_notes import AddVoiceNote
from tests.realtime.conftest import Phone, Running, StartPhone
from tests.recordings import recording

SOS: dict[str, Any] = {"client_id": "phone-a-0001", "type": "sos", "content": "I am about to drink."}


async def voice_note(phone: Phone, server: Running) -> str:
    """The id of a note that was uploaded."""
    claims = server.ports.tokens.verify(phone.account.tokens.access_token, server.ports.now())
    user = await server.ports.records.sessions.user_of(claims.session_id)
    assert user is not None
    command = AddVoiceNote(client_id=new_id(), audio=recording("voice.m4a"))
    return (await voice_notes.add_voice_note(command, user, server.ports)).id


async def test_a_voice_reaches_the_author_and_the_open_thread_once(
    server: Running, start_phone: StartPhone
) -> None:
    author, helper, reader = [await start_phone(server) for _ in range(3)]
    post = (await author.ok("post:create", **SOS))["post"]
    await reader.ok("post:open", post_id=post["id"])
    note_id = await voice_note(helper, server)
    said = {"client_id": "helper-0001", "post_id": post["id"], "type": "voice", "voice_note_id": note_id}
    first, again = await helper.ok("support:respond", **said), await helper.ok("support:respond", **said)
    assert first == again
    assert first["response"]["voice_note"]["id"] == note_id
    for phone in (author, reader):
        heard = await phone.received("response:new")
        assert heard["data"]["response"]["voice_note"] == first["response"]["voice_note"]
    attention = await author.received("sos:attention", lambda told: told["data"]["state"] == "answered")
    assert attention["data"]["post_id"] == post["id"]
    refused = await helper.refused("support:respond", {**said, "client_id": "helper-0002"})
    assert (refused["code"], refused["field"]) == ("conflict", "voice_note_id")


async def test_a_voice_names_a_note_of_ones_own_and_says_nothing_else(
    server: Running, start_phone: StartPhone
) -> None:
    author, helper = await start_phone(server), await start_phone(server)
    post = (await author.ok("post:create", **SOS))["post"]
    note_id = await voice_note(author, server)
    said = {"client_id": "helper-0001", "post_id": post["id"], "type": "voice"}
    for fields, field in (
        ({}, "voice_note_id"),
        ({"voice_note_id": note_id}, "voice_note_id"),
        ({"voice_note_id": new_id()}, "voice_note_id"),
        ({"voice_note_id": note_id, "content": "Hi"}, "content"),
        ({"voice_note_id": note_id, "type": "text", "content": "Hi"}, "voice_note_id"),
    ):
        refused = await helper.refused("support:respond", {**said, **fields})
        assert (fields, refused["code"], refused["field"]) == (fields, "invalid", field)


async def test_a_deleted_voice_is_told_to_be_gone(server: Running, start_phone: StartPhone) -> None:
    author, helper = await start_phone(server), await start_phone(server)
    post = (await author.ok("post:create", **SOS))["post"]
    said = {"client_id": "helper-0001", "post_id": post["id"], "type": "voice"}
    answer = await helper.ok("support:respond", **said, voice_note_id=await voice_note(helper, server))
    await helper.ok("response:delete", response_id=answer["response"]["id"])
    gone = await author.received("response:removed")
    assert gone["data"]["response_id"] == answer["response"]["id"]
    assert (await author.ok("post:open", post_id=post["id"]))["responses"]["items"] == []
