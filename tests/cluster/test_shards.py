"""Rooms that several Redis servers share by hash."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from redis.asyncio import Redis

from db.redis.node import Node, name_of
from db.redis.shards import Shards
from domain.errors import Unavailable
from domain.events import Publication
from domain.ids import new_id
from tests.cluster.listening import EVENT, listening, publish, some_rooms
from tests.cluster.valkey_server import OwnValkey, own_valkeys
from tests.realtime.conftest import StartServer


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[list[OwnValkey]]:
    async with own_valkeys(tmp_path, 2) as servers:
        yield servers


def shards(*names: str) -> Shards:
    return Shards([Node(name, cast("Redis", None)) for name in names])


def test_rooms_are_shared_evenly_whatever_the_order_of_the_servers() -> None:
    rooms = some_rooms(3000)
    homes = {room: shards("a", "b", "c").home(room).name for room in rooms}
    assert all(850 < count < 1150 for count in Counter(homes.values()).values())
    assert homes == {room: shards("c", "a", "b").home(room).name for room in rooms}


def test_one_more_server_takes_rooms_for_itself_only() -> None:
    rooms = some_rooms(1000)
    before = {room: shards("a", "b").home(room).name for room in rooms}
    after = {room: shards("a", "b", "c").home(room).name for room in rooms}
    assert {after[room] for room in rooms if after[room] != before[room]} == {"c"}


def test_a_server_is_named_without_its_password() -> None:
    assert name_of("redis://somebody:secret@redis.example:7000/3") == "redis.example:7000/3"
    assert name_of("rediss://:secret@redis.example") == "redis.example:6379/0"


async def test_every_room_is_heard_from_the_server_it_lives_on(pair: list[OwnValkey]) -> None:
    rooms = some_rooms(20)
    async with listening([server.url for server in pair]) as listener:
        await listener.open(rooms)
        for room in rooms:
            assert await publish(listener.logs, room, "hello") == 1
            await listener.hears(room, 1)
    keys = [len(await server.ask("KEYS", "room:*:log")) for server in pair]
    assert all(keys)
    assert sum(keys) == len(rooms)


async def test_a_lost_server_takes_only_its_own_rooms_along(pair: list[OwnValkey]) -> None:
    rooms = some_rooms(20)
    names = shards(*(name_of(server.url) for server in pair))
    lost = name_of(pair[0].url)
    alive = [room for room in rooms if names.home(room).name != lost]
    silent = next(room for room in rooms if names.home(room).name == lost)
    async with listening([server.url for server in pair]) as listener:
        await listener.open(rooms)
        run = await listener.logs.server_run()
        pair[0].kill()
        for room in alive:
            await publish(listener.logs, room, "meanwhile")
            await listener.hears(room, 1)
        with pytest.raises(Unavailable):
            await listener.logs.publish(Publication(silent, new_id(), EVENT, "", b'"data":0}'))
        meanwhile = await listener.logs.server_run()
        assert meanwhile != run
        await pair[0].start()
        await publish(listener.logs, silent, "after")
        await listener.hears(silent, 1)
        assert await listener.logs.server_run() not in (run, meanwhile)


async def test_the_health_of_each_server_is_told(pair: list[OwnValkey], start_server: StartServer) -> None:
    running = await start_server(
        room_redis_urls=tuple(server.url for server in pair), store_timeout_seconds=5.0
    )
    told = {health.name: health.ok for health in await running.ports.probe()}
    assert told == {"postgres": True, "mongodb": True, "redis": True, "rooms_1": True, "rooms_2": True}
    pair[1].kill()
    told = {health.name: health.ok for health in await running.ports.probe()}
    assert (told["redis"], told["rooms_1"], told["rooms_2"]) == (True, True, False)
