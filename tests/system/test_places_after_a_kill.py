"""A server dies under the devices of an account: their places are free long before their leases lapse."""

import asyncio

import socketio.exceptions

from demo.cluster import Cluster
from demo.phone import Phone
from tests.system.conftest import StartPhone

LEASE_SECONDS = 60
RETRY_SECONDS = 0.2


async def test_a_device_of_a_killed_server_is_let_in_elsewhere(
    servers: Cluster, start_phone: StartPhone
) -> None:
    settings = {"SOCKETS_PER_ACCOUNT": "1", "SOCKET_LEASE_SECONDS": str(LEASE_SECONDS)}
    healthy, doomed = await servers.server(**settings), await servers.server(**settings)
    phone = await start_phone(doomed)
    await doomed.kill()
    await phone.dropped()
    async with asyncio.timeout(LEASE_SECONDS / 2):
        while not await let_in(phone, healthy.url):  # noqa: ASYNC110
            await asyncio.sleep(RETRY_SECONDS)


async def let_in(phone: Phone, url: str) -> bool:
    try:
        await phone.connect(url)
    except socketio.exceptions.ConnectionError:
        return False
    return True
