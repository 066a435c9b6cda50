"""A TCP connection that can be cut: phones reach a server through it."""

import asyncio
from contextlib import suppress

from db.embedded.port import free_port

PIECE_BYTES = 65_536


class Cable:
    """Listens on a port of its own and leads to `target_port`, whoever listens there."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self.port = free_port()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def plug(self) -> None:
        """Again at the same port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def unplug(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Both ends see a reset; what was on the way is gone."""
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        await asyncio.wait(
            [asyncio.ensure_future(pump(reader, back)), asyncio.ensure_future(pump(there, writer))]
        )
        self._writers -= {writer, back}


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until either end is gone; then the other is as well."""
    with suppress(OSError, asyncio.CancelledError):
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    writer.transport.abort()
