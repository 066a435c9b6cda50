"""Coming back when something is wrong: whole, or refused in words; never a quiet gap."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from socketio.exceptions import ConnectionError as Refused

from db.redis import line
from domain.errors import Unavailable
from domain.events import Publication
from domain.ids import new_id
from domain.ports import RoomLogs
from domain.rooms import FEED, Position, Slice
from realtime import server as realtime_server
from realtime.mirror import Mirror
from tests.cluster.cable import Cable
from tests.cluster.valkey_server import OwnValkey, own_valkeys
from tests.contract.deadline import until
from tests.realtime.conftest import DEADLINE_SECONDS, Phone, Running, StartPhone, StartServer

EVENT = "tested"


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[OwnValkey]:
    """The rooms live here; everything else in the Redis of all tests."""
    async with own_valkeys(tmp_path, 1) as (server,):
        yield server


@pytest.fixture
async def server(valkey: OwnValkey, start_server: StartServer) -> Running:
    return await start_server(room_redis_urls=(valkey.url,), store_timeout_seconds=5.0)


async def tell(server: Running, *texts: str, room: str = FEED) -> None:
    """Until the log has it, as the relay would."""
    for text in texts:
        event = Publication(room, new_id(), EVENT, "", b'"data":"%b"}' % text.encode())
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                try:
                    await server.ports.rooms.publish(event)
                    break
                except Unavailable:
                    await asyncio.sleep(0.02)


async def heard(phone: Phone, text: str) -> dict[str, Any]:
    told: dict[str, Any] = await phone.received(EVENT, lambda told: told["data"] == text)
    return told


def position(told: dict[str, Any]) -> dict[str, Any]:
    return {"epoch": told["epoch"], "seq": told["seq"]}


def all_texts(phone: Phone) -> list[str]:
    return [told["data"] for told in phone.all(EVENT, FEED)]


async def test_a_frozen_redis_is_noticed_and_delivery_goes_on_after_it(
    valkey: OwnValkey, server: Running, start_phone: StartPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "PING_SECONDS", 0.1)
    monkeypatch.setattr(line, "SILENT_SECONDS_MAX", 0.5)
    monkeypatch.setattr(realtime_server, "FEED_SILENT_SECONDS_MAX", 1.0)
    phone = await start_phone(server)
    await tell(server, "before")
    await heard(phone, "before")
    await until(lambda: is_hearing(server, True))
    valkey.freeze()
    try:
        await until(lambda: is_hearing(server, False))
    finally:
        valkey.thaw()
    await tell(server, "after")
    await heard(phone, "after")
    await until(lambda: is_hearing(server, True))
    assert all_texts(phone) == ["before", "after"]


async def is_hearing(server: Running, wanted: bool) -> bool:
    return server.realtime.hearing is wanted


async def test_a_restarted_redis_costs_no_event_and_no_connection(
    valkey: OwnValkey, server: Running, start_server: StartServer, start_phone: StartPhone
) -> None:
    other = await start_server(room_redis_urls=(valkey.url,), store_timeout_seconds=5.0)
    phones = [await start_phone(server), await start_phone(other)]
    said = [f"{number}" for number in range(30)]
    for number, text in enumerate(said):
        if number in (10, 20):
            valkey.kill()
            await valkey.start()
        await tell(server, text)
    for phone in phones:
        await heard(phone, said[-1])
        assert all_texts(phone) == said
        assert not phone.all("session:ended")


async def test_members_of_an_emptied_log_are_sent_away_and_refused_in_words(
    valkey: OwnValkey, server: Running, start_phone: StartPhone
) -> None:
    phone = await start_phone(server)
    await tell(server, "before")
    before = await heard(phone, "before")
    own = (await phone.received("ready"))["rooms"][f"user:{phone.id}"]
    await valkey.ask("FLUSHALL")
    await tell(server, "after")
    ended = await phone.received("session:ended")
    assert ended["code"] == "draining"
    assert "after" not in all_texts(phone)
    await until(lambda: knows_another_epoch(server, f"user:{phone.id}", own["epoch"]))
    back = Phone(phone.account)
    ready = await back.connect(server.url, positions={FEED: position(before)})
    assert ready["rooms"][FEED]["recovered"] is False
    assert ready["rooms"][FEED]["epoch"] != before["epoch"]
    await tell(server, "at last")
    await heard(back, "at last")
    await back.close()


@pytest.fixture
async def cable(valkey: OwnValkey) -> AsyncIterator[Cable]:
    """Leads to the Redis of the rooms, and can be unplugged."""
    cable = Cable(valkey.port)
    await cable.plug()
    yield cable
    await cable.unplug()


async def test_who_missed_something_hears_nothing_newer_until_gone(
    valkey: OwnValkey, server: Running, start_phone: StartPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its position would pass over what it missed."""
    sent_away: list[object] = []
    monkeypatch.setattr(server.realtime.rooms, "_broken", sent_away.extend)
    phone = await start_phone(server)
    await tell(server, "before")
    epoch = (await heard(phone, "before"))["epoch"]
    await valkey.ask("FLUSHALL")
    await tell(server, "after")
    await until(lambda: knows_another_epoch(server, FEED, epoch))
    newcomer = await start_phone(server)
    await tell(server, "newer")
    await heard(newcomer, "newer")
    assert sent_away
    assert all_texts(phone) == ["before"]


async def knows_another_epoch(server: Running, room: str, epoch: str) -> bool:
    return server.realtime.rooms._mirrors[room].epoch != epoch


async def test_what_was_said_while_a_server_was_cut_off_follows_in_order(
    valkey: OwnValkey, cable: Cable, start_server: StartServer, start_phone: StartPhone
) -> None:
    server = await start_server(room_redis_urls=(f"redis://127.0.0.1:{cable.port}",))
    other = await start_server(room_redis_urls=(valkey.url,))
    phone = await start_phone(server)
    await tell(other, "before")
    await heard(phone, "before")
    await cable.unplug()
    missed = [f"missed {number}" for number in range(50)]
    await tell(other, *missed)
    await cable.plug()
    await heard(phone, missed[-1])
    await tell(other, "after")
    await heard(phone, "after")
    assert all_texts(phone) == ["before", *missed, "after"]
    assert not phone.all("session:ended")


async def test_what_was_trimmed_while_a_server_was_cut_off_is_a_refusal_not_a_gap(
    valkey: OwnValkey, cable: Cable, start_server: StartServer, start_phone: StartPhone
) -> None:
    short = {"room_log_events": 10, "room_replay_events_max": 10}
    server = await start_server(room_redis_urls=(f"redis://127.0.0.1:{cable.port}",), **short)
    other = await start_server(room_redis_urls=(valkey.url,), **short)
    phone = await start_phone(server)
    await tell(other, "before")
    before = await heard(phone, "before")
    await cable.unplug()
    await tell(other, *(f"missed {number}" for number in range(300)))
    await cable.plug()
    assert (await phone.received("session:ended"))["code"] == "draining"
    assert all_texts(phone) == ["before"]
    back = Phone(phone.account)
    ready = await back.connect(server.url, positions={FEED: position(before)})
    assert ready["rooms"][FEED]["recovered"] is False
    assert ready["rooms"][FEED]["seq"] == before["seq"] + 300
    await back.close()


async def test_who_connects_without_redis_is_let_in_and_sent_back_once_it_is_there(
    valkey: OwnValkey, start_server: StartServer, start_phone: StartPhone
) -> None:
    valkey.kill()
    server = await start_server(room_redis_urls=(valkey.url,), store_timeout_seconds=1.0)
    phone = await start_phone(server)
    ready = await phone.received("ready")
    assert ready["rooms"][FEED] == {"epoch": "", "seq": 0, "recovered": False}
    again = Phone(phone.account)
    positions = {room: {"epoch": "", "seq": 0} for room in ready["rooms"]}
    ready = await again.connect(server.url, positions=positions)
    assert ready["rooms"][FEED]["recovered"] is False
    await valkey.start()
    assert (await again.received("session:ended"))["code"] == "draining"
    back = await connected_in_sight(phone, server)
    await tell(server, "hello")
    await heard(back, "hello")
    await again.close()
    await back.close()


async def connected_in_sight(phone: Phone, server: Running) -> Phone:
    """Comes back until the feed's log is known: each room is found again in its own time."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            back = Phone(phone.account)
            with suppress(Refused):  # sent back before it was quite in
                ready = await back.connect(server.url)
                if ready["rooms"][FEED]["epoch"]:
                    return back
            await back.close()


async def test_a_replay_that_no_client_could_take_is_refused(
    valkey: OwnValkey, start_server: StartServer, start_phone: StartPhone
) -> None:
    server = await start_server(room_redis_urls=(valkey.url,), outbound_buffer_bytes=16_384)
    phone = await start_phone(server)
    await tell(server, "first")
    first = await heard(phone, "first")
    await phone.close()
    await tell(server, *("x" * 500 for _ in range(40)), "last")
    back = Phone(phone.account)
    ready = await back.connect(server.url, positions={FEED: position(first)})
    assert ready["rooms"][FEED]["recovered"] is False
    assert ready["rooms"][FEED]["seq"] == first["seq"] + 41
    assert not all_texts(back)
    await tell(server, "live")
    await heard(back, "live")
    assert server.realtime.engine.counters.slow_consumers_closed == 0
    await back.close()


class CountedLogs:
    """Room logs that count how often they are read."""

    def __init__(self, logs: RoomLogs) -> None:
        self._logs = logs
        self.reads: list[tuple[str, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._logs, name)

    async def read(self, room: str, after: int, limit: int) -> Slice:
        self.reads.append((room, limit))
        return await self._logs.read(room, after, limit)

    async def positions(self, rooms: Sequence[str]) -> dict[str, Position]:
        return await self._logs.positions(rooms)


async def test_one_read_of_a_room_serves_everybody_who_comes_back(
    server: Running, start_server: StartServer, start_phone: StartPhone, valkey: OwnValkey
) -> None:
    phones = [await start_phone(server) for _ in range(60)]
    await tell(server, "first")
    first = await heard(phones[0], "first")
    for phone in phones:
        await phone.close()
    await tell(server, "second", "third")
    fresh = await start_server(room_redis_urls=(valkey.url,))
    counted = CountedLogs(fresh.ports.rooms)
    fresh.realtime.rooms._ports = replace(fresh.ports, rooms=counted)
    back = [Phone(phone.account) for phone in phones]
    await asyncio.gather(*(phone.connect(fresh.url, positions={FEED: position(first)}) for phone in back))
    for phone in back:
        assert all_texts(phone) == ["second", "third"]
    whole = [limit for room, limit in counted.reads if room == FEED]
    assert whole == [0, fresh.ports.settings.room_log_events]
    for phone in back:
        await phone.close()


async def test_a_crowd_is_let_in_bit_by_bit_and_told_when_to_come_back(
    start_server: StartServer, start_phone: StartPhone
) -> None:
    server = await start_server(connects_concurrent_max=5)
    accounts = [await start_phone(server, connect=False) for _ in range(40)]

    async def insist(phone: Phone) -> list[float]:
        """The hints that were given before it was let in."""
        errors: list[dict[str, Any]] = []
        phone.client.on("connect_error", errors.append)
        while True:
            with suppress(Refused):
                await phone.connect(server.url)
                return [error["retry_after"] for error in errors if error["code"] == "unavailable"]
            await asyncio.sleep(errors[-1]["retry_after"] / 20)

    async with asyncio.timeout(DEADLINE_SECONDS):
        hints = [hint for given in await asyncio.gather(*map(insist, accounts)) for hint in given]
    assert hints
    assert all(1 <= hint <= 60 for hint in hints)
    assert len(set(hints)) > len(hints) / 2
    assert server.realtime.entrance._admission._taken == 0


async def test_an_empty_room_is_closed_and_heard_again_by_who_comes_back(
    server: Running, start_phone: StartPhone
) -> None:
    rooms = server.realtime.rooms
    phone = await start_phone(server)
    own = f"user:{phone.id}"
    assert own in rooms._mirrors
    await phone.close()

    await until(lambda: closed(server, own))
    back = Phone(phone.account)
    await back.connect(server.url)
    await tell(server, "for you", room=own)
    await heard(back, "for you")
    await back.close()


async def closed(server: Running, room: str) -> bool:
    """Whether an empty room is closed, as if time went by quickly."""
    rooms = server.realtime.rooms
    for mirror in list(rooms._mirrors.values()):
        rooms._close_if_empty(mirror, asyncio.get_running_loop().time())
        if mirror.empty_since is not None:
            mirror.empty_since -= 60
    return room not in rooms._mirrors


class SlowLogs(CountedLogs):
    """Room logs that keep the answer to the next read of the feed back."""

    def __init__(self, logs: RoomLogs) -> None:
        super().__init__(logs)
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()

    async def read(self, room: str, after: int, limit: int) -> Slice:
        is_first = room == FEED and not self.asked.is_set()
        if is_first:
            self.asked.set()
            await self.let_go.wait()
        return await super().read(room, after, limit)


async def test_what_a_closed_room_reads_late_is_not_told_in_the_one_that_is_open_now(
    server: Running, start_phone: StartPhone
) -> None:
    phone = await start_phone(server)
    rooms = server.realtime.rooms
    mirror, slow = rooms._mirrors[FEED], SlowLogs(server.ports.rooms)
    rooms._ports = replace(server.ports, rooms=slow)
    rooms._heard_again(FEED)
    await slow.asked.wait()
    await phone.close()
    await until(lambda: closed(server, FEED))
    await tell(server, "missed")
    back = Phone(phone.account)
    await back.connect(server.url)
    await tell(server, "next")
    await heard(back, "next")
    slow.let_go.set()
    await until(lambda: caught_up(mirror))
    await tell(server, "last")
    await heard(back, "last")
    assert all_texts(back) == ["next", "last"]
    await back.close()


async def caught_up(mirror: Mirror) -> bool:
    return not mirror.following


async def test_who_was_refused_leaves_nothing_behind(
    server: Running, start_phone: StartPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, other = await start_phone(server), await start_phone(server)
    await server.ports.records.blocks.add(phone.id, other.id, server.ports.now())
    await phone.close()
    await phone.connect(server.url)
    assert not await nobody_shunned(server)
    await phone.close()
    await until(lambda: nobody_shunned(server))

    async def fail(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(server.realtime.entrance, "join_all", fail)
    with pytest.raises(Refused):
        await Phone(phone.account).connect(server.url)
    assert await nobody_shunned(server)
    assert server.realtime.sessions.count(phone.id) == 0


async def nobody_shunned(server: Running) -> bool:
    return not server.realtime.rooms._shunned
