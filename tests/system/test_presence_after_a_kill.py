"""A server dies under its phones: who comes back in time never left, who does not is gone after the grace."""

from demo.cluster import Cluster
from tests.system.conftest import StartPhone

GRACE = {"PRESENCE_GRACE_SECONDS": "4"}


async def test_a_killed_server_leaves_no_ghost_and_its_phones_do_not_flicker(
    servers: Cluster, start_phone: StartPhone
) -> None:
    healthy, doomed = await servers.server(**GRACE), await servers.server(**GRACE)
    owner = await start_phone(healthy)
    quick, gone = await start_phone(doomed), await start_phone(doomed)
    circle = (await owner.send("circle:create", name="Night watch"))["circle"]["id"]
    for phone in (quick, gone):
        await phone.send("circle:join", circle_id=circle)
        await phone.send("presence:set", status="helping")
        here = {"account_id": phone.account["id"], "status": "helping"}
        await owner.received("presence:changed", lambda told, here=here: told["data"] == here)
    mark = len(owner.heard)
    await doomed.kill()
    await quick.connect(healthy.url)
    lost = {"account_id": gone.account["id"], "status": "offline"}
    await owner.received("presence:changed", lambda told: told["data"] == lost, since=mark)
    told = [data["data"] for name, data in owner.heard[mark:] if name == "presence:changed"]
    assert told == [lost]
