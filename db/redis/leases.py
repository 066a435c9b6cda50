"""Leases of sockets in Redis: a sorted set for each account, of its sockets by when their lease ends."""

from collections.abc import Iterator, Sequence

from redis.asyncio import Redis

from db.redis.connection import reachable
from domain.ports import Socket

BATCH = 500

# ARGV: lease in ms, how many at most, the socket, then sockets that are gone. Times are the server's own.
TAKE = """
local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
for i = 4, #ARGV do redis.call('ZREM', KEYS[1], ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""

# KEYS: the account of each socket. ARGV: lease in ms, sockets.
RENEW = """
local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ARGV[1], ARGV[i + 1])
  redis.call('PEXPIRE', key, ARGV[1])
end
"""

RELEASE = """
for i, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[i]) end
"""


class RedisSocketLeases:
    def __init__(self, redis: Redis, *, lease_seconds: float) -> None:
        self._lease_ms = int(lease_seconds * 1000)
        self._take = redis.register_script(TAKE)
        self._renew = redis.register_script(RENEW)
        self._release = redis.register_script(RELEASE)

    async def take(self, socket: Socket, most: int, *, gone: Sequence[str] = ()) -> bool:
        with reachable():
            args: list[int | str] = [self._lease_ms, most, socket.id, *gone]
            return bool(await self._take(keys=[key_of(socket)], args=args))

    async def renew(self, sockets: Sequence[Socket]) -> None:
        for batch in batches(sockets):
            with reachable():
                await self._renew(keys=keys_of(batch), args=[self._lease_ms, *(one.id for one in batch)])

    async def release(self, sockets: Sequence[Socket]) -> None:
        for batch in batches(sockets):
            with reachable():
                await self._release(keys=keys_of(batch), args=[one.id for one in batch])


def batches(sockets: Sequence[Socket]) -> Iterator[Sequence[Socket]]:
    for start in range(0, len(sockets), BATCH):
        yield sockets[start : start + BATCH]


def keys_of(sockets: Sequence[Socket]) -> list[str]:
    return [key_of(socket) for socket in sockets]


def key_of(socket: Socket) -> str:
    return f"sockets:{socket.account_id}"
