"""Lines to the stores that a test slows down, stops and cuts: what a bad network looks like to a driver."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from db.embedded.port import free_port

CHUNK_BYTES = 65_536


class StoreLine:
    """A port of our own that leads to the store behind `url`; `url` of this object leads through it.

    `delay_seconds` holds up every chunk in each direction.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.delay_seconds = 0.0
        self._behind = url
        self._target = (parts.hostname or "127.0.0.1", parts.port or 0)
        self._passing = asyncio.Event()
        self._passing.set()
        self._port = free_port()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        parts = urlsplit(self._behind)
        account = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        return urlunsplit(parts._replace(netloc=f"{account}127.0.0.1:{self._port}"))

    async def open(self) -> None:
        """Takes connections, after a cut on the same port as before."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)

    def cut(self) -> None:
        """Refuses new connections and drops the present ones."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    def stop(self) -> None:
        """Lets nothing pass: connections stay open and nobody answers."""
        self._passing.clear()

    def go_on(self) -> None:
        """What was held up arrives now."""
        self.delay_seconds = 0.0
        self._passing.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        store_reader, store_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, store_writer}
        await asyncio.gather(self._pump(reader, store_writer), self._pump(store_reader, writer))
        self._writers -= {writer, store_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK_BYTES):
                await self._passing.wait()
                await asyncio.sleep(self.delay_seconds)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()


@asynccontextmanager
async def store_lines(*urls: str) -> AsyncIterator[list[StoreLine]]:
    """One to each store, for as long as the block runs."""
    lines = [StoreLine(url) for url in urls]
    for line in lines:
        await line.open()
    try:
        yield lines
    finally:
        for line in lines:
            line.go_on()
            line.cut()
