"""An erasure through every door: asked for over REST, done by a worker, seen by its receipt."""

import asyncio
from typing import Any

from demo.cluster import Cluster
from demo.phone import Phone
from tests.system.conftest import StartPhone

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.2


async def receipt(phone: Phone, receipt_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = await phone.rest("GET", f"/v1/erasures/{receipt_id}")
    return answer


async def test_a_worker_takes_away_what_an_erased_person_gave(
    servers: Cluster, start_phone: StartPhone
) -> None:
    first, second, _ = await asyncio.gather(servers.server(), servers.server(), servers.worker())
    author, reader = await start_phone(first), await start_phone(second)
    sent = await author.send("post:create", client_id="erased-1", type="question", content="Only for now.")
    post_id = sent["post"]["id"]
    circle = await author.send("circle:create", name="Early mornings")
    await reader.send("circle:join", circle_id=circle["circle"]["id"])
    await reader.received("post:new", lambda told: told["data"]["post"]["id"] == post_id)
    asked = await author.rest("DELETE", "/v1/me", {"recovery_code": author.recovery_code})
    assert (await author.received("session:ended"))["code"] == "erased"
    await reader.received("post:removed", lambda told: told["data"]["post_id"] == post_id)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while "room_events" not in (shown := await receipt(reader, asked["receipt_id"]))["erased"]:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
    assert (shown["erased"]["posts"], shown["erased"]["circles"], shown["state"]) == (1, 1, "running")
    await reader.received("circle:member", lambda told: told["data"]["action"] == "role_changed")
