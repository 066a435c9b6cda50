"""Room logs, for clients that woke up from a push."""

from typing import Annotated

import msgspec

from api.route import REPLAYS, Routes
from domain import resume
from domain.accounts import User
from domain.errors import Invalid
from domain.ports import Ports
from domain.rooms import Epoch, Position, RoomEvents, RoomName
from domain.wire import Command

routes = Routes()


class RoomQuery(Command, frozen=True):
    """`after` and `epoch` are the position of the last event a client has; both or neither."""

    room: RoomName
    after: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None
    epoch: Epoch | None = None

    def position(self) -> Position | None:
        if self.after is None or self.epoch is None:
            self._check_neither()
            return None
        return Position(epoch=self.epoch, seq=self.after)

    def _check_neither(self) -> None:
        if self.after is not None:
            raise Invalid("A seq counts within an epoch; please send both.", field="epoch")
        if self.epoch is not None:
            raise Invalid("Please say after which seq.", field="after")


@routes.signed_in("GET", "/v1/rooms/{room}/events", limit=REPLAYS)
async def room_events(query: RoomQuery, user: User, ports: Ports) -> RoomEvents:
    """What was missed in a room since a position; without one, where the room stands now."""
    return await resume.room_events(query.room, query.position(), user, ports)
