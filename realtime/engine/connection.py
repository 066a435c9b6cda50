"""One client: who it is, and the way out to it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from realtime.engine import packet
from realtime.engine.frame import CLOSE_FRAME, NOOP_FRAME, PING_FRAME, SEPARATOR, Frame
from realtime.engine.gathering import joined
from realtime.engine.mailbox import Mailbox
from realtime.engine.websocket import NORMAL, WebSocket
from realtime.engine.wheel import Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from realtime.engine.server import Server


class Connection:
    """An Engine.IO session with its Socket.IO namespaces.

    sid: its public id in the main namespace, None before it is connected there.
    namespaces: connected namespace → its sid there.
    user, state: free for the product.
    remote: the peer's address; headers: those of the handshake, kept until the first namespace is connected.
    direct: frames need only be gathered in `pending`, which is written to the transport.
    """

    __slots__ = (
        "_asked",
        "_connect_deadline",
        "_heartbeat",
        "_pinged",
        "_queue",
        "attachments",
        "closed",
        "closing",
        "direct",
        "eio_sid",
        "headers",
        "held",
        "mailbox",
        "namespaces",
        "pending",
        "poll",
        "posting",
        "queued_bytes",
        "reason",
        "refusals",
        "remote",
        "retiring",
        "server",
        "session",
        "sid",
        "state",
        "surplus",
        "upgrading",
        "user",
        "websocket",
        "write",
    )

    def __init__(
        self, server: "Server", eio_sid: str, remote: str | None, headers: "Mapping[str, str]"
    ) -> None:
        self.server = server
        self.eio_sid = eio_sid
        self.remote = remote
        self.headers: Mapping[str, str] | None = headers
        self.sid: str | None = None
        self.namespaces: dict[str, str] = {}
        # Opened only to be told that there is no room.
        self.surplus = server.counters.connections >= server.bounds.max_connections
        self.user: Any = None
        self.state: Any = None
        self.session: dict[str, Any] = {}
        self.attachments: list[bytes] = []
        self.websocket: WebSocket | None = None
        self.write: Callable[[bytes], None] = _nowhere
        self.pending: list[bytes] = []
        self.direct = False
        self.upgrading = False
        self.closing = False
        self.closed = False
        self.reason = ""
        self.retiring = False
        self.refusals = 0
        self.queued_bytes = 0
        self._queue: deque[Frame] | None = None
        self.held: deque[Frame] | None = None
        self.poll: asyncio.Future[None] | None = None
        self.posting = False
        self._pinged = False
        self._asked = False
        self.mailbox = Mailbox(self)
        self._heartbeat: Deadline | None = None
        self._connect_deadline: Deadline | None = None
        self._beat()
        self.expect_connect()

    # What it is.

    @property
    def transport(self) -> str:
        """`websocket` or `polling`."""
        return "polling" if self.websocket is None else "websocket"

    @property
    def upgraded(self) -> bool:
        """Engine.IO's name for being on a websocket."""
        return self.websocket is not None

    @property
    def buffered_bytes(self) -> int:
        """Bytes that wait for this client, here or in its transport."""
        if self.websocket is None or self.closed:
            return self.queued_bytes
        gathered = sum(map(len, self.pending))
        return self.queued_bytes + gathered + self.websocket.transport.get_write_buffer_size()

    @property
    def queue(self) -> "deque[Frame]":
        """Frames for the next poll, or for the end of an upgrade; made when first needed."""
        if self._queue is None:
            self._queue = deque()
        return self._queue

    # The way out.

    def send(self, frame: Frame, ephemeral: bool = False) -> bool:
        """Send a frame after everything sent before. False if it was dropped, or the client is gone."""
        if self.direct:
            self.server.gathering.add_one(self, frame.websocket)
            return True
        return self.enqueue(frame, ephemeral)

    def enqueue(self, frame: Frame, ephemeral: bool = False) -> bool:
        """`send` for a connection that is not `direct`."""
        if self.closing:
            return False
        if self.held is not None:
            return self._hold(frame, ephemeral)
        return self.transmit(frame, ephemeral)

    def transmit(self, frame: Frame, ephemeral: bool = False) -> bool:
        """Send without being held back by a namespace that is still connecting."""
        if self.closing:
            return False
        if self.websocket is None:
            return self._queue_up(self.queue, frame, ephemeral)
        return self._write_through(self.websocket, frame, ephemeral)

    def flush(self) -> None:
        """Write what is gathered for this client now."""
        if self.pending:
            pending, self.pending = self.pending, []
            self.write_out(joined(pending))

    def write_out(self, data: bytes) -> None:
        """Write to the transport; one that died without telling yet ends this session, not its caller."""
        try:
            self.write(data)
        except (RuntimeError, OSError):
            self.abort("transport error")

    def _write_through(self, socket: WebSocket, frame: Frame, ephemeral: bool) -> bool:
        self.flush()
        if socket.paused:
            if ephemeral:
                self.server.counters.dropped_ephemeral += 1
                return False
            if socket.transport.get_write_buffer_size() >= self.server.bounds.outbound_bytes:
                return self._overflow()
        self.write_out(frame.deflated if socket.deflating else frame.websocket)
        return True

    def _hold(self, frame: Frame, ephemeral: bool) -> bool:
        assert self.held is not None  # noqa: S101 - asked by the caller
        return self._queue_up(self.held, frame, ephemeral)

    def _queue_up(self, queue: "deque[Frame]", frame: Frame, ephemeral: bool) -> bool:
        bounds, counters = self.server.bounds, self.server.counters
        if ephemeral and 2 * self.queued_bytes >= bounds.outbound_bytes:
            counters.dropped_ephemeral += 1
            return False
        if self.queued_bytes >= bounds.outbound_bytes or len(queue) >= bounds.polling_packets:
            return self._overflow()
        queue.append(frame)
        self.queued_bytes += frame.size
        counters.queued_bytes += frame.size
        if queue is self._queue:
            self.answer_poll()
        return True

    def _overflow(self) -> bool:
        self.server.counters.slow_consumers_closed += 1
        self.close("slow consumer", frame=self.server.slow_consumer_frame)
        return False

    def _dequeued(self, frame: Frame) -> None:
        self.queued_bytes -= frame.size
        self.server.counters.queued_bytes -= frame.size

    def _forget_queues(self) -> None:
        self.server.counters.queued_bytes -= self.queued_bytes
        self.queued_bytes = 0
        self._queue = self.held = None

    def settle(self) -> None:
        """Decide anew whether frames may be written straight to the transport."""
        socket = self.websocket
        self.direct = (
            socket is not None
            and not self.closing
            and not socket.paused
            and not socket.deflating
            and self.held is None
            and not self._queue
        )

    # A namespace that is being connected holds everything back: its own events must follow the answer.

    def hold(self) -> None:
        """Keep what is sent until `release`."""
        self.held = deque()
        self.direct = False

    def release(self, but_not: str | None = None) -> None:
        """Send what was kept, without the frames of a namespace that was refused."""
        held, self.held = self.held, None
        for frame in held or ():
            if self.closing:
                # What was left of it is counted out already.
                break
            self._dequeued(frame)
            if frame.namespace is None or frame.namespace != but_not:
                self.transmit(frame)
        self.settle()

    # Polling.

    def answer_poll(self) -> None:
        """Let a waiting poll take what there is."""
        if self.poll is not None and not self.poll.done():
            self.poll.set_result(None)

    def payload(self) -> bytes:
        """The body of a poll: all queued packets; a NOOP when there is nothing to say."""
        if self.upgrading or not self._queue:
            said = self.reason == "client disconnect" or not self.closing
            return (NOOP_FRAME if said else CLOSE_FRAME).polling
        return SEPARATOR.join(self._drained())

    def _drained(self) -> Iterator[bytes]:
        while self._queue:
            frame = self._queue.popleft()
            self._dequeued(frame)
            yield frame.polling

    def attach(self, socket: WebSocket) -> None:
        """The websocket is the transport from now on: what is queued goes first.

        Of a session that was closed during its upgrade this is all that goes: its client polls no more.
        """
        if self.closing:
            self._write_queue(socket)
            socket.close(NORMAL)
            self.gone()
            return
        self.websocket = socket
        self.write = socket.transport.write
        self.upgrading = False
        socket.inbox.listener = self.mailbox
        self.mailbox.inbox = socket.inbox
        self._write_queue(socket)
        self._queue = None
        if socket.paused:
            self.server.counters.congested += 1
        self.settle()

    def _write_queue(self, socket: WebSocket) -> None:
        while self._queue:
            frame = self._queue.popleft()
            self._dequeued(frame)
            socket.transport.write(frame.deflated if socket.deflating else frame.websocket)

    # Heartbeat and connect time-out.

    def _beat(self) -> None:
        self._heartbeat = self.server.wheel.after(self.server.ping_interval, self._ping)

    def _ping(self) -> None:
        self._pinged = True
        self._heartbeat = self.server.wheel.after(self.server.ping_timeout, self._unanswered)
        self.transmit(PING_FRAME)

    def ask_for_sign(self, seconds: float) -> None:
        """Ping now; the session ends unless it answers within `seconds`. Asking again gives no more time."""
        if self._asked or self.closing:
            return
        self._asked = self._pinged = True
        self._stop(self._heartbeat)
        self._heartbeat = self.server.wheel.after(seconds, self._unanswered)
        self.transmit(PING_FRAME)

    def _unanswered(self) -> None:
        if self.websocket is not None and self.websocket.reading_paused:
            # It cannot be heard: its answer waits behind a full mailbox.
            self._heartbeat = self.server.wheel.after(self.server.ping_timeout, self._unanswered)
            return
        self.server.counters.ping_timeouts += 1
        self.abort("ping timeout")

    def ponged(self) -> None:
        """The client answered: the next ping is due one interval from now."""
        if self._pinged and not self.closing:
            self._pinged = self._asked = False
            self._stop(self._heartbeat)
            self._beat()

    def expect_connect(self) -> None:
        """Without a connected namespace the session ends after `connect_seconds`."""
        self.server.fell_silent(self)
        seconds = self.server.bounds.connect_seconds
        self._connect_deadline = self.server.wheel.after(seconds, self._not_connected)

    def _not_connected(self) -> None:
        self.close("connect timeout")

    def connected(self, namespace: str, sid: str) -> None:
        """A namespace accepted the client."""
        self.namespaces[namespace] = sid
        if namespace == "/":
            self.sid = sid
        self.refusals = 0
        self._stop(self._connect_deadline)
        self._connect_deadline = None

    def refused(self) -> None:
        """A namespace did not let the client in; who goes on asking is not heard for ever."""
        self.refusals += 1
        if self.refusals > self.server.bounds.refusals:
            self.close("refused too often")
        elif not self.namespaces and not self.closing:
            self.server.fell_silent(self)

    def disconnected(self, namespace: str) -> None:
        """A namespace is left; the last one starts the connect time-out again."""
        if self.namespaces.pop(namespace, None) is None:
            return
        if namespace == "/":
            self.sid = None
        if not self.namespaces and not self.closing:
            self.expect_connect()

    @staticmethod
    def _stop(deadline: Deadline | None) -> None:
        if deadline is not None:
            deadline.cancel()

    # The end.

    def close(
        self, reason: str = "server disconnect", *, frame: Frame | None = None, reconnect: bool = True
    ) -> None:
        """End the session: `frame` as the last word, then the transport's close.

        reason: given to the disconnect hooks. reconnect: with False every namespace is disconnected first,
        which tells the official clients not to come back by themselves.
        """
        if self.closing:
            return
        last = [frame] if frame is not None else []
        if not reconnect:
            last += [Frame(packet.head(packet.DISCONNECT, name)) for name in self.namespaces]
        self._end(reason)
        if self.websocket is not None:
            self._close_websocket(self.websocket, last)
        else:
            self._close_polling(last)
        self.mailbox.end()

    def _close_websocket(self, socket: WebSocket, last: list[Frame]) -> None:
        self.flush()
        for frame in last:
            self.write_out(frame.deflated if socket.deflating else frame.websocket)
        self._forget_queues()
        socket.close(NORMAL)
        self.gone()

    def _close_polling(self, last: list[Frame]) -> None:
        queue = self.queue
        for frame in (*(self.held or ()), *last, CLOSE_FRAME):
            queue.append(frame)
        added = sum(frame.size for frame in (*last, CLOSE_FRAME))
        self.queued_bytes += added
        self.server.counters.queued_bytes += added
        self.held = None
        self.upgrading = False
        self._heartbeat = self.server.wheel.after(self.server.bounds.close_seconds, self.gone)
        self.answer_poll()

    def retire(self) -> None:
        """Close with the server's farewell, after the running handler and what waits behind it."""
        self.retiring = True
        if not self.mailbox.busy:
            self.close("draining", frame=self.server.farewell if self.namespaces else None)

    def abort(self, reason: str) -> None:
        """End the session without a word; what waits is dropped."""
        if self.closing:
            return
        self._end(reason)
        self._forget_queues()
        if self.websocket is not None:
            self.websocket.close(NORMAL)
        self.gone()
        self.answer_poll()
        self.mailbox.end()

    def _end(self, reason: str) -> None:
        self.closing = True
        self.direct = False
        self.reason = reason
        self._stop(self._heartbeat)
        self._stop(self._connect_deadline)
        self._heartbeat = self._connect_deadline = None

    def gone(self) -> None:
        """The session id is no longer known."""
        if not self.closed:
            self.closed = True
            self.pending = []
            self._forget_queues()
            self._stop(self._heartbeat)
            if self.websocket is not None and self.websocket.paused:
                self.server.counters.congested -= 1
            self.write = _nowhere
            self.websocket = None
            self.server.forget(self)
            self.answer_poll()


def _nowhere(data: bytes) -> None:
    """There is no transport to write to."""
