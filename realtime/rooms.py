"""Rooms on this server: who of ours is where, what they are told, and what those who come back have missed.

Events reach members only through the room's log and channel, so all members on all servers see one order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from domain.errors import DomainError
from domain.ports import Ports, RoomFeed
from domain.rooms import EPHEMERAL_SEQ, Logged, Position, RoomState
from realtime.client import Client
from realtime.engine import Frame, Server
from realtime.metrics import GAPS, REPLAYED, RESUMES, ROOMS, TAIL_BYTES
from realtime.mirror import Mirror

log = structlog.get_logger(__name__)

LINGER_SECONDS = 10.0
"""An empty room stays subscribed this long: phones that lost their network come back to it."""
TAIL_BYTES_MAX = 64 * 1024 * 1024
CATCH_UP_CONCURRENCY = 32
INTERNAL = "~"
"""Events of this prefix are for servers only and are never sent to a client."""

Watcher = Callable[[str, Logged], None]


class Rooms:
    """`broken` is called with the clients of a room whose log was trimmed before we had read it."""

    def __init__(
        self,
        server: Server,
        feed: RoomFeed,
        ports: Ports,
        *,
        broken: Callable[[list[Client]], Awaitable[None]],
    ) -> None:
        self._server = server
        self._feed = feed
        self._ports = ports
        self._broken = broken
        self._mirrors: dict[str, Mirror] = {}
        self._shunned: dict[str, set[str]] = {}
        self._watchers: dict[str, Watcher] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Hears the subscribed rooms until cancelled."""
        await self._feed.run(self._hear, self._lost)

    def silent_seconds(self) -> float:
        return self._feed.silent_seconds()

    def watch(self, event: str, watcher: Watcher) -> None:
        """Calls `watcher(room, event)` after each delivery of this name; it must not wait."""
        self._watchers[event] = watcher

    # Coming and going.

    async def join(self, client: Client, room: str, position: Position | None = None) -> RoomState:
        """Replays what the client missed since `position`, then lets it hear the room."""
        mirror = await self._mirror(room)
        if position is not None and mirror.known and not mirror.covers(position):
            await self._read_whole(mirror)
        missed = mirror.missed(position)
        self._replay(client, missed or [])
        if client.connection.sid is not None and not client.connection.closed:
            self._server.join(client.sid, room)
        else:
            self._linger(mirror)
        if position is not None:
            RESUMES.labels(str(missed is not None).lower()).inc()
        return RoomState(epoch=mirror.epoch, seq=mirror.seq, recovered=missed is not None)

    def leave(self, client: Client, room: str) -> None:
        self._server.leave(client.sid, room)
        if (mirror := self._mirrors.get(room)) is not None:
            self._linger(mirror)

    def hears(self, client: Client, room: str) -> bool:
        return client.sid in self._server.manager.members("/", room)

    def forget(self, client: Client, rooms: Iterable[str]) -> None:
        """The client is gone from the server; its rooms may be empty now."""
        self.set_blocked(client, frozenset())
        for room in rooms:
            if (mirror := self._mirrors.get(room)) is not None:
                self._linger(mirror)

    def set_blocked(self, client: Client, blocked: frozenset[str]) -> None:
        """From now on the client hears nothing of what these accounts do."""
        sid = client.sid
        for account_id in client.blocked - blocked:
            self._shunned[account_id].discard(sid)
            if not self._shunned[account_id]:
                del self._shunned[account_id]
        for account_id in blocked - client.blocked:
            self._shunned.setdefault(account_id, set()).add(sid)
        client.blocked = blocked

    async def _mirror(self, room: str) -> Mirror:
        """The room's mirror, subscribed and read; without Redis a blind one that catches up later."""
        mirror = self._mirrors.get(room)
        if mirror is None:
            mirror = self._mirrors[room] = Mirror(room)
            ROOMS.set(len(self._mirrors))
        if not mirror.known:
            async with mirror.lock:
                if not mirror.known:
                    await self._begin(mirror)
        return mirror

    async def _begin(self, mirror: Mirror) -> None:
        """Subscribes first, reads then: what comes in between is heard twice and dropped once."""
        try:
            await self._feed.subscribe(mirror.room)
            position = (await self._ports.rooms.positions([mirror.room]))[mirror.room]
        except DomainError as error:
            log.warning("room.blind", code=error.code)
            return
        mirror.start_over(position.epoch, position.seq)
        if mirror.fell_behind():
            self._start_filling(mirror)

    def _linger(self, mirror: Mirror) -> None:
        if not self._server.manager.members("/", mirror.room):
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._drop_if_empty, mirror)

    def _drop_if_empty(self, mirror: Mirror) -> None:
        if self._mirrors.get(mirror.room) is mirror and not self._server.manager.members("/", mirror.room):
            del self._mirrors[mirror.room]
            ROOMS.set(len(self._mirrors))
            TAIL_BYTES.dec(mirror.tail_bytes)
            self._start(self._feed.unsubscribe(mirror.room), "room-unsubscribe")

    # Hearing.

    def _hear(self, room: str, event: Logged) -> None:
        mirror = self._mirrors.get(room)
        if mirror is None:
            return
        if event.seq == EPHEMERAL_SEQ:
            self._server.deliver(
                room, self._frame(event), skip=self._shunned.get(event.actor), ephemeral=True
            )
            return
        if mirror.is_old(event):
            return
        if mirror.is_next(event):
            self._deliver(mirror, event)
            return
        mirror.heard = event
        if mirror.known and not mirror.filling:
            GAPS.inc()
            self._start_filling(mirror)

    def _start_filling(self, mirror: Mirror) -> None:
        mirror.filling = True
        self._start(self._fill(mirror), "room-fill")

    async def _lost(self) -> None:
        """After a reconnect: whatever was published meanwhile is in the logs."""
        slots = asyncio.Semaphore(CATCH_UP_CONCURRENCY)

        async def catch_up(mirror: Mirror) -> None:
            async with slots:
                await self._catch_up(mirror)

        async with asyncio.TaskGroup() as tasks:
            for mirror in list(self._mirrors.values()):
                tasks.create_task(catch_up(mirror))

    async def _fill(self, mirror: Mirror) -> None:
        """Reads until nothing newer was heard: what is heard during a read waits for the next one."""
        try:
            mirror.heard = None
            await self._catch_up(mirror)
            while mirror.fell_behind():
                await self._catch_up(mirror)
        except DomainError as error:
            log.warning("room.fill_failed", code=error.code)
        finally:
            mirror.filling = False

    async def _catch_up(self, mirror: Mirror) -> None:
        """Delivers what the log has beyond us."""
        async with mirror.lock:
            after = mirror.seq
            read = await self._ports.rooms.read(
                mirror.room, after, self._ports.settings.room_replay_events_max
            )
            if read.epoch != mirror.epoch:
                mirror.start_over(read.epoch, 0)
                read = await self._ports.rooms.read(
                    mirror.room, 0, self._ports.settings.room_replay_events_max
                )
            new = [event for event in read.events if event.seq > mirror.seq]
            if new and new[0].previous > mirror.seq:
                await self._tell_broken(mirror)
            for event in new:
                if not mirror.is_old(event):
                    self._deliver(mirror, event)

    async def _tell_broken(self, mirror: Mirror) -> None:
        members = self._server.manager.members("/", mirror.room)
        await self._broken([member.user for member in members.values()])

    async def _read_whole(self, mirror: Mirror) -> None:
        """One read serves every client that comes back to this room."""
        async with mirror.lock:
            if not mirror.whole:
                limit = self._ports.settings.room_log_events
                read = await self._ports.rooms.read(mirror.room, 0, limit)
                self._take_whole(mirror, read.epoch, read.events)

    def _take_whole(self, mirror: Mirror, epoch: str, events: list[Logged]) -> None:
        if epoch != mirror.epoch:
            return
        for event in events:
            if not mirror.is_old(event):
                self._deliver(mirror, event)
        before = mirror.tail_bytes
        mirror.keep_all(events)
        TAIL_BYTES.inc(mirror.tail_bytes - before)
        self._bound_tails()

    # Telling.

    def _deliver(self, mirror: Mirror, event: Logged) -> None:
        before = mirror.tail_bytes
        mirror.append(event, self._ports.settings.room_log_events)
        TAIL_BYTES.inc(mirror.tail_bytes - before)
        if not event.event.startswith(INTERNAL):
            skip = self._shunned.get(event.actor) if event.actor else None
            self._server.deliver(mirror.room, self._frame(event), skip=skip)
        if (watcher := self._watchers.get(event.event)) is not None:
            watcher(mirror.room, event)

    def _replay(self, client: Client, events: Iterable[Logged]) -> None:
        for event in events:
            if event.actor not in client.blocked and not event.event.startswith(INTERNAL):
                client.connection.send(self._frame(event))
                REPLAYED.inc()

    def _frame(self, event: Logged) -> Frame:
        return self._server.frame(event.event, event.body)

    def _bound_tails(self) -> None:
        """Above the bound the longest tails go first; their rooms read the log again when asked."""
        total = sum(mirror.tail_bytes for mirror in self._mirrors.values())
        for mirror in sorted(self._mirrors.values(), key=lambda mirror: -mirror.tail_bytes):
            if total <= TAIL_BYTES_MAX:
                return
            total -= mirror.tail_bytes
            TAIL_BYTES.dec(mirror.tail_bytes)
            mirror.forget_tail()

    def _start(self, work: Awaitable[None], name: str) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run(), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
