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
    """`after` and `epoch` are the position of the last event a client has; neither asks where a room stands.

    `after` alone counts in the epoch there is now, which the answer names: who has another starts anew."""

    room: RoomName
    after: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None
    epoch: Epoch | None = None

    def position(self) -> Position | None:
        if self.after is not None and self.epoch is not None:
            return Position(epoch=self.epoch, seq=self.after)
        if self.epoch is not None:
            raise Invalid("Please say after which seq.", field="after")
        return None


@routes.signed_in("GET", "/v1/rooms/{room}/events", limit=REPLAYS)
async def room_events(query: RoomQuery, user: User, ports: Ports) -> RoomEvents:
    """What was missed in a room since a position; without one, where the room stands now."""
    position = query.position()
    if position is None and query.after is not None:
        return await resume.events_after(query.room, query.after, user, ports)
    return await resume.room_events(query.room, position, user, ports)
