"""A circle's rules reach the worker: the same words at strict and lenient."""

import asyncio

from demo.cluster import Cluster
from demo.phone import Phone
from tests.system.conftest import StartPhone

VILE = "kill yourself, nobody wants you here, you are worthless"
UNLOCATED = "find me on the bird app, same name as here"


async def said(phone: Phone, text: str, circle_id: str) -> str:
    fields = {"client_id": f"rules-{text[:4]}-{circle_id[-8:]}", "type": "question", "content": text}
    made = await phone.send("post:create", **fields, circle_id=circle_id, visibility="circle")
    return str(made["post"]["id"])


async def test_the_same_words_are_treated_by_the_rules_of_their_circle(
    servers: Cluster, start_phone: StartPhone
) -> None:
    server, _ = await asyncio.gather(servers.server(), servers.worker())
    strict, lenient = await start_phone(server), await start_phone(server)
    rooms = {
        phone: (await phone.send("circle:create", name="Night watch", filter_level=level))["circle"]["id"]
        for phone, level in ((strict, "strict"), (lenient, "lenient"))
    }
    for phone, circle_id in rooms.items():
        member = await start_phone(server)
        await member.send("circle:join", circle_id=circle_id)
        unlocated, vile = [await said(phone, text, circle_id) for text in (UNLOCATED, VILE)]
        expected = {vile: "hidden", unlocated: "held"} if phone is strict else {vile: "held"}
        for id in expected:
            await member.received("post:removed", lambda told, id=id: told["data"]["post_id"] == id)
        statuses = {
            post["id"]: post["status"] for post in (await phone.rest("GET", "/v1/me/history"))["items"]
        }
        assert {id: statuses[id] for id in (vile, unlocated)} == {unlocated: "live", **expected}
