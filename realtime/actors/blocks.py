"""Blocks."""

from domain import blocks
from domain.blocks import AddBlock, RemoveBlock
from domain.ports import Ports
from realtime.actor import on
from realtime.client import Client
from realtime.rooms import Rooms


class BlockActor:
    def __init__(self, ports: Ports, rooms: Rooms) -> None:
        self.ports = ports
        self.rooms = rooms

    @on("block:add", AddBlock)
    async def add(self, client: Client, command: AddBlock) -> None:
        """Holds on this phone before the ack; the others of both follow within moments."""
        await blocks.add_block(command, client.user, self.ports)
        self.rooms.set_blocked(client, client.blocked | {command.user_id})

    @on("block:remove", RemoveBlock)
    async def remove(self, client: Client, command: RemoveBlock) -> None:
        await blocks.remove_block(command, client.user, self.ports)
