"""A worker's part in serving the port: every connection is served by the worker that owns its session."""

import asyncio
import logging
import socket
from functools import partial
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from realtime.engine import Server
from realtime.front import removal
from realtime.front.door import Adopted, Door
from realtime.front.inbox import Inbox
from realtime.front.line import Line
from realtime.front.parcel import Parcel
from realtime.front.place import Place

logger = logging.getLogger(__name__)

BACKLOG: Final = 4_096


class Front:
    """`join` an application, `listen` when its runner is set up, `stop_accepting` before a drain.

    What `listen` opened is closed when the runner is cleaned up.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._lines = {
            index: Line(place.address(index)) for index in range(place.processes) if index != place.index
        }
        self._site: _Site | None = None
        self._body_bytes_max = 0

    def join(self, app: web.Application, engine: Server) -> None:
        """Give the engine's sessions marked ids, and let no request for another worker's reach `app`."""
        make_id: Any = engine.eio.generate_id
        engine.eio.generate_id = lambda: self.place.mark(make_id())  # type: ignore[method-assign]
        self._body_bytes_max = engine.max_payload
        app.middlewares.insert(0, self._remove)

    async def listen(self, runner: web.AppRunner, *, backlog: int = BACKLOG) -> None:
        """Accept connections on the port, and from the other workers. Raises OSError."""
        self._site = _Site(runner, self, backlog)
        await self._site.start()

    def stop_accepting(self) -> None:
        """Leave new connections to the others. Requests for sessions that are here still arrive."""
        if self._site is not None:
            self._site.close_door()

    def hand_over(self, transport: asyncio.Transport, owner: int, data: bytes) -> bool:
        """Give a connection to its owner, who reads `data` first. False: it is still ours, serve it."""
        try:
            parcel = Parcel(transport.get_extra_info("socket").fileno(), data)
        except OSError as error:
            logger.warning("a connection cannot be handed over: %s", error)
            return False
        if self._lines[owner].send(parcel):
            return True
        parcel.close()
        return False

    def hand_over_first(self, transport: asyncio.Transport, request_line: bytes, data: bytes) -> bool:
        """`hand_over` for a connection that begins with `request_line`, if it is not for this worker."""
        owner = self.place.other_owner_in(request_line)
        return owner is not None and self.hand_over(transport, owner, data)

    def hang_up(self) -> None:
        """Close the lines to the other workers."""
        for line in self._lines.values():
            line.close()

    @web.middleware
    async def _remove(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        owner = self.place.other_owner(request.query.get("sid", "")) if request.query_string else None
        if owner is None:
            return await handler(request)
        try:
            body = await removal.body(request, self._body_bytes_max)
            transport = await removal.flushed(request)
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        if transport is None:
            raise ConnectionResetError("client is gone")
        if self.hand_over(transport, owner, removal.written_anew(request, body)):
            return removal.let_go(request, transport)
        # The owner is dead, and the session with it: the engine says so.
        transport.set_write_buffer_limits()
        transport.resume_reading()
        return await handler(request)


class _Site(web.BaseSite):
    """The listening sockets, in the form that an aiohttp runner closes."""

    def __init__(self, runner: web.AppRunner, front: Front, backlog: int) -> None:
        super().__init__(runner, backlog=backlog)
        assert runner.server is not None  # noqa: S101 - BaseSite has refused that
        self._serve = runner.server
        self._front = front
        self._doors: set[Door] = set()
        self._adoptions: set[asyncio.Task[Any]] = set()
        self._inbox = Inbox(front.place.address(front.place.index), self._adopt)

    @property
    def name(self) -> str:
        return f"http://{self._front.place.host}:{self._front.place.port}"

    async def start(self) -> None:
        await super().start()
        place = self._front.place
        # First: as soon as this worker gives sessions away, the others may have requests for them.
        self._inbox.open()
        self._server = await asyncio.get_running_loop().create_server(
            partial(Door, self._serve, self._front.hand_over_first, self._doors),
            place.host,
            place.port,
            backlog=self._backlog,
            reuse_address=True,
            reuse_port=True,
        )
        place.pulse.begin()

    def close_door(self) -> None:
        if self._server is not None:
            self._server.close()

    async def stop(self) -> None:
        await super().stop()
        self._front.place.pulse.end()
        self._inbox.close()
        self._front.hang_up()
        for door in list(self._doors):
            door.close()
        await asyncio.gather(*self._adoptions, return_exceptions=True)

    def _adopt(self, connection: socket.socket, first_bytes: bytes) -> None:
        task = asyncio.create_task(self._let_in(connection, first_bytes), name="adoption")
        self._adoptions.add(task)
        task.add_done_callback(self._adoptions.discard)

    async def _let_in(self, connection: socket.socket, first_bytes: bytes) -> None:
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                partial(Adopted, self._serve, first_bytes), connection
            )
        except OSError as error:  # it was closed on its way
            logger.debug("a connection did not arrive: %s", error)
            connection.close()
