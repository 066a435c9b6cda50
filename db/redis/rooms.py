"""Room logs in Redis: one stream a room, published and read by scripts, so that a room has one order.

The keys of a room share its hash tag: the stream, its meta (epoch, seq, and the run of the server that wrote
it) and, for each event id, the seq it got. A seq is never given twice within an epoch: Redis may lose its
newest second in a crash, so the first event that a restarted server takes jumps `RESTART_JUMP` ahead. Every
entry names the seq before it, which is how readers see a hole. A stream whose meta was evicted counted in an
epoch that nobody knows any more: it goes, too.
"""

import asyncio
import os
import secrets
import signal
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from db.redis.connection import command, reachable
from db.redis.homes import Homes
from db.redis.node import Node
from domain.errors import Unavailable
from domain.events import Publication
from domain.rooms import EPHEMERAL_SEQ, REDACTED, REDACTED_BODY, REMOVALS, Logged, Position, Slice

META_SECONDS = 30 * 24 * 3600
"""A quiet room keeps its epoch this long, so that a reader who missed nothing is not told to start over."""
RESTART_JUMP = 1_000_000
READ_BATCH = 32

PUBLISH = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'seq', 'run')
local epoch, previous = meta[1], tonumber(meta[2] or '0')
if not epoch then
  epoch = ARGV[10]
  if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DEL', KEYS[1]) end
end
local known = redis.call('HMGET', KEYS[3], 'epoch', 'seq')
if known[1] == epoch then return tonumber(known[2]) end
local seq = previous + 1
if meta[3] and meta[3] ~= run then seq = previous + JUMP end
local text = string.format('%.0f', seq)
local body = '{"room":"' .. ARGV[5] .. '","seq":' .. text .. ',"epoch":"' .. epoch .. '",' .. ARGV[4]
redis.call('HSET', KEYS[2], 'epoch', epoch, 'seq', text, 'run', run)
redis.call('PEXPIRE', KEYS[2], ARGV[8])
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[6], text .. '-0',
  'p', string.format('%.0f', previous), 'n', ARGV[2], 'a', ARGV[3], 'b', body, 's', ARGV[12])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
redis.call('HSET', KEYS[3], 'epoch', epoch, 'seq', text)
redis.call('PEXPIRE', KEYS[3], ARGV[9])
redis.call('SAY', ARGV[11], text .. ' ' .. string.format('%.0f', previous) .. ' ' .. epoch .. ' '
  .. ARGV[2] .. ' ' .. ARGV[3] .. '\\n' .. body .. '\\n' .. ARGV[12])
return seq
""".replace("JUMP", str(RESTART_JUMP))

READ = """
local epoch = redis.call('HGET', KEYS[2], 'epoch')
if not epoch then
  epoch = ARGV[3]
  if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DEL', KEYS[1]) end
  redis.call('HSET', KEYS[2], 'epoch', epoch, 'seq', '0')
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
local entries = {}
if tonumber(ARGV[2]) > 0 then
  entries = redis.call('XREVRANGE', KEYS[1], '+', ARGV[1], 'COUNT', ARGV[2])
end
return {epoch, redis.call('HGET', KEYS[2], 'seq'), entries}
"""

# ARGV: the account, name and body of what is left, then the events that stay. Every entry keeps its place.
REDACT = """
local kept = {}
for i = 4, #ARGV do kept[ARGV[i]] = true end
local entries, redacted = redis.call('XRANGE', KEYS[1], '-', '+'), 0
for _, entry in ipairs(entries) do
  local field = entry[2]
  if field[6] == ARGV[1] and not kept[field[4]] then
    field[4], field[6], field[8] = ARGV[2], '', ARGV[3]
    redacted = redacted + 1
  end
end
if redacted == 0 then return 0 end
local left = redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[1])
for _, entry in ipairs(entries) do redis.call('XADD', KEYS[1], entry[1], unpack(entry[2])) end
if left > 0 then redis.call('PEXPIRE', KEYS[1], left) end
return redacted
"""

FORGET = """
local events = redis.call('XLEN', KEYS[1])
redis.call('DEL', KEYS[1], KEYS[2])
return events
"""


class RedisRoomLogs:
    def __init__(
        self,
        homes: Homes,
        *,
        events_max: int,
        log_seconds: int,
        known_seconds: int,
        crash_before: str = "",
    ) -> None:
        """`known_seconds`: how long a republished event id finds its seq. `crash_before`: for tests."""
        self._homes = homes
        self._say = "SPUBLISH" if homes.sharded else "PUBLISH"
        self._publish = script(PUBLISH.replace("SAY", self._say))
        self._read = script(READ)
        self._redact, self._forget = script(REDACT), script(FORGET)
        self._bounds = (events_max, log_seconds * 1000, META_SECONDS * 1000, known_seconds * 1000)
        self._crash_before = crash_before

    async def publish(self, publication: Publication) -> int:
        room, event_id, event, actor, body, shares = publication
        if event == self._crash_before:
            os.kill(os.getpid(), signal.SIGKILL)
        keys = [*room_keys(room), f"{tag(room)}:e:{event_id}"]
        args: list[Any] = [event_id, event, actor, body, room, *self._bounds, fresh_epoch(), channel(room)]
        return int(await self._run(self._publish, room, keys, [*args, shares]))

    async def tell(self, room: str, event: str, actor: str, body: bytes) -> None:
        message = f"{EPHEMERAL_SEQ} 0 - {event} {actor}\n".encode() + body
        await self._homes.ask(room, lambda redis: command(redis, self._say, channel(room), message))

    async def read(self, room: str, after: int, limit: int) -> Slice:
        return slice_of(await self._run(self._read, room, room_keys(room), read_arguments(after, limit)))

    async def redact(self, room: str, actor: str) -> int:
        args = [actor, REDACTED, REDACTED_BODY, *REMOVALS]
        return int(await self._run(self._redact, room, room_keys(room)[:1], args))

    async def forget(self, room: str) -> int:
        return int(await self._run(self._forget, room, room_keys(room), []))

    async def positions(self, rooms: Sequence[str]) -> dict[str, Position]:
        found: dict[str, Position] = {}
        for start in range(0, len(rooms), READ_BATCH):
            batch = rooms[start : start + READ_BATCH]
            logs = await asyncio.gather(*(self.read(room, 0, 0) for room in batch))
            found |= {
                room: Position(epoch=log.epoch, seq=log.seq) for room, log in zip(batch, logs, strict=True)
            }
        return found

    async def server_run(self) -> str:
        """Of all servers that hold rooms and answer; one that goes away is a change, and so is its return."""
        await self._homes.survey()
        runs = await asyncio.gather(*(self._run_of(node) for node in self._homes.nodes))
        if not any(runs):
            raise Unavailable
        return " ".join(sorted(filter(None, runs)))

    async def _run_of(self, node: Node) -> str:
        try:
            with reachable():
                return str((await node.redis.info("server"))["run_id"])
        except Unavailable:
            return ""

    async def _run(self, script: AsyncScript, room: str, keys: list[str], args: list[Any]) -> Any:
        return await self._homes.ask(room, lambda redis: script(keys=keys, args=args, client=redis))


def script(text: str) -> AsyncScript:
    """Runs where it is told to; the connection it is made with is never opened."""
    return AsyncScript(Redis(), text.encode())


def tag(room: str) -> str:
    """The prefix of a room's keys; the braces keep them on one node of a cluster."""
    return f"room:{{{room}}}"


def room_keys(room: str) -> list[str]:
    return [f"{tag(room)}:log", f"{tag(room)}:meta"]


def channel(room: str) -> str:
    return f"{tag(room)}:live"


def room_of(channel_name: bytes) -> str:
    return channel_name[len(b"room:{") : -len(b"}:live")].decode()


def fresh_epoch() -> str:
    return secrets.token_urlsafe(9)


def read_arguments(after: int, limit: int) -> list[Any]:
    return [f"{after + 1}-0", limit, fresh_epoch(), META_SECONDS * 1000]


def slice_of(answer: list[Any]) -> Slice:
    epoch = answer[0].decode()
    events = [logged_of(entry, epoch) for entry in reversed(answer[2])]
    return Slice(epoch, int(answer[1]), events)


def logged_of(entry: list[Any], epoch: str) -> Logged:
    seq = int(entry[0].partition(b"-")[0])
    fields = dict(zip(entry[1][::2], entry[1][1::2], strict=True))
    name, actor = fields[b"n"].decode(), fields[b"a"].decode()
    return Logged(seq, int(fields[b"p"]), epoch, name, actor, fields[b"b"], fields.get(b"s", b""))


def heard_of(message: bytes) -> Logged:
    """A message of a live channel: `seq previous epoch event actor`, the envelope, the shares by line."""
    head, _, rest = message.partition(b"\n")
    body, _, shares = rest.partition(b"\n")
    seq, previous, epoch, event, actor = head.decode().split(" ")
    return Logged(int(seq), int(previous), epoch, event, actor, body, shares)
