"""The connection itself: resuming, and renewing its token."""

from typing import Annotated

import msgspec

from domain import resume, sessions
from domain.clock import rfc3339
from domain.errors import Unauthenticated
from domain.ports import Ports
from domain.rooms import Resume, RoomEvents
from domain.wire import Command, View
from realtime.actor import on
from realtime.client import Client


class Renew(Command, frozen=True):
    token: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class Renewed(View, frozen=True):
    expires_at: str


class AccountActor:
    def __init__(self, ports: Ports) -> None:
        self.ports = ports

    @on("resume", Resume)
    async def resume(self, client: Client, command: Resume) -> dict[str, RoomEvents]:
        return await resume.resume(command, client.user, self.ports)

    @on("auth:renew", Renew)
    async def renew(self, client: Client, command: Renew) -> Renewed:
        """Only a newer token of the same account and session keeps a connection."""
        claims = self.ports.tokens.verify(command.token, self.ports.now())
        user = await sessions.identify(command.token, self.ports)
        if user.session_id != client.user.session_id:
            raise Unauthenticated
        client.expires_at = max(client.expires_at, claims.expires_at)
        return Renewed(expires_at=rfc3339(client.expires_at))
