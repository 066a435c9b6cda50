"""Leases of sockets in Redis: a sorted set for each account, of its sockets by when their lease ends.

A socket is written with its server before it, and each server keeps a key that lapses soon after its last
sign of life: the sockets of one that was killed need not be waited for.
"""

from collections.abc import Iterator, Sequence

from redis.asyncio import Redis

from db.redis.connection import reachable
from domain.ids import new_id
from domain.ports import Socket

BATCH = 500
SILENCES_PER_LEASE = 5
"""A server that was silent for this part of a lease is taken for dead, unless said otherwise."""

# KEYS: the account, this server. ARGV: lease in ms, how many at most, silence in ms, what the keys of servers
# begin with, the socket, then sockets that are gone. Times are the Redis server's own.
TAKE = """
local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('SET', KEYS[2], '', 'PX', ARGV[3])
for i = 6, #ARGV do redis.call('ZREM', KEYS[1], ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  for _, socket in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    local server = string.match(socket, '^(.-)/')
    if server and redis.call('EXISTS', ARGV[4] .. server) == 0 then redis.call('ZREM', KEYS[1], socket) end
  end
  if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
end
redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[5])
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


SERVER = "socket-server:"


class RedisSocketLeases:
    """Those of one server: each process makes its own. `silence_seconds`: then a server is taken for dead."""

    def __init__(self, redis: Redis, *, lease_seconds: float, silence_seconds: float | None = None) -> None:
        self._redis = redis
        self._server = new_id()
        self._lease_ms = int(lease_seconds * 1000)
        self._silence_ms = max(1, int((silence_seconds or lease_seconds / SILENCES_PER_LEASE) * 1000))
        self._take = redis.register_script(TAKE)
        self._renew = redis.register_script(RENEW)
        self._release = redis.register_script(RELEASE)

    async def take(self, socket: Socket, most: int, *, gone: Sequence[str] = ()) -> bool:
        sockets = [self._member(id) for id in (socket.id, *gone)]
        args: list[int | str] = [self._lease_ms, most, self._silence_ms, SERVER, *sockets]
        with reachable():
            return bool(await self._take(keys=[key_of(socket), SERVER + self._server], args=args))

    async def beat(self) -> None:
        with reachable():
            await self._redis.set(SERVER + self._server, "", px=self._silence_ms)

    async def renew(self, sockets: Sequence[Socket]) -> None:
        for batch in batches(sockets):
            with reachable():
                await self._renew(keys=keys_of(batch), args=[self._lease_ms, *self._members(batch)])

    async def release(self, sockets: Sequence[Socket]) -> None:
        for batch in batches(sockets):
            with reachable():
                await self._release(keys=keys_of(batch), args=self._members(batch))

    def _members(self, sockets: Sequence[Socket]) -> list[str]:
        return [self._member(socket.id) for socket in sockets]

    def _member(self, id: str) -> str:
        return f"{self._server}/{id}"


def batches(sockets: Sequence[Socket]) -> Iterator[Sequence[Socket]]:
    for start in range(0, len(sockets), BATCH):
        yield sockets[start : start + BATCH]


def keys_of(sockets: Sequence[Socket]) -> list[str]:
    return [key_of(socket) for socket in sockets]


def key_of(socket: Socket) -> str:
    return f"sockets:{socket.account_id}"
