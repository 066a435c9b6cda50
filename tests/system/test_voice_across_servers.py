"""A voice from one phone to another: uploaded to one server, said through a second, heard from the first."""

import asyncio

import aiohttp

from demo.cluster import Cluster
from demo.phone import Phone
from tests.recordings import recording, rewritten
from tests.system.conftest import StartPhone


async def upload(phone: Phone, url: str, client_id: str, file: bytes) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {phone.tokens['access_token']}", "Content-Type": "audio/webm"}
    path = f"{url}/v1/voice-notes?client_id={client_id}"
    async with phone.http.post(path, data=file, headers=headers) as response:
        assert response.status == 201
        return dict(await response.json())


async def hear(phone: Phone, url: str, note_id: object, **headers: str) -> tuple[int, bytes]:
    sent = {"Authorization": f"Bearer {phone.tokens['access_token']}", **headers}
    async with phone.http.get(f"{url}/v1/voice-notes/{note_id}", headers=sent) as response:
        return response.status, await response.read()


async def test_a_voice_is_heard_across_servers_and_gone_when_it_is_taken_back(
    servers: Cluster, start_phone: StartPhone
) -> None:
    one, other, _ = await asyncio.gather(servers.server(), servers.server(), servers.worker())
    author, helper = await start_phone(one), await start_phone(other)
    post = (
        await author.send("post:create", client_id="please-help", type="sos", content="I am about to drink.")
    )["post"]
    note = await upload(helper, one.url, "my-voice-1", recording("voice.webm"))
    assert (await hear(author, one.url, note["id"]))[0] == 404
    answer = await helper.send(
        "support:respond",
        client_id="my-answer-1",
        post_id=post["id"],
        type="voice",
        voice_note_id=note["id"],
    )
    told = await author.received("response:new")
    assert told["data"]["response"]["voice_note"] == note
    sound = rewritten(recording("voice.webm")).data
    assert await hear(author, one.url, note["id"]) == (200, sound)
    assert await hear(author, other.url, note["id"], Range="bytes=100-199") == (206, sound[100:200])
    earned = await helper.received("points:changed")
    assert (earned["data"]["change"], earned["data"]["balance"]) == (5, 5)
    assert (await author.received("notification:new"))["data"]["notification"]["kind"] == "response"
    await helper.send("response:delete", response_id=answer["response"]["id"])
    assert (await hear(author, one.url, note["id"]))[0] == 410
    lost = await helper.received("points:changed", lambda event: event["data"]["change"] < 0)
    assert (lost["data"]["change"], lost["data"]["balance"]) == (-5, 0)
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.get(f"{one.url}/v1/voice-notes/{note['id']}") as asked,
    ):
        assert asked.status == 401
