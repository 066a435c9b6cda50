"""Leases end with their sockets, whatever is under way."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from domain.ids import new_id
from domain.ports import Socket
from realtime import leases
from realtime.leases import LeaseKeeper
from tests.fakes.ports import make_fakes

DEADLINE_SECONDS = 60.0


async def test_a_socket_that_closes_while_leases_are_renewed_keeps_no_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The renewal of thousands takes a while, and may come after the release."""
    monkeypatch.setattr(leases, "RELEASE_SECONDS", 0.01)
    ports = make_fakes(socket_lease_seconds=1).ports
    client: Any = SimpleNamespace(id=new_id(), user=SimpleNamespace(id=new_id()), leased=False)
    open_sockets: Any = SimpleNamespace(clients=[client])
    keeper = LeaseKeeper(open_sockets, ports)
    assert await keeper.take(client)
    renew = ports.leases.renew

    async def slow_renew(sockets: Sequence[Socket]) -> None:
        open_sockets.clients = []
        keeper.let_go(client)
        await keeper.release()
        await renew(sockets)

    monkeypatch.setattr(ports.leases, "renew", slow_renew)
    running = asyncio.create_task(keeper.run())
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await ports.leases.take(Socket(client.user.id, new_id()), 1):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
