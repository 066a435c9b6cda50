"""Stands in for Apple: HTTP/2 over TLS, one stream for each push."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived, StreamEnded

from tests.push.authority import Authority
from tests.push.received import Received, Reply, Request


class Apple(Received):
    """`replies` are chosen by a part of the device token."""

    url = ""
    connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talk = Talk(self)
        writer.write(talk.start())
        while data := await reader.read(65_536):
            writer.write(talk.hear(data))
            await writer.drain()
        writer.close()


class Talk:
    """One connection."""

    def __init__(self, apple: Apple) -> None:
        self._apple = apple
        self._http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._headers: dict[int, dict[str, str]] = {}
        self._bodies: dict[int, bytes] = {}

    def start(self) -> bytes:
        self._http.initiate_connection()
        return self._http.data_to_send()

    def hear(self, data: bytes) -> bytes:
        for event in self._http.receive_data(data):
            self._take(event)
        return self._http.data_to_send()

    def _take(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._headers[event.stream_id] = {str(name): str(value) for name, value in event.headers}
            self._bodies[event.stream_id] = b""
        elif isinstance(event, DataReceived):
            self._bodies[event.stream_id] += event.data
            self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            self._answer(event.stream_id)

    def _answer(self, stream: int) -> None:
        headers = self._headers.pop(stream)
        request = Request(headers[":path"], headers, self._bodies.pop(stream))
        reply = self._apple.reply_to(request, Reply())
        body = msgspec.json.encode(reply.body) if reply.body else b""
        named = [(":status", str(reply.status))]
        named += [(name.lower(), value) for name, value in reply.headers.items()]
        self._http.send_headers(stream, named, end_stream=not body)
        if body:
            self._http.send_data(stream, body, end_stream=True)


@asynccontextmanager
async def serve_apple(authority: Authority) -> AsyncIterator[Apple]:
    apple = Apple()
    server = await asyncio.start_server(apple.serve, "127.0.0.1", 0, ssl=authority.server("h2"))
    apple.url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield apple
