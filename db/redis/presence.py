"""Presence in Redis: when each account's grace ends (a sorted set), and what it said of itself (a hash)."""

from collections.abc import Awaitable, Sequence
from typing import cast

from redis.asyncio import Redis

from db.redis.connection import reachable
from domain.presence import Status

ONLINE, STATUS = "presence:online", "presence:status"
BATCH = 500
"""Accounts of one script: nobody else is served meanwhile."""

# ARGV: grace in ms, accounts. Times are the server's own. Returns those who were not here.
TOUCH = """
local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
local came = {}
for i = 2, #ARGV do
  local ends = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if not ends then came[#came + 1] = ARGV[i] end
  redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i])
end
return came
"""

POP = """
local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, account in ipairs(gone) do
  redis.call('ZREM', KEYS[1], account)
  redis.call('HDEL', KEYS[2], account)
end
return gone
"""

# ARGV: accounts. Returns account, status, … for those who are here.
STATUSES = """
local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
local found = {}
for _, account in ipairs(ARGV) do
  local ends = redis.call('ZSCORE', KEYS[1], account)
  if ends and tonumber(ends) > now then
    found[#found + 1] = account
    found[#found + 1] = redis.call('HGET', KEYS[2], account) or 'available'
  end
end
return found
"""


class RedisPresence:
    def __init__(self, redis: Redis, *, grace_seconds: float) -> None:
        self._redis = redis
        self._grace_ms = int(grace_seconds * 1000)
        self._touch = redis.register_script(TOUCH)
        self._pop = redis.register_script(POP)
        self._statuses = redis.register_script(STATUSES)

    async def touch(self, account_ids: Sequence[str]) -> list[str]:
        came: list[bytes] = []
        for start in range(0, len(account_ids), BATCH):
            batch = account_ids[start : start + BATCH]
            with reachable():
                came += await self._touch(keys=[ONLINE], args=[self._grace_ms, *batch])
        return [account.decode() for account in came]

    async def set_status(self, account_id: str, status: Status) -> None:
        with reachable():
            await cast("Awaitable[int]", self._redis.hset(STATUS, account_id, status))

    async def statuses(self, account_ids: Sequence[str]) -> dict[str, Status]:
        if not account_ids:
            return {}
        with reachable():
            flat = await self._statuses(keys=[ONLINE, STATUS], args=list(account_ids))
        words = [word.decode() for word in flat]
        return dict(zip(words[::2], words[1::2], strict=True))

    async def pop_expired(self) -> list[str]:
        with reachable():
            gone = await self._pop(keys=[ONLINE, STATUS], args=[BATCH])
        return [account.decode() for account in gone]

    async def helping(self) -> list[str]:
        with reachable():
            said = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(STATUS))
        asked = [account.decode() for account, status in said.items() if status == b"helping"]
        return list(await self.statuses(asked))
