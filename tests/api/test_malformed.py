"""What is not HTTP: refused in the shape of every refusal, and neither repeated nor written down."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web

from api.app import build_app
from api.runner import Runner
from domain.ports import Ports
from telemetry.logs import configure_logs

CANARY = b"canary-7f3a"
MALFORMED = {
    "no method": b"BLAH " + CANARY + b"\r\n\r\n",
    "no version": b"GET /" + CANARY + b" HTTP/9.9\r\nHost: x\r\n\r\n",
    "a NUL in the address": b"GET /v1/" + CANARY + b"\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\nHost: x\r\n: " + CANARY + b"\r\n\r\n",
    "a header too long": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + CANARY * 1000 + b"\r\n\r\n",
    "an address too long": b"GET /" + CANARY * 1000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a length that is none": b"POST /v1/auth/register HTTP/1.1\r\nContent-Length: " + CANARY + b"\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + CANARY,
    "a chunk that is none": (
        b"POST /v1/auth/register HTTP/1.1\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + CANARY + b"\r\n"
    ),
}


@pytest.fixture
async def port(ports: Ports) -> AsyncIterator[int]:
    runner = Runner(build_app(ports), access_log=None, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the logs of a server say; pytest's own are put back."""
    kept, level, stream = logging.root.handlers[:], logging.root.level, io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    configure_logs("info", "json", process="server")
    yield stream
    logging.root.handlers[:] = kept
    logging.root.setLevel(level)


async def answer_to(request: bytes, port: int) -> tuple[bytes, bytes]:
    """Head and body; the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(10):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head, body


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_not_http_is_refused_like_everything_else(
    name: str, port: int, written: io.StringIO
) -> None:
    head, body = await answer_to(MALFORMED[name], port)
    assert b" 400 " in head.splitlines()[0]
    assert json.loads(body)["error"]["code"] == "invalid"
    assert b"X-Content-Type-Options: nosniff" in head
    assert b"aiohttp" not in head
    assert CANARY not in head + body
    lines = written.getvalue().splitlines()
    assert not any(CANARY.decode() in line or "127.0.0.1" in line for line in lines)
    assert [json.loads(line)["level"] for line in lines] in (["info"], [])


async def test_what_no_server_knows_to_do_is_refused_like_everything_else(
    port: int, written: io.StringIO
) -> None:
    head, body = await answer_to(b"GET /v1/me HTTP/1.1\r\nHost: x\r\nExpect: " + CANARY + b"\r\n\r\n", port)
    assert b" 417 " in head.splitlines()[0]
    assert json.loads(body)["error"]["code"] == "invalid"
    assert b"X-Content-Type-Options: nosniff" in head
    assert CANARY not in head + body
    assert CANARY.decode() not in written.getvalue()


async def test_a_request_that_is_one_is_answered_as_ever(port: int) -> None:
    head, body = await answer_to(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", port)
    assert b" 200 " in head.splitlines()[0]
    assert json.loads(body) == {"ok": True}


async def test_who_leaves_before_the_answer_is_no_error_of_ours(written: io.StringIO) -> None:
    reached, ended = asyncio.Event(), asyncio.Event()

    async def hear_out(request: web.Request) -> web.Response:
        reached.set()
        try:
            return web.Response(body=await request.read())
        finally:
            ended.set()

    app = web.Application()
    app.router.add_post("/", hear_out)
    runner = Runner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
    async with asyncio.timeout(60):
        await reached.wait()
        writer.transport.abort()
        await ended.wait()
    await runner.cleanup()
    assert written.getvalue() == ""
