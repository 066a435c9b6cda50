"""Rooms on this server: who of ours is where, what they are told, and what those who come back have missed.

Events reach members only through the room's log and channel, so all members on all servers see one order.
"""

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable, Sequence

import structlog

from domain import replay, resume, shares
from domain.errors import DomainError, NotFound
from domain.ports import Ports, RoomFeed
from domain.rooms import EPHEMERAL_SEQ, INTERNAL, Logged, Position, RoomState, Slice, split
from realtime.beside import run_beside
from realtime.client import Client
from realtime.engine import Frame, Server
from realtime.metrics import GAPS, LOG_READS, REPLAYED, RESUMES, ROOMS, TAIL_BYTES
from realtime.mirror import Mirror

log = structlog.get_logger(__name__)

LINGER_SECONDS = 10.0
"""An empty room stays subscribed this long: phones that lost their network come back to it."""
TAIL_BYTES_MAX = 64 * 1024 * 1024
CATCH_UP_CONCURRENCY = 24
"""Fewer than there are connections to Redis: a mass of rooms to read leaves some to those who publish."""
BACKOFF_SECONDS, BACKOFF_SECONDS_MAX = 0.1, 2.0
DOUBT_SECONDS = 5.0
FRAMES_KEPT = 512
"""Frames of recent events: who comes back at the same time is sent the same bytes."""
REPLAY_SHARE = 0.75
"""A replay may fill so much of a client's outbound bound; what comes live needs the rest."""

Watcher = Callable[[str, Logged], None]


class Rooms:
    """`broken` is called with clients who missed events of a room that cannot be read any more.

    They have left the room and are to come back with their positions.
    """

    def __init__(
        self,
        server: Server,
        feed: RoomFeed,
        ports: Ports,
        *,
        broken: Callable[[list[Client]], None],
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._server = server
        self._feed = feed
        self._ports = ports
        self._broken = broken
        self._linger = linger_seconds
        self._mirrors: dict[str, Mirror] = {}
        self._tail_bytes = 0
        self._doubted_at = float("-inf")
        self._shunned: dict[str, set[str]] = {}
        self._watchers: dict[str, Watcher] = {}
        self._reading = asyncio.Semaphore(CATCH_UP_CONCURRENCY)
        self._kept_frame = functools.lru_cache(FRAMES_KEPT)(self._frame)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Hears the subscribed rooms until cancelled."""
        try:
            hearing = self._feed.run(self._hear, self._heard_again)
            await run_beside({"room-hearing": hearing, "room-sweep": self._sweep()})
        finally:
            for task in self._tasks:
                task.cancel()

    def silent_seconds(self) -> float:
        return self._feed.silent_seconds()

    def watch(self, event: str, watcher: Watcher) -> None:
        """Calls `watcher(room, event)` after each delivery of this name; it must not wait."""
        self._watchers[event] = watcher

    # Coming and going.

    async def join(
        self,
        client: Client,
        room: str,
        position: Position | None = None,
        *,
        still: Callable[[], bool] = lambda: True,
    ) -> RoomState:
        """Replays what the client missed since `position`, then lets it hear the room.

        Raises `NotFound` for who may not hear it any more (`still`), or is gone, by the time that it is read.
        """
        mirror = self._mirrors.get(room) or self._open(room)
        mirror.guests += 1
        try:
            await mirror.begun.wait()
            if position is not None and mirror.known and not mirror.covers(position):
                await self._read_whole(mirror)
            if not (client.here and still()):
                raise NotFound
            return self._enter(client, mirror, position)
        finally:
            mirror.guests -= 1

    def _enter(self, client: Client, mirror: Mirror, position: Position | None) -> RoomState:
        missed = mirror.missed(position)
        recovered = missed is not None and self._replay(client, missed)
        self._server.join(client.sid, mirror.room)
        if position is not None:
            RESUMES.labels(str(recovered).lower()).inc()
        return RoomState(epoch=mirror.epoch, seq=mirror.seq, recovered=recovered)

    def leave(self, client: Client, room: str) -> None:
        self._server.leave(client.sid, room)

    def position(self, room: str) -> Position:
        """Up to where the members of a room here have heard it."""
        mirror = self._mirrors[room]
        return Position(epoch=mirror.epoch, seq=mirror.seq)

    def hears(self, client: Client, room: str) -> bool:
        return client.connection.sid in self._server.manager.members("/", room)

    def threads_of(self, client: Client) -> list[str]:
        """The open threads whose rooms this client hears."""
        rooms = self._server.manager.get_rooms(client.sid, "/")
        return [room for room in rooms if split(room)[0] == "post"]

    def forget(self, client: Client) -> None:
        """The client is gone from the server, or about to be."""
        self.set_blocked(client, frozenset())

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

    def _open(self, room: str) -> Mirror:
        mirror = self._mirrors[room] = Mirror(room)
        ROOMS.set(len(self._mirrors))
        self._follow(mirror)
        return mirror

    async def _sweep(self) -> None:
        """Closes the rooms that have been empty for long."""
        while True:
            await asyncio.sleep(self._linger / 2)
            now = asyncio.get_running_loop().time()
            for mirror in list(self._mirrors.values()):
                self._close_if_empty(mirror, now)

    def _close_if_empty(self, mirror: Mirror, now: float) -> None:
        if mirror.guests or self._server.manager.members("/", mirror.room):
            mirror.empty_since = None
        elif mirror.empty_since is None:
            mirror.empty_since = now
        elif now - mirror.empty_since >= self._linger:
            del self._mirrors[mirror.room]
            ROOMS.set(len(self._mirrors))
            self._count_tail(-mirror.tail_bytes)
            self._feed.unsubscribe(mirror.room)

    # Hearing.

    def _hear(self, room: str, event: Logged) -> None:
        mirror = self._mirrors.get(room)
        if mirror is None:
            return
        if event.seq == EPHEMERAL_SEQ:
            self._pass_on(room, event)
            return
        if mirror.is_old(event):
            return
        if mirror.is_next(event):
            self._deliver(mirror, event, event)
            return
        mirror.heard = event
        if not mirror.following:
            GAPS.inc()
            self._follow(mirror)

    def _pass_on(self, room: str, event: Logged) -> None:
        """What has no place in the log."""
        if not event.event.startswith(INTERNAL):
            skip = self._shunned.get(event.actor)
            self._server.deliver(room, self._frame(event), skip=skip, ephemeral=True)
        elif (watcher := self._watchers.get(event.event)) is not None:
            watcher(room, event)

    def _heard_again(self, room: str) -> None:
        """Whatever was published meanwhile is in the log only."""
        if (mirror := self._mirrors.get(room)) is not None:
            mirror.behind = True
            self._follow(mirror)

    def _follow(self, mirror: Mirror) -> None:
        if not mirror.following:
            mirror.following = True
            self._start(self._catch_up(mirror), "room-catch-up")

    async def _catch_up(self, mirror: Mirror) -> None:
        """Reads until nothing newer was heard, and as often as it takes: without Redis it waits for Redis."""
        delay = BACKOFF_SECONDS
        try:
            while self._mirrors.get(mirror.room) is mirror:
                try:
                    await self._read_on(mirror)
                except DomainError as error:
                    log.warning("room.behind", code=error.code)
                    mirror.begun.set()
                    await asyncio.sleep(delay * random.uniform(0.5, 1.5))
                    delay = min(delay * 2, BACKOFF_SECONDS_MAX)
                else:
                    if not mirror.fell_behind():
                        return
        finally:
            mirror.begun.set()
            mirror.following = False

    async def _read_on(self, mirror: Mirror) -> None:
        """Subscribes first, reads then: what comes in between is heard twice and dropped once."""
        if not mirror.known:
            await self._feed.subscribe(mirror.room)
        mirror.heard, mirror.behind = None, False
        async with self._reading, mirror.lock:
            limit = self._ports.settings.room_replay_events_max if mirror.known else 0
            LOG_READS.labels("catch_up").inc()
            read = await self._ports.rooms.read(mirror.room, mirror.seq, limit)
            # It may have been closed while Redis kept it waiting; who is there now has another one.
            if self._mirrors.get(mirror.room) is mirror:
                self._advance(mirror, read)

    def _advance(self, mirror: Mirror, read: Slice) -> None:
        """Delivers what the log has beyond us; across a hole, or into another epoch, nobody is led."""
        if not mirror.leads_to(read):
            self._break(mirror)
            if mirror.known and read.epoch != mirror.epoch:
                self._doubt_all()
            self._count_tail(-mirror.tail_bytes)
            mirror.start_over(read.epoch, read.seq)
            mirror.begun.set()
        new = mirror.new_in(read)
        now = {event.seq: event for event in replay.as_it_is(new)}
        for event in new:
            if not mirror.is_old(event):
                self._deliver(mirror, event, now.get(event.seq))

    def _doubt_all(self) -> None:
        """Who lost one log may have lost all: members are sent away once, not room by room."""
        now = asyncio.get_running_loop().time()
        if now - self._doubted_at >= DOUBT_SECONDS:
            self._doubted_at = now
            for room in list(self._mirrors):
                self._heard_again(room)

    def _break(self, mirror: Mirror) -> None:
        """Its members leave before anything newer comes: who heard that would think to have heard all."""
        members = dict(self._server.manager.members("/", mirror.room))
        for sid in members:
            self._server.leave(sid, mirror.room)
        if clients := [member.user for member in members.values() if member.user is not None]:
            log.warning("room.broken", clients=len(clients))
            self._broken(clients)

    async def _read_whole(self, mirror: Mirror) -> None:
        """One read serves every client that comes back to this room."""
        async with self._reading, mirror.lock:
            if not mirror.whole:
                LOG_READS.labels("replay").inc()
                read = await self._ports.rooms.read(mirror.room, 0, self._ports.settings.room_log_events)
                self._advance(mirror, read)
                before = mirror.tail_bytes
                mirror.keep_all(read.events)
                self._count_tail(mirror.tail_bytes - before)

    # Telling.

    def _deliver(self, mirror: Mirror, event: Logged, told: Logged | None) -> None:
        """`told` is the event as it is to be heard now, None for one that is not."""
        before = mirror.tail_bytes
        mirror.append(event, self._ports.settings.room_log_events)
        self._count_tail(mirror.tail_bytes - before)
        if told is not None and not told.event.startswith(INTERNAL):
            self._tell(mirror.room, told)
        if (watcher := self._watchers.get(event.event)) is not None:
            watcher(mirror.room, event)

    def _tell(self, room: str, event: Logged) -> None:
        """The same frame to everybody, but for those who are to see other counts in it."""
        shunned = self._shunned.get(event.actor, set()) if event.actor else set[str]()
        apart = self._apart(room, event) if event.shares else {}
        self._server.deliver(room, self._frame(event), skip=shunned | apart.keys() if apart else shunned)
        for sid, client in apart.items():
            if sid not in shunned:
                client.connection.send(self._kept_frame(shares.as_seen_by(event, client.blocked)))

    def _apart(self, room: str, event: Logged) -> dict[str, Client]:
        """The members who are apart from somebody whose share is in the counts of the event."""
        members = self._server.manager.members("/", room)
        sids = {sid for giver in shares.givers(event) for sid in self._shunned.get(giver, ())}
        return {sid: members[sid].user for sid in sids if sid in members and members[sid].user}

    def _replay(self, client: Client, missed: Sequence[Logged]) -> bool:
        """All of it, or nothing and False: more than the client's outbound bound would end its connection."""
        shown = [
            self._kept_frame(shares.as_seen_by(event, client.blocked))
            for event in replay.as_it_is(missed)
            if resume.shown(event, client.blocked)
        ]
        if not self._fits(client, shown):
            return False
        for frame in shown:
            client.connection.send(frame)
        REPLAYED.inc(len(shown))
        return True

    def _fits(self, client: Client, frames: Sequence[Frame]) -> bool:
        bounds, connection = self._server.bounds, client.connection
        total_bytes = connection.buffered_bytes + sum(frame.size for frame in frames)
        packets = len(connection.held or ()) + len(frames)
        return (
            total_bytes <= REPLAY_SHARE * bounds.outbound_bytes
            and packets <= REPLAY_SHARE * bounds.polling_packets
        )

    def _frame(self, event: Logged) -> Frame:
        return self._server.frame(event.event, event.body)

    def _count_tail(self, change: int) -> None:
        """Above the bound the longest tails go; their rooms read the log again when asked."""
        self._tail_bytes += change
        TAIL_BYTES.set(self._tail_bytes)
        if self._tail_bytes > TAIL_BYTES_MAX:
            self._shorten()

    def _shorten(self) -> None:
        for mirror in sorted(self._mirrors.values(), key=lambda mirror: -mirror.tail_bytes):
            if self._tail_bytes <= TAIL_BYTES_MAX / 2:
                break
            self._tail_bytes -= mirror.tail_bytes
            mirror.forget_tail()
        TAIL_BYTES.set(self._tail_bytes)

    def _start(self, work: Awaitable[None], name: str) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run(), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
