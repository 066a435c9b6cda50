"""Signs of life are given whatever else there is to tell."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from domain import presence
from domain.ports import Ports
from realtime.presence import PresenceKeeper
from tests.fakes.clock import FakeClock
from tests.fakes.ports import make_fakes

DEADLINE_SECONDS = 60.0


async def test_who_is_here_stays_while_a_crowd_of_arrivals_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = make_fakes(presence_grace_seconds=1).ports
    signs = 0
    thrice = asyncio.Event()
    touch = ports.presence.touch

    async def counted(account_ids: Sequence[str]) -> list[str]:
        nonlocal signs
        signs += 1
        if signs == 3:
            thrice.set()
        return await touch(account_ids)

    async def without_end(account_ids: Sequence[str], ports: Ports) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(ports.presence, "touch", counted)
    monkeypatch.setattr(presence, "tell_arrivals", without_end)
    sessions: Any = SimpleNamespace(account_ids=["ann", "ben"])
    running = asyncio.create_task(PresenceKeeper(sessions, ports).run())
    await asyncio.wait_for(thrice.wait(), DEADLINE_SECONDS)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_an_arrival_that_could_not_be_told_is_told_later(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = make_fakes(presence_grace_seconds=1).ports
    told: list[str] = []
    both = asyncio.Event()

    async def at_second_try(account_ids: Sequence[str], ports: Ports) -> None:
        told.extend(account_ids)
        if len(told) == 1:
            raise ConnectionError
        if len(told) == 3:
            both.set()

    monkeypatch.setattr(presence, "tell_arrivals", at_second_try)
    sessions: Any = SimpleNamespace(account_ids=["ann", "ben"])
    running = asyncio.create_task(PresenceKeeper(sessions, ports).run())
    await asyncio.wait_for(both.wait(), DEADLINE_SECONDS)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert told == ["ann", "ann", "ben"]


async def test_who_comes_back_while_their_going_is_told_is_shown_as_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another server hears of them, and may tell so first."""
    clock = FakeClock()
    ports = make_fakes(now=clock).ports
    await ports.presence.touch(["ann", "ben"])
    clock.advance(seconds=ports.settings.presence_grace_seconds)
    told: list[tuple[str, str]] = []

    async def back_at_once(account_id: str, status: presence.ShownStatus, ports: Ports) -> None:
        if not told:
            await ports.presence.touch(["ann", "ben"])
        told.append((account_id, status))

    monkeypatch.setattr(presence, "tell_status", back_at_once)
    await presence.depart_expired(ports)
    assert told == [("ann", "offline"), ("ann", "available")]
