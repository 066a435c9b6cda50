"""The realtime server: the engine, the entrance, the rooms and the actors, put together."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

import msgspec
import structlog
from aiohttp import web

from domain import blocks
from domain import rooms as room_names
from domain.errors import DomainError, NotFound, Unavailable
from domain.ports import Ports, RoomFeed
from domain.rooms import Logged
from realtime.actor import Actors
from realtime.actors.account import AccountActor
from realtime.actors.blocks import BlockActor
from realtime.actors.circles import CircleActor
from realtime.actors.posts import PostActor
from realtime.actors.presence import PresenceActor
from realtime.actors.reports import ReportActor
from realtime.actors.support import SupportActor
from realtime.actors.trackers import TrackerActor
from realtime.circles import leave_circle, leave_unseen_threads, return_to_circle
from realtime.client import Client
from realtime.engine import Bounds, Connection, Server
from realtime.entrance import Entrance, refusal_of
from realtime.leases import LeaseKeeper
from realtime.metrics import ENGINES
from realtime.presence import PresenceKeeper
from realtime.rooms import Rooms
from realtime.sessions import Sessions
from realtime.signs import Signs
from realtime.tracing import traced
from telemetry.tracing import is_on

log = structlog.get_logger(__name__)

FEED_SILENT_SECONDS_MAX = 10.0
INSIST_SECONDS = 0.2
ENDED_PER_TURN = 100
RELOAD_SECONDS = 0.5


class MemberData(msgspec.Struct):
    """The part of a `circle:member` envelope that moves sockets."""

    circle_id: str
    action: str


class MemberEnvelope(msgspec.Struct):
    data: MemberData


class Realtime:
    """Serves Socket.IO on an aiohttp application. `start`, then `drain` and `stop`."""

    def __init__(self, ports: Ports, feed: RoomFeed) -> None:
        settings = ports.settings
        self.ports = ports
        self.engine = Server(
            bounds=Bounds(
                max_connections=settings.connections_max, outbound_bytes=settings.outbound_buffer_bytes
            ),
            max_http_buffer_size=settings.payload_bytes_max * 2,
            cors_allowed_origins=list(settings.cors_origins) or None,
        )
        self.engine.refusal = lambda why: refusal_of(Unavailable())
        self.sessions = Sessions(self.engine, ports)
        self.engine.slow_consumer_frame = self.sessions.farewell("slow_consumer")
        self.rooms = Rooms(self.engine, feed, ports, broken=self._end_broken)
        self.rooms.watch("circle:member", self._follow_membership)
        self.rooms.watch(blocks.CHANGED, self._follow_blocks)
        self.presence = PresenceKeeper(self.sessions, ports)
        self.leases = LeaseKeeper(self.sessions, ports)
        self.signs = Signs(self.sessions, self.rooms, ports)
        self.entrance = Entrance(
            ports, self.rooms, self.sessions, self.leases, self.signs, arrived=self._arrived
        )
        self.cast = (
            PostActor(ports, self.rooms),
            SupportActor(ports),
            CircleActor(ports, self.rooms),
            AccountActor(ports),
            PresenceActor(ports, self.rooms),
            TrackerActor(ports),
            BlockActor(ports, self.rooms),
            ReportActor(ports),
        )
        self.actors = Actors(self.cast, settings, end=self.sessions.end)
        self.engine.on_connect(self.entrance.connect)
        self.engine.on_disconnect(self.entrance.disconnect)
        self.engine.on_raw(self._receive)
        self._tasks: set[asyncio.Task[Any]] = set()

    def attach(self, app: web.Application) -> None:
        self.engine.attach(app)

    def start(self) -> None:
        ENGINES.engines.add(self.engine)
        self._start(self.rooms.run(), "room-feed")
        self._start(self.sessions.watch(), "session-watch")
        self._start(self.presence.run(), "presence")
        self._start(self.leases.run(), "leases")

    @property
    def hearing(self) -> bool:
        """False when nothing came from the room feed for too long: then nobody here is told anything."""
        return self.rooms.silent_seconds() < FEED_SILENT_SECONDS_MAX

    async def drain(self) -> None:
        """Refuses newcomers, lets handlers finish, tells clients to come back elsewhere, closes them."""
        await self.engine.drain(self.sessions.farewell("draining"), self.ports.settings.drain_seconds)
        await self.leases.release()

    async def stop(self) -> None:
        """Insists: `asyncio.wait_for` of Python 3.11, which redis-py uses, may swallow a cancellation."""
        ENGINES.engines.discard(self.engine)
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=INSIST_SECONDS)

    def _receive(
        self, connection: Connection, event: str, arguments: bytes, namespace: str
    ) -> Coroutine[Any, Any, bytes]:
        if is_on():
            return traced(self.actors, connection.user, event, arguments)
        return self.actors.receive(connection.user, event, arguments)

    def _arrived(self, client: Client) -> None:
        self._start(self.presence.arrive(client.user.id), "presence-arrive")
        self.sessions.note_use(client)

    def _end_broken(self, clients: list[Client]) -> None:
        self._start(self._end_in_turns(clients), "end-broken")

    async def _end_in_turns(self, clients: list[Client]) -> None:
        """They come back with their positions and are told what cannot be replayed."""
        for number, client in enumerate(clients, 1):
            self.sessions.end(client, "draining")
            if number % ENDED_PER_TURN == 0:
                await asyncio.sleep(0)

    def _follow_membership(self, room: str, event: Logged) -> None:
        """Every phone of a member enters or leaves the circle's room with the event that says so."""
        change = msgspec.json.decode(event.body, type=MemberEnvelope).data
        gone = change.action in {"left", "removed"}
        if gone:
            # Threads of the circle may be open, and it may be a private one.
            self._start(self._reload_blocks(event.actor), "threads-reload")
        for client in self.sessions.of_account(event.actor):
            joined = change.action == "joined" and room == room_names.user_room(event.actor)
            if joined or (gone and leave_circle(client, change.circle_id, self.rooms)):
                self._start(self._enter(client, change.circle_id), "circle-enter")

    async def _enter(self, client: Client, circle_id: str) -> None:
        """Insists while the client is here; who is no member stays outside."""
        while client.here:
            try:
                if not await return_to_circle(client, circle_id, self.rooms, self.ports):
                    self._end_broken([client])
            except NotFound:
                client.left.pop(circle_id, None)
                return
            except DomainError as error:
                log.warning("circle.join_failed", code=error.code)
                await asyncio.sleep(RELOAD_SECONDS)
            else:
                return

    def _follow_blocks(self, room: str, event: Logged) -> None:
        """Each of two people between whom a block came or went is heard of in their own room."""
        self._start(self._reload_blocks(room_names.split(room)[1]), "blocks-reload")

    async def _reload_blocks(self, account_id: str) -> None:
        """Insists: until it is read, this server tells people what they are not to hear of each other."""
        while clients := self.sessions.of_account(account_id):
            try:
                await self._set_blocked(account_id, clients)
            except DomainError as error:
                log.warning("blocks.reload_failed", code=error.code)
                await asyncio.sleep(RELOAD_SECONDS)
            else:
                return

    async def _set_blocked(self, account_id: str, clients: Iterable[Client]) -> None:
        blocked = await self.ports.records.blocks.around(account_id)
        for client in clients:
            if client.here:
                self.rooms.set_blocked(client, blocked)
                client.reviews += 1
                await leave_unseen_threads(client, self.rooms, self.ports)

    def _start(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("realtime.task_failed", task=task.get_name(), error=type(error).__name__)
