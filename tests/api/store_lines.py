"""Lines to the stores that a test can cut: what an outage looks like to the process under test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit


class Line:
    """A port of our own that leads to a store, until it is cut."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 0)
        self._url = url
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.url = url

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        parts, port = urlsplit(self._url), self._server.sockets[0].getsockname()[1]
        account = parts.netloc.rpartition("@")[0]
        place = f"{account}@127.0.0.1:{port}" if account else f"127.0.0.1:{port}"
        self.url = urlunsplit(parts._replace(netloc=place))

    def cut(self) -> None:
        """Refuses new connections and drops the present ones."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        store_reader, store_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, store_writer}
        await asyncio.gather(_pump(reader, store_writer), _pump(store_reader, writer))
        self._writers -= {writer, store_writer}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.transport.abort()


@asynccontextmanager
async def lines(*urls: str) -> AsyncIterator[list[Line]]:
    opened = [Line(url) for url in urls]
    for line in opened:
        await line.open()
    try:
        yield opened
    finally:
        for line in opened:
            line.cut()
