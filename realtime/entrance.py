"""The entrance: who may connect, what they hear first."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Annotated

import msgspec
import structlog

from domain import rooms, sessions
from domain.accounts import OwnAccount, get_me
from domain.clock import rfc3339
from domain.decoding import invalid
from domain.errors import DomainError, Invalid, NotFound, Unauthenticated, Unavailable
from domain.ports import Ports
from domain.posts import visible_post
from domain.rooms import Position, Positions, RoomState
from domain.wire import Command, View
from realtime.admission import Admission, come_back_seconds
from realtime.circles import (
    enter_as_member,
    enter_circle,
    join_thread,
    leave_unseen_threads,
    note_thread,
)
from realtime.client import Client, Device
from realtime.engine import Connection, ConnectionRefused
from realtime.leases import LeaseKeeper
from realtime.metrics import CONNECTS
from realtime.rooms import Rooms
from realtime.sessions import Sessions
from realtime.signs import Signs

log = structlog.get_logger(__name__)

CONNECT_EVENTS = 5
"""What a connect takes from the account's budget of events: it costs as much as some of them."""


class Auth(Command, frozen=True):
    """The `auth` payload of a connect."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    positions: Positions = {}
    device: Device = Device()


class Limits(View, frozen=True):
    payload_bytes: int
    post_characters: int
    response_characters: int
    page_size: int


class Ready(View, frozen=True):
    user: OwnAccount
    session_id: str
    rooms: dict[str, RoomState]
    limits: Limits
    server_time: str


class Entrance:
    """`arrived` is called with every client that was let in; it must not wait."""

    def __init__(
        self,
        ports: Ports,
        rooms: Rooms,
        sessions: Sessions,
        leases: LeaseKeeper,
        signs: Signs,
        *,
        arrived: Callable[[Client], None],
    ) -> None:
        self._arrived = arrived
        self._ports = ports
        self._admission = Admission(ports.settings.connects_concurrent_max)
        self._rooms = rooms
        self._sessions = sessions
        self._leases = leases
        self._signs = signs

    async def connect(self, connection: Connection, auth: object) -> None:
        """Accepts with `ready` after everything that was missed, or raises `ConnectionRefused`."""
        try:
            with self._admission.place():
                async with asyncio.timeout(self._ports.settings.handler_timeout_seconds * 2):
                    await self._admit(connection, asked(auth))
        except DomainError as error:
            raise self._refused(error) from error
        except TimeoutError as error:
            raise self._refused(Unavailable()) from error
        CONNECTS.labels("accepted").inc()
        self._arrived(connection.user)

    def _refused(self, error: DomainError) -> ConnectionRefused:
        CONNECTS.labels(error.code).inc()
        return ConnectionRefused(refusal_of(error))

    async def _admit(self, connection: Connection, auth: Auth) -> None:
        claims = self._ports.tokens.verify(auth.token, self._ports.now())
        user = await sessions.identify(auth.token, self._ports)
        budget = self._sessions.budget_of(user.id)
        if (wait := budget.wait_seconds(CONNECT_EVENTS, time.monotonic())) > 0:
            raise Unavailable(retry_after=math.ceil(wait))
        if self._sessions.count(user.id) >= self._ports.settings.sockets_per_account:
            raise await self._signs.no_place(user.id)
        client = Client(connection, user, claims.expires_at, auth.device, budget)
        connection.user = client
        self._sessions.add(client)
        try:
            if not await self._leases.take(client):
                raise await self._signs.no_place(user.id)
            await self._welcome(client, auth.positions)
        except BaseException:
            self._forget(client)
            connection.user = None
            raise

    def _forget(self, client: Client) -> None:
        self._sessions.remove(client)
        self._leases.let_go(client)
        self._rooms.forget(client)

    async def _welcome(self, client: Client, positions: dict[str, Position]) -> None:
        user = client.user
        self._rooms.set_blocked(client, await self._ports.records.blocks.around(user.id))
        states = await self.join_all(client, [rooms.user_room(user.id)], positions)
        # From here on a block or a removal is heard in one's own room; those before are read now.
        self._rooms.set_blocked(client, await self._ports.records.blocks.around(user.id))
        reviews = client.reviews
        states |= await self.join_all(client, await self._rooms_of(client, positions), positions)
        while client.reviews != reviews:
            # Whoever parted from somebody meanwhile may have entered a thread after it was looked for.
            reviews = client.reviews
            await leave_unseen_threads(client, self._rooms, self._ports)
        ready = Ready(
            user=await get_me(user, self._ports),
            session_id=user.session_id,
            rooms={room: state for room, state in states.items() if not self._has_parted(client, room)},
            limits=self._limits(),
            server_time=rfc3339(self._ports.now()),
        )
        client.connection.send(client.connection.server.frame("ready", msgspec.json.encode(ready)))

    def _has_parted(self, client: Client, room: str) -> bool:
        return rooms.split(room)[0] == "post" and not self._rooms.hears(client, room)

    async def _rooms_of(self, client: Client, positions: dict[str, Position]) -> list[str]:
        """The feed, my circles, and the threads I had open and may still see.

        One thread after the other: a client must not take every connection to a store for its own.
        """
        members = await self._ports.records.circles.of_account(client.user.id)
        threads = [name for name in positions if name.startswith("post:")]
        open_threads = threads[: self._ports.settings.threads_per_client]
        return [
            rooms.FEED,
            *(rooms.circle_room(member.circle_id) for member in members),
            *[name for name in open_threads if await self._sees_thread(name, client)],
        ]

    async def _sees_thread(self, room: str, client: Client) -> bool:
        try:
            note_thread(client, await visible_post(rooms.split(room)[1], client.user, self._ports))
        except DomainError as error:
            if error.code != "not_found":
                raise
            return False
        return True

    async def join_all(
        self, client: Client, names: list[str], positions: dict[str, Position]
    ) -> dict[str, RoomState]:
        """The state of each room that the client is in now; not of those it was removed from meanwhile."""
        states = await asyncio.gather(*(self._join(client, name, positions.get(name)) for name in names))
        return {name: state for name, state in zip(names, states, strict=True) if state is not None}

    async def _join(self, client: Client, name: str, position: Position | None) -> RoomState | None:
        kind, id = rooms.split(name)
        try:
            if kind == "circle":
                return await self._join_circle(client, id, position)
            return await join_thread(client, name, self._rooms, position)
        except NotFound:
            return None

    async def _join_circle(self, client: Client, id: str, position: Position | None) -> RoomState:
        """A member when the circles were read; a departure since then is looked at."""
        try:
            return await enter_as_member(client, id, self._rooms, 0, position)
        except NotFound:
            if not client.here:
                raise
            return await enter_circle(client, id, self._rooms, self._ports, position)

    def _limits(self) -> Limits:
        settings = self._ports.settings
        return Limits(
            payload_bytes=settings.payload_bytes_max,
            post_characters=settings.post_characters_max,
            response_characters=settings.response_characters_max,
            page_size=settings.page_size,
        )

    async def disconnect(self, connection: Connection, reason: str) -> None:
        client = connection.user
        if isinstance(client, Client):
            self._forget(client)
            # Whoever connects over it next may be somebody else.
            connection.user = None


def asked(auth: object) -> Auth:
    """`unauthenticated` for what is no token; a client with a good one is not sent to log in for the rest."""
    try:
        return msgspec.convert(auth, Auth)
    except msgspec.ValidationError as error:
        raise _unusable(auth, invalid(str(error))) from None


def _unusable(auth: object, why: Invalid) -> DomainError:
    has_token = isinstance(auth, dict) and isinstance(auth.get("token"), str)
    return why if has_token and why.field != "token" else Unauthenticated()


def refusal_of(error: DomainError) -> dict[str, object]:
    """The data of a connect error. A come-back time is jittered, so that not everybody returns at once."""
    data = error.as_dict()
    if error.temporary and error.retry_after is None:
        data["retry_after"] = come_back_seconds()
    return data
