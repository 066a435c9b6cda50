"""A polling client tries a websocket, and moves to it if it works."""

from typing import TYPE_CHECKING

from realtime.engine.frame import text_header
from realtime.engine.websocket import PROTOCOL_ERROR, WebSocket

if TYPE_CHECKING:
    from realtime.engine.connection import Connection

_PROBE = b"2probe"
_PROBED = text_header(6) + b"3probe"
_UPGRADE = b"5"


class Probe:
    """Listens on the new websocket until the client says that it changes over.

    From the probe on nothing more is given to polls: what is sent waits for the websocket.
    """

    busy = False

    def __init__(self, connection: "Connection", socket: WebSocket) -> None:
        self._connection = connection
        self._socket = socket
        self._probed = False
        seconds = connection.server.bounds.handshake_seconds
        self._deadline = connection.server.wheel.after(seconds, self.give_up)
        connection.server.probes.add(self)

    def receive(self, payload: bytes) -> None:
        """`2probe`, then `5`; anything else ends the attempt, not the session."""
        connection = self._connection
        if payload == _PROBE and not self._probed and not connection.upgrading and not connection.closing:
            self._probed = connection.upgrading = True
            self._socket.transport.write(_PROBED)
            connection.answer_poll()
        elif payload == _UPGRADE and self._probed and not connection.closed:
            self._over()
            connection.server.counters.upgraded += 1
            connection.attach(self._socket)
        else:
            self.give_up()

    def receive_binary(self, payload: bytes) -> None:
        """There is nothing binary in an upgrade."""
        self.give_up()

    def urgent(self, payload: bytes) -> bool:
        """Never asked: a probe is not busy."""
        return False

    def taken(self) -> None:
        """A probe is answered at once."""

    def writable(self, writable: bool) -> None:
        """A probe hardly writes."""

    def lost(self, reason: str) -> None:
        """The websocket is gone; the session goes on polling."""
        self._over()
        if self._probed:
            self._probed = False
            self._connection.upgrading = False
            self._connection.answer_poll()

    def give_up(self) -> None:
        """End the attempt."""
        self._socket.fail(PROTOCOL_ERROR)

    def _over(self) -> None:
        self._deadline.cancel()
        self._connection.server.probes.discard(self)
