"""What one account may ask of a server: counted over all of its sockets, and not refilled by coming back."""

import asyncio
import time

import pytest
import socketio

from domain.ids import new_id
from realtime.budget import Budget
from tests.realtime.conftest import DEADLINE_SECONDS, Phone, Running, StartPhone, StartServer


async def test_sockets_of_one_account_share_its_budget(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    server = await start_server(events_per_minute=20)
    phone = await start_phone(server)
    tablet = Phone(phone.account)
    await tablet.connect(server.url)
    codes = set()
    for device in (phone, tablet) * 10:
        ack = await device.send("presence:set", {"status": "away"})
        codes.add("ok" if ack["ok"] else ack["error"]["code"])
        if "rate_limited" in codes:
            break
    assert codes == {"ok", "rate_limited"}
    assert (await phone.refused("presence:set", {"status": "away"}))["code"] == "rate_limited"
    assert (await phone.refused("no:such:event", {}))["code"] == "invalid"
    await tablet.close()


async def test_coming_back_does_not_refill_the_budget(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    server = await start_server(events_per_minute=12)
    phone = await start_phone(server)
    await phone.close()
    again = Phone(phone.account)
    await again.connect(server.url)
    await again.close()
    third = Phone(phone.account)
    refused = asyncio.Event()
    data = {}

    @third.client.event  # type: ignore[untyped-decorator]
    async def connect_error(told: dict[str, object]) -> None:
        data.update(told)
        refused.set()

    with pytest.raises(socketio.exceptions.ConnectionError):
        await third.connect(server.url)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await refused.wait()
    assert data["code"] == "unavailable"
    assert data["retry_after"] >= 1


async def test_who_has_to_wait_is_told_where_to_find_help(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    server = await start_server(events_per_minute=6)
    phone = await start_phone(server, country="DE")
    sos = {"client_id": "over-budget-1", "type": "sos", "content": "Day 30 and I am about to drink."}
    while (ack := await phone.send("post:create", sos))["ok"]:
        assert ack["data"]["crisis"]
    assert ack["error"]["code"] == "rate_limited"
    assert ack["data"]["crisis"]["emergency"]


async def test_a_flood_ends_in_a_disconnect(start_server: StartServer, start_phone: StartPhone) -> None:
    server = await start_server(events_per_minute=20)
    phone, neighbour = await start_phone(server), await start_phone(server)
    gone = asyncio.Event()
    phone.client.on("disconnect", lambda *reason: gone.set())
    for _ in range(100):
        await phone.client.emit("no:such:event", {})
    async with asyncio.timeout(DEADLINE_SECONDS):
        await gone.wait()
    assert phone.heard[-1] == ("session:ended", {"code": "rate_limited"})
    await neighbour.ok("presence:set", status="away")


def test_a_budget_is_forgotten_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("realtime.budget.time.monotonic", lambda: clock[0])
    budget = Budget(60)
    assert budget.full
    assert [budget.wait_seconds(60, clock[0]), budget.wait_seconds(1, clock[0])] == [0, 1]
    clock[0] += 59
    assert not budget.full
    clock[0] += 1
    assert budget.full


async def test_what_was_taken_is_remembered_when_the_sockets_are_gone(
    server: Running, start_phone: StartPhone
) -> None:
    account_id, stranger = (await start_phone(server, connect=False)).id, new_id()
    sessions = server.realtime.sessions
    sessions.budget_of(account_id).wait_seconds(500, time.monotonic())
    untouched = sessions.budget_of(stranger)
    sessions.forget_full_budgets()
    assert sessions.budget_of(account_id).wait_seconds(500, time.monotonic()) > 0
    assert sessions.budget_of(stranger) is not untouched


async def test_open_threads_of_a_client_are_bounded(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    server = await start_server(threads_per_client=2, posts_per_hour=100)
    phone = await start_phone(server)
    made = [
        (await phone.ok("post:create", client_id=new_id(), type="victory", content="Day 9."))["post"]["id"]
        for _ in range(3)
    ]
    opened = [await phone.ok("post:open", post_id=post_id) for post_id in made[:2]]
    assert (await phone.refused("post:open", {"post_id": made[2]}))["code"] == "conflict"
    await phone.ok("post:open", post_id=made[0])
    await phone.ok("post:leave", post_id=made[0])
    await phone.ok("post:open", post_id=made[2])
    await phone.close()
    here = {"epoch": opened[0]["position"]["epoch"], "seq": 0}
    back = Phone(phone.account)
    ready = await back.connect(server.url, positions={f"post:{post_id}": here for post_id in made})
    assert len([room for room in ready["rooms"] if room.startswith("post:")]) == 2
    await back.close()
