"""A server is told to stop while somebody sends a body without end, and somebody else reads no answer."""

import asyncio
from urllib.parse import urlsplit

from demo.cluster import Cluster
from tests.system.conftest import StartPhone

HEAD = "POST /v1/me/devices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\n"
ANSWERS = "GET /docs HTTP/1.1\r\nHost: x\r\n\r\n" * 300


async def test_who_neither_sends_nor_reads_holds_up_no_stop(
    servers: Cluster, start_phone: StartPhone
) -> None:
    await servers.server()  # its stores are not stopped with this one
    server = await servers.server()
    phone = await start_phone(server)
    address = urlsplit(server.url)
    body = HEAD.format(token=phone.tokens["access_token"])
    lines = [await asyncio.open_connection(address.hostname, address.port, limit=1024) for _ in range(2)]
    for (_, writer), text in zip(lines, (body, ANSWERS), strict=True):
        writer.write(text.encode())
    assert await lines[1][0].readline() == b"HTTP/1.1 200 OK\r\n"
    assert await server.stop() == 0
    for _, writer in lines:
        writer.transport.abort()
