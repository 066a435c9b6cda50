"""Presence and typing: ephemeral, told to those who are there."""

import time

from domain import ladder, presence, rooms
from domain.errors import NotFound
from domain.ports import Ports
from domain.presence import SetPresence, Typing
from realtime.actor import on
from realtime.client import Client
from realtime.rooms import Rooms

TYPING_PAUSE_SECONDS = 1.0
"""One client's typing is told at most this often; clients let it lapse by themselves."""


class PresenceActor:
    def __init__(self, ports: Ports, rooms: Rooms) -> None:
        self.ports = ports
        self.rooms = rooms

    @on("presence:set", SetPresence)
    async def set(self, client: Client, command: SetPresence) -> None:
        await presence.set_presence(command, client.user, self.ports)

    @on("typing:start", Typing)
    async def start(self, client: Client, command: Typing) -> None:
        self._check_open(client, command.post_id)
        now = time.monotonic()
        if now - client.typed_at >= TYPING_PAUSE_SECONDS:
            client.typed_at = now
            await presence.tell_typing(command.post_id, True, client.user, self.ports)
            await ladder.note_writing(command.post_id, client.user, self.ports)

    @on("typing:stop", Typing)
    async def stop(self, client: Client, command: Typing) -> None:
        self._check_open(client, command.post_id)
        client.typed_at = 0.0
        await presence.tell_typing(command.post_id, False, client.user, self.ports)

    def _check_open(self, client: Client, post_id: str) -> None:
        """Only who has opened the thread, and so may see it, is seen writing in it."""
        if not self.rooms.hears(client, rooms.post_room(post_id)):
            raise NotFound
