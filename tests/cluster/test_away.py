"""Who connects while the rooms' Redis is away does not wait for each room."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from db.redis import line
from db.redis.connection import open_redis
from db.redis.feed import RedisRoomFeed
from db.redis.servers import open_homes
from domain.errors import Unavailable
from domain.rooms import FEED
from tests.cluster.valkey_server import own_valkeys
from tests.contract.deadline import until
from tests.fakes.ports import make_fakes

NEVER_SECONDS = 3600.0


async def test_a_room_is_waited_for_only_while_its_server_may_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "AWAY_SECONDS", 0.2)
    async with own_valkeys(tmp_path, 1) as (valkey,), AsyncExitStack() as stack:
        settings = make_fakes(room_redis_urls=valkey.url).ports.settings
        default = open_redis(valkey.url, connections_max=2, timeout_seconds=1.0)
        stack.push_async_callback(default.aclose)
        feed = RedisRoomFeed(open_homes(settings, default, stack), timeout_seconds=NEVER_SECONDS)
        listening = asyncio.create_task(feed.run(lambda room, event: None, lambda room: None))
        await feed.subscribe(FEED)
        valkey.kill()

        async def refused() -> bool:
            try:
                async with asyncio.timeout(0.1):
                    await feed.subscribe("circle:some")
            except (Unavailable, TimeoutError) as error:
                return isinstance(error, Unavailable)
            return False

        await until(refused)
        await valkey.start()
        await until(lambda: heard(feed))
        listening.cancel()
        await asyncio.wait([listening])


async def heard(feed: RedisRoomFeed) -> bool:
    try:
        await feed.subscribe("circle:some")
    except Unavailable:
        return False
    return True
