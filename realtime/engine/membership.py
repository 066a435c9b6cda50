"""Who is in which room: python-socketio's client manager with an index from the socket to its rooms.

rooms: namespace → room → sid → connection; the room None holds everybody of the namespace. The room
that every socket has under its own sid is not stored, it is looked up.
"""

import inspect
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from socketio.async_manager import AsyncManager

from realtime.engine import packet
from realtime.engine.frame import Frame

if TYPE_CHECKING:
    from realtime.engine.connection import Connection
    from realtime.engine.server import Server

logger = logging.getLogger(__name__)

Members = dict[str, "Connection"]


class Membership(AsyncManager):
    """Joins, leaves and disconnects cost the socket's own rooms, whatever else there is."""

    server: "Server"

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rooms: dict[str, dict[str | None, Members]] = {}
        self._joined: dict[str, dict[str, None]] = {}
        self._connecting: set[str] = set()
        self._leaving: set[str] = set()

    # Looking up.

    def members(self, namespace: str, room: Any) -> Members:
        """The connections of a room, of one sid, of several rooms (a list), or of the namespace (None)."""
        rooms = self.rooms.get(namespace)
        if rooms is None:
            return {}
        if isinstance(room, list | tuple | set | frozenset):
            return {sid: member for name in room for sid, member in self.members(namespace, name).items()}
        found = rooms.get(room)
        if found is None:
            one = rooms.get(None, {}).get(room)
            return {} if one is None else {room: one}
        return found

    def connection(self, sid: str, namespace: str) -> "Connection | None":
        """The connection behind a sid, while it is connecting and connected."""
        return self.rooms.get(namespace, {}).get(None, {}).get(sid)

    def get_namespaces(self) -> Iterable[str]:
        return self.rooms.keys()

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        for sid, member in list(self.members(namespace, room).items()):
            yield sid, member.eio_sid

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        if self.connection(sid, namespace) is None:
            return []
        return [sid, *self._joined.get(sid, ())]

    def is_connected(self, sid: str | None, namespace: str) -> bool:
        if sid is None or sid in self._connecting or sid in self._leaving:
            return False
        return self.connection(sid, namespace) is not None

    def is_pre_connected(self, sid: str, namespace: str) -> bool:
        return sid in self._connecting

    def is_sid_room(self, namespace: str, room: Any) -> bool:
        return room is not None and room in self.rooms.get(namespace, {}).get(None, {})

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        session = self.server.eio.sockets.get(eio_sid)
        return None if session is None else session.namespaces.get(namespace)

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        member = self.connection(sid, namespace)
        return None if member is None else member.eio_sid

    # Coming and going.

    def admit(self, connection: "Connection", namespace: str) -> str:
        """Give a connection its sid in a namespace; it is connecting until `confirm`."""
        sid: str = self.server.eio.generate_id()  # type: ignore[no-untyped-call]
        self.rooms.setdefault(namespace, {}).setdefault(None, {})[sid] = connection
        self._connecting.add(sid)
        return sid

    def confirm(self, sid: str) -> None:
        """The connect hook accepted it."""
        self._connecting.discard(sid)

    def pre_disconnect(self, sid: str, namespace: str) -> str | None:
        self._leaving.add(sid)
        return self.eio_sid_from_sid(sid, namespace)

    def basic_disconnect(self, sid: str, namespace: str, **kwargs: Any) -> None:
        rooms = self.rooms.get(namespace)
        self._connecting.discard(sid)
        self._leaving.discard(sid)
        self.callbacks.pop(sid, None)
        joined = self._joined.pop(sid, ())
        if rooms is None:
            return
        for room in joined:
            self._take_out(rooms, room, sid)
        self._take_out(rooms, None, sid)
        if not rooms:
            del self.rooms[namespace]

    def basic_enter_room(self, sid: str, namespace: str, room: Any, eio_sid: str | None = None) -> None:
        member = self.connection(sid, namespace)
        if member is None:
            raise ValueError("sid is not connected to requested namespace")
        if room == sid:
            return
        if room is None or self.is_sid_room(namespace, room):
            raise ValueError("cannot enter a sid room")
        self.rooms[namespace].setdefault(room, {})[sid] = member
        self._joined.setdefault(sid, {})[room] = None

    def basic_leave_room(self, sid: str, namespace: str, room: Any) -> None:
        joined = self._joined.get(sid)
        if joined is None or room not in joined:
            return
        del joined[room]
        if not joined:
            del self._joined[sid]
        self._take_out(self.rooms[namespace], room, sid)

    def basic_close_room(self, room: Any, namespace: str) -> None:
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot close a sid room")
        for sid in list(self.members(namespace, room)):
            self.basic_leave_room(sid, namespace, room)

    @staticmethod
    def _take_out(rooms: "dict[str | None, Members]", room: str | None, sid: str) -> None:
        members = rooms.get(room)
        if members is not None:
            members.pop(sid, None)
            if not members:
                del rooms[room]

    # Emitting.

    async def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Callable[..., Any] | None = None,
        to: Any = None,
        **kwargs: Any,
    ) -> None:
        """Encode once and write to every member; with a callback, once per member."""
        room = to or room
        skip = _skipped(skip_sid)
        values = [event, *_arguments(data)]
        if not self.members(namespace, room):
            return
        if callback is None:
            frame = packet.encode(packet.EVENT, namespace, values)
            self.server.deliver(room, frame, skip=skip)
            return
        for sid, member in list(self.members(namespace, room).items()):
            if skip is None or sid not in skip:
                id_ = self._generate_ack_id(sid, callback)  # type: ignore[no-untyped-call]
                member.send(packet.encode(packet.EVENT, namespace, values, b"%d" % id_))

    def answered(self, sid: str, id_: int, values: list[Any]) -> Any:
        """Run the callback of an emit; its coroutine, if it is one. Unknown ids are ignored."""
        callback = self.callbacks.get(sid, {}).pop(id_, None) if id_ else None
        return None if callback is None else callback(*values)

    async def trigger_callback(self, sid: str, id: int, data: list[Any]) -> None:
        result = self.answered(sid, id, data)
        if inspect.isawaitable(result):
            await result


def _skipped(skip_sid: Any) -> frozenset[str] | None:
    if skip_sid is None:
        return None
    return (
        frozenset(skip_sid)
        if isinstance(skip_sid, list | tuple | set | frozenset)
        else frozenset((skip_sid,))
    )


def _arguments(data: Any) -> list[Any]:
    """A tuple is several arguments, None is none, anything else is one."""
    if isinstance(data, tuple):
        return list(data)
    return [] if data is None else [data]


def event_frame(event: str, raw_json: bytes, namespace: str) -> Frame:
    """An event whose arguments are already JSON: one value, or several with commas between them."""
    name = packet.dumps(event)
    body = b"[%b,%b]" % (name, raw_json) if raw_json else b"[%b]" % name
    return Frame(packet.head(packet.EVENT, namespace) + body, namespace=namespace)
