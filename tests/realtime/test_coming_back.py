"""Coming back: what was missed, whole and in order, or an honest no."""

import asyncio
import json

import pytest

from domain import sessions
from domain.accounts import User
from domain.ports import Ports
from tests.engine.engine_harness import Wire
from tests.realtime.conftest import Phone, Running, StartPhone, StartServer


async def said(phone: Phone, number: int) -> dict[str, object]:
    return await phone.ok(
        "post:create", client_id=f"said-{number:04}", type="check_in", content=f"number {number}"
    )


async def test_a_client_that_comes_back_gets_what_it_missed_before_ready(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    server, other = await start_server(), await start_server()
    author, reader = await start_phone(server), await start_phone(server)
    await said(author, 0)
    seen = await reader.received("post:new")
    await reader.close()
    for number in range(1, 4):
        await said(author, number)
    await author.received("post:new", lambda told: told["seq"] == seen["seq"] + 3)
    back = Phone(reader.account)
    ready = await back.connect(other.url, positions={"feed": {"epoch": seen["epoch"], "seq": seen["seq"]}})
    assert ready["rooms"]["feed"] == {"epoch": seen["epoch"], "seq": seen["seq"] + 3, "recovered": True}
    missed = [told["data"]["post"]["content"] for told in back.all("post:new", "feed")]
    assert missed == ["number 1", "number 2", "number 3"]
    assert [name for name, _ in back.heard][-1] == "ready"
    await back.close()


async def test_a_trimmed_log_is_refused_not_cut(start_server: StartServer, start_phone: StartPhone) -> None:
    server = await start_server(posts_per_hour=1000, room_log_events=10)
    author = await start_phone(server)
    await said(author, 0)
    first = await author.received("post:new")
    for number in range(1, 250):
        await said(author, number)
    await author.received("post:new", lambda told: told["seq"] == first["seq"] + 249)
    back = Phone(author.account)
    positions = {"feed": {"epoch": first["epoch"], "seq": first["seq"]}}
    ready = await back.connect(server.url, positions=positions)
    assert ready["rooms"]["feed"]["recovered"] is False
    assert not back.all("post:new", "feed")
    answer = await back.ok("resume", positions=positions)
    assert answer["feed"]["recovered"] is False
    assert answer["feed"]["events"] == []
    await back.close()


async def test_another_epoch_is_refused(server: Running, start_phone: StartPhone) -> None:
    author = await start_phone(server)
    await said(author, 0)
    back = Phone(author.account)
    ready = await back.connect(server.url, positions={"feed": {"epoch": "another", "seq": 1}})
    assert ready["rooms"]["feed"]["recovered"] is False
    await back.close()


async def test_resume_as_an_event_leaves_out_rooms_of_others(
    server: Running, start_phone: StartPhone
) -> None:
    author, reader = await start_phone(server), await start_phone(server)
    await said(author, 0)
    seen = await reader.received("post:new")
    await said(author, 1)
    await reader.received("post:new", lambda told: told["seq"] == seen["seq"] + 1)
    position = {"epoch": seen["epoch"], "seq": seen["seq"]}
    answer = await reader.ok("resume", positions={"feed": position, f"user:{author.id}": position})
    assert list(answer) == ["feed"]
    assert [event["seq"] for event in answer["feed"]["events"]] == [seen["seq"] + 1]


async def test_who_comes_over_the_connection_of_another_is_not_taken_for_them(
    server: Running, start_phone: StartPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was still to be done for the one, such as entering a circle, would be done to the other."""
    first, second = [await start_phone(server, connect=False) for _ in range(2)]
    asked, let_go = asyncio.Event(), asyncio.Event()
    async with Wire(server.url) as wire:
        await wire.connect("40" + json.dumps({"token": first.account.tokens.access_token}))
        (client,) = server.realtime.sessions.of_account(first.id)
        assert (await wire.text()).startswith('42["ready"')
        assert client.here
        identify = sessions.identify

        async def slow_identify(token: str, ports: Ports) -> User:
            asked.set()
            await let_go.wait()
            return await identify(token, ports)

        monkeypatch.setattr(sessions, "identify", slow_identify)
        await wire.send("41", "40" + json.dumps({"token": second.account.tokens.access_token}))
        await asked.wait()
        assert client.connection.sid is not None
        assert not client.here
        let_go.set()
        assert (await wire.text()).startswith('40{"sid"')
