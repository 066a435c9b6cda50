"""A room log whose server is killed: no seq is ever given twice, and a lost second shows as a hole."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.redis.connection import open_redis
from db.redis.limits import RedisRateLimits
from db.redis.node import Node
from db.redis.rooms import RESTART_JUMP, RedisRoomLogs, room_keys
from db.redis.shards import Shards
from domain import rooms
from domain.errors import Unavailable
from domain.events import Publication
from domain.ids import new_id
from domain.rooms import FEED, Position
from tests.cluster.valkey_server import OwnValkey
from tests.fakes.rooms import FakeRoomLogs


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[OwnValkey]:
    server = OwnValkey(tmp_path)
    yield server
    server.kill()


def said() -> Publication:
    return Publication(FEED, new_id(), "post:new", "", b'"data":{}}')


async def test_the_first_event_after_a_restart_jumps_ahead_in_the_same_epoch(valkey: OwnValkey) -> None:
    await valkey.start()
    redis = open_redis(valkey.url, connections_max=2, timeout_seconds=5.0)
    homes = Shards([Node("own", redis)])
    logs = RedisRoomLogs(homes, events_max=100, log_seconds=600, known_seconds=600)
    known = said()
    assert [await logs.publish(event) for event in (known, said())] == [1, 2]
    before, run = (await logs.positions([FEED]))[FEED], await logs.server_run()

    valkey.kill()
    with pytest.raises(Unavailable):
        await logs.publish(said())
    await valkey.start()

    assert await logs.server_run() != run
    assert (await logs.positions([FEED]))[FEED] == before
    assert await logs.publish(known) == 1
    assert [await logs.publish(event) for event in (said(), said())] == [2 + RESTART_JUMP, 3 + RESTART_JUMP]
    log = await logs.read(FEED, before.seq, 10)
    assert rooms.missed(log, before) == log.events
    await redis.aclose()


async def test_a_log_whose_meta_was_evicted_begins_anew(valkey: OwnValkey) -> None:
    """A server that others run may be told to evict what has an expiry."""
    await valkey.start()
    redis = open_redis(valkey.url, connections_max=2, timeout_seconds=5.0)
    logs = RedisRoomLogs(Shards([Node("own", redis)]), events_max=100, log_seconds=600, known_seconds=600)
    for find in (logs.publish, lambda _: logs.read(FEED, 0, 10)):
        assert [await logs.publish(said()) for _ in range(2)][-1] == 2
        before = (await logs.positions([FEED]))[FEED]
        await redis.delete(room_keys(FEED)[1])
        await find(said())
        log = await logs.read(FEED, 0, 10)
        assert log.epoch != before.epoch
        assert [event.seq for event in log.events] == list(range(1, log.seq + 1))
        await logs.forget(FEED)
    await redis.aclose()


async def test_a_full_server_is_unavailable_until_it_is_not(valkey: OwnValkey) -> None:
    await valkey.start()
    redis = open_redis(valkey.url, connections_max=2, timeout_seconds=5.0)
    logs = RedisRoomLogs(Shards([Node("own", redis)]), events_max=100, log_seconds=600, known_seconds=600)
    await redis.config_set("maxmemory-policy", "noeviction")
    await redis.config_set("maxmemory", "1")
    for refused in (logs.publish(said()), logs.read(FEED, 0, 10)):
        with pytest.raises(Unavailable):
            await refused
    await redis.config_set("maxmemory", "0")
    assert await logs.publish(said()) == 1
    await redis.aclose()


async def test_limits_are_kept_by_this_process_alone_while_redis_is_away(valkey: OwnValkey) -> None:
    await valkey.start()
    redis = open_redis(valkey.url, connections_max=2, timeout_seconds=5.0)
    limits = RedisRateLimits(redis)
    assert await limits.wait_seconds("posts", "me", 1, 3600) == 0
    assert await limits.wait_seconds("posts", "me", 1, 3600) > 0
    valkey.kill()
    assert await limits.wait_seconds("posts", "me", 1, 3600) == 0
    assert await limits.wait_seconds("posts", "me", 1, 3600) > 0
    await valkey.start()
    assert await limits.wait_seconds("posts", "me", 1, 3600) > 0
    assert await limits.wait_seconds("posts", "somebody else", 1, 3600) == 0
    await redis.aclose()


async def test_the_fake_restarts_like_the_real_one() -> None:
    logs = FakeRoomLogs(events_max=100)
    known, lost = said(), said()
    assert [await logs.publish(event) for event in (known, lost)] == [1, 2]
    ahead = (await logs.positions([FEED]))[FEED]
    logs.restart(losing=1)
    assert (await logs.positions([FEED]))[FEED] == Position(epoch=ahead.epoch, seq=1)
    assert await logs.publish(known) == 1
    assert await logs.publish(lost) == 1 + RESTART_JUMP
    log = await logs.read(FEED, ahead.seq, 10)
    assert rooms.missed(log, ahead) == log.events
