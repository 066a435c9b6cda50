"""Jobs in Redis, in arq's own layout, moved by scripts that take whole batches.

A lane is arq's sorted set (member: job id, score: when it is due, in milliseconds); `arq:job:<id>` is arq's
definition in JSON; `arq:retry:<id>` counts attempts that ended; `arq:hold:<id>` says in whose hands it is
(`since`: the moment of the claim, which names it; 0: in nobody's) and how many claims were `lost` with their
workers. An answer that got lost is no reason to fear the repeat: what is told in the name of a claim that
ended, or that another one followed, changes nothing. What differs from arq 0.28, and why, is in
docs/decisions/0004-arq-underneath.md: a claim moves the score one lease ahead instead of setting a second
key, so a job of a killed worker falls due again by itself; nothing expires, because PostgreSQL says what is
owed; idle workers block on a wake-up list instead of polling.

Times are the server's own, so clocks of workers do not matter. Keys are computed in the scripts: one
primary (or Sentinel), not Redis Cluster; arq has the same bound.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any, Final, TypeVar

import msgspec
import orjson
import structlog
from arq.connections import ArqRedis
from arq.constants import abort_jobs_ss, job_key_prefix, retry_key_prefix

from db.redis.connection import open_pool, reachable
from domain.jobs import LANES, Claim, Depth, Job, Lane, Sentinel, Settled

log = structlog.get_logger(__name__)

PAUSED: Final = "arq:paused"
SENTINEL: Final = "arq:sentinel"
WORKERS: Final = "arq:workers"
HOLD: Final = "arq:hold:"
PUSH_BATCH: Final = 500
CLAIM_PARTS: Final = 7
OVER: Final = -1
WAIT_SECONDS_MIN: Final = 0.001
"""Redis takes 0 as "for ever"."""

Call = Callable[..., Awaitable[Any]]
T = TypeVar("T", Job, Settled)

NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"

# Nothing of a job that is over, or was taken out, is left.
FORGET = f"""
local function forget(id)
  redis.call('DEL', '{job_key_prefix}' .. id, '{retry_key_prefix}' .. id, '{HOLD}' .. id)
end
"""

# A job that nobody claimed since Redis was emptied is still in the hands it was in before.
HOLDS = f"""
local function holds(id, claim)
  local since = redis.call('HGET', '{HOLD}' .. id, 'since')
  return not since or since == claim
end
"""

WAKE = (
    "local function wake() if redis.call('LLEN', KEYS[2]) == 0 then redis.call('LPUSH', KEYS[2], 1) end end\n"
)

# ARGV: id, definition, due (0: now), and so on. Whoever pushes twice changes nothing.
PUSH = f"""
{NOW}{WAKE}
local added = 0
for i = 1, #ARGV, 3 do
  local due = tonumber(ARGV[i + 2])
  if due == 0 then due = now end
  redis.call('SET', '{job_key_prefix}' .. ARGV[i], ARGV[i + 1], 'NX')
  added = added + redis.call('ZADD', KEYS[1], 'NX', due, ARGV[i])
end
if added > 0 then wake() end
return added
"""

# ARGV: lane, limit, lease. Returns the wait for the next due job (-1: none), then for each job: id, due,
# definition, retries, claim, lost, whether it was claimed before.
# More is due than was asked for: wake the next idle worker.
CLAIM = f"""
{NOW}{WAKE}
if redis.call('SISMEMBER', KEYS[3], ARGV[1]) == 1 then return {{-1}} end
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local out = {{-1}}
for i = 1, #due, 2 do
  local definition = redis.call('GET', '{job_key_prefix}' .. due[i])
  if definition then
    redis.call('ZADD', KEYS[1], 'XX', now + ARGV[3], due[i])
    local held = redis.call('HMGET', '{HOLD}' .. due[i], 'since', 'lost')
    local claim, lost, before = t[1] * 1000000 + t[2], tonumber(held[2] or 0), held[1] and 1 or 0
    if held[1] and held[1] ~= '0' then lost = lost + 1 end
    redis.call('HSET', '{HOLD}' .. due[i], 'since', claim, 'lost', lost)
    local retries = redis.call('GET', '{retry_key_prefix}' .. due[i]) or 0
    for _, value in ipairs({{due[i], due[i + 1], definition, retries, claim, lost, before}}) do
      out[#out + 1] = value
    end
  else
    redis.call('ZREM', KEYS[1], due[i])
  end
end
local head = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if #head > 0 then
  out[1] = math.max(head[2] - now, 0)
  if out[1] == 0 then wake() end
end
return out
"""

# ARGV: lease, then id and claim, and so on. GT, because a lease must never pull nearer what waits.
RENEW = f"""
{NOW}{HOLDS}
local cancelled = {{}}
for i = 2, #ARGV, 2 do
  if holds(ARGV[i], ARGV[i + 1]) then redis.call('ZADD', KEYS[1], 'XX', 'GT', now + ARGV[1], ARGV[i]) end
  if redis.call('ZSCORE', KEYS[2], ARGV[i]) then cancelled[#cancelled + 1] = ARGV[i] end
end
return cancelled
"""

# ARGV: id, delay (-1: it is over), refund, claim, and so on. What is not in the lane was taken out of it.
SETTLE = f"""
{NOW}{WAKE}{FORGET}{HOLDS}
local soon = false
for i = 1, #ARGV, 4 do
  local id, delay = ARGV[i], tonumber(ARGV[i + 1])
  if delay < 0 or not redis.call('ZSCORE', KEYS[1], id) then
    redis.call('ZREM', KEYS[1], id)
    redis.call('ZREM', KEYS[3], id)
    forget(id)
  elseif holds(id, ARGV[i + 3]) then
    redis.call('ZADD', KEYS[1], now + delay, id)
    redis.call('HSET', '{HOLD}' .. id, 'since', 0)
    if ARGV[i + 2] == '0' then redis.call('INCR', '{retry_key_prefix}' .. id) end
    soon = soon or delay < 1000
  end
end
if soon then wake() end
return #ARGV / 4
"""

# ARGV: ids. The mark is read by the worker that runs the job; a mark that nobody read goes after an hour.
# What is in nobody's hands gets none: it would stop a job that is added under the same key once this is
# discarded.
CANCEL = f"""
{NOW}{FORGET}
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 3600000)
for i = 1, #ARGV do
  local since = redis.call('HGET', '{HOLD}' .. ARGV[i], 'since')
  if since and since ~= '0' then redis.call('ZADD', KEYS[2], now, ARGV[i]) end
  redis.call('ZREM', KEYS[1], ARGV[i])
  forget(ARGV[i])
end
return #ARGV
"""

DEPTH = f"{NOW} return {{redis.call('ZCOUNT', KEYS[1], '-inf', now), redis.call('ZCARD', KEYS[1])}}"

BEAT = f"""
{NOW}
redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[1])
"""


def open_arq(url: str, *, connections_max: int = 32, timeout_seconds: float = 5.0) -> ArqRedis:
    """arq's client on a pool of ours: arq's own repeats commands, and so would count an attempt twice."""
    pool = open_pool(url, connections_max=connections_max, timeout_seconds=timeout_seconds)
    return ArqRedis(pool, job_serializer=orjson.dumps, job_deserializer=orjson.loads)


def queue_name(lane: Lane) -> str:
    """The name to give arq as `_queue_name`."""
    return f"arq:lane:{lane}"


class ArqQueue:
    """`domain.jobs.JobQueue` and `domain.jobs.JobFeed` on one Redis."""

    def __init__(self, redis: ArqRedis) -> None:
        self.redis = redis
        self._wait_max = (redis.connection_pool.connection_kwargs.get("socket_timeout") or inf) / 2
        """A connection that is silent for its timeout is taken for lost, also while it waits to be woken."""
        self._command = telling(redis.execute_command)
        self._push = self._script(PUSH)
        self._claim = self._script(CLAIM)
        self._renew = self._script(RENEW)
        self._settle = self._script(SETTLE)
        self._cancel = self._script(CANCEL)
        self._depth = self._script(DEPTH)
        self._beat = self._script(BEAT)

    def _script(self, text: str) -> Call:
        return telling(self.redis.register_script(text))

    async def push(self, jobs: Sequence[Job], *, confirm: bool = False) -> int:
        added = 0
        for lane, mine in by_lane(jobs):
            for start in range(0, len(mine), PUSH_BATCH):
                batch = mine[start : start + PUSH_BATCH]
                argv = [value for job in batch for value in (job.id, definition(job, confirm), due_ms(job))]
                added += await self._push(keys=[queue_name(lane), wake_name(lane)], args=argv)
        return added

    async def claim(self, lane: Lane, limit: int, lease_seconds: float) -> tuple[list[Claim], float]:
        keys = [queue_name(lane), wake_name(lane), PAUSED]
        wait, *flat = await self._claim(keys=keys, args=[lane, limit, milliseconds(lease_seconds)])
        read = [
            (flat[i], read_claim(lane, *flat[i : i + CLAIM_PARTS])) for i in range(0, len(flat), CLAIM_PARTS)
        ]
        claims = [claim for _, claim in read if claim is not None]
        if len(claims) < len(read):
            await self._drop(lane, [id_ for id_, claim in read if claim is None])
        return claims, inf if wait < 0 else wait / 1000

    async def _drop(self, lane: Lane, ids: Sequence[bytes]) -> None:
        """Of what nobody can read; a job that is owed comes back from its row."""
        log.error("queue.unreadable", lane=lane, jobs=len(ids))
        argv = [value for id_ in ids for value in (id_, OVER, 0, 0)]
        await self._settle(keys=[queue_name(lane), wake_name(lane), abort_jobs_ss], args=argv)

    async def wait(self, lane: Lane, seconds: float) -> None:
        bounded = max(min(seconds, self._wait_max), WAIT_SECONDS_MIN)
        await self._command("BLPOP", wake_name(lane), bounded)

    async def renew(self, lane: Lane, held: Mapping[str, int], lease_seconds: float) -> list[str]:
        keys = [queue_name(lane), abort_jobs_ss]
        argv = [value for id_, claim in held.items() for value in (id_, claim)]
        cancelled = await self._renew(keys=keys, args=[milliseconds(lease_seconds), *argv])
        return [id_.decode() for id_ in cancelled]

    async def settle(self, settled: Sequence[Settled]) -> None:
        for lane, mine in by_lane(settled):
            argv = [value for s in mine for value in (s.id, delay_ms(s), int(s.refund), s.held)]
            await self._settle(keys=[queue_name(lane), wake_name(lane), abort_jobs_ss], args=argv)

    async def cancel(self, jobs: Sequence[Job]) -> None:
        for lane, mine in by_lane(jobs):
            await self._cancel(keys=[queue_name(lane), abort_jobs_ss], args=[job.id for job in mine])

    async def set_paused(self, lane: Lane, paused: bool) -> None:
        if paused:
            await self._command("SADD", PAUSED, lane)
        else:
            await self._command("SREM", PAUSED, lane)
            await self._command("LPUSH", wake_name(lane), 1)

    async def depths(self) -> dict[Lane, Depth]:
        paused = await self._command("SMEMBERS", PAUSED)
        depths: dict[Lane, Depth] = {}
        for lane in LANES:
            due, total = await self._depth(keys=[queue_name(lane)])
            depths[lane] = Depth(due, total - due, lane.encode() in paused)
        return depths

    async def beat(self, worker: str, state: Mapping[str, object], seconds: float) -> None:
        keys = [WORKERS, worker_name(worker)]
        await self._beat(keys=keys, args=[milliseconds(seconds), worker, orjson.dumps(state)])

    async def leave(self, worker: str) -> None:
        await self._command("ZREM", WORKERS, worker)
        await self._command("DEL", worker_name(worker))

    async def workers(self) -> list[dict[str, object]]:
        names = [name.decode() for name in await self._command("ZRANGE", WORKERS, 0, -1)]
        if not names:
            return []
        beats = await self._command("MGET", *(worker_name(name) for name in names))
        return [orjson.loads(beat) for beat in beats if beat is not None]

    async def read_sentinel(self) -> Sentinel:
        value = await self._command("GET", SENTINEL)
        server = await self._command("INFO", "server")
        return Sentinel((value or b"").decode(), str(server["run_id"]))

    async def write_sentinel(self, value: str) -> None:
        await self._command("SET", SENTINEL, value)


def telling(call: Call) -> Call:
    """`call`, telling the loss of Redis in the product's language."""

    async def told(*args: Any, **kwargs: Any) -> Any:
        with reachable():
            return await call(*args, **kwargs)

    return told


def by_lane(items: Iterable[T]) -> list[tuple[Lane, list[T]]]:
    lanes: dict[Lane, list[T]] = {}
    for item in items:
        lanes.setdefault(item.lane, []).append(item)
    return list(lanes.items())


def wake_name(lane: Lane) -> str:
    return f"arq:wake:{lane}"


def worker_name(worker: str) -> str:
    return f"arq:worker:{worker}"


def milliseconds(seconds: float) -> int:
    return max(int(seconds * 1000), 1)


def due_ms(job: Job) -> int:
    return 0 if job.run_at is None else int(job.run_at.timestamp() * 1000)


def delay_ms(settled: Settled) -> int:
    return OVER if settled.delay_seconds is None else int(settled.delay_seconds * 1000)


class Definition(msgspec.Struct, frozen=True):
    """arq's own fields by their letters (try, function, arguments, enqueued at), then ours."""

    t: int | None
    f: str
    a: list[Any]
    k: dict[str, Any]
    et: int
    key: str | None = None
    run: int = 1
    repeats: bool = False
    confirm: bool = False
    traceparent: str | None = None
    since: float | None = None


def definition(job: Job, confirm: bool) -> bytes:
    packed = Definition(
        t=job.attempts,
        f=job.name,
        a=[],
        k=job.args,
        et=0,
        key=job.key,
        run=job.run,
        repeats=job.repeats,
        confirm=confirm,
        traceparent=job.traceparent,
        since=time.time() if job.run_at is None else job.run_at.timestamp(),
    )
    return msgspec.json.encode(packed)


def read_claim(lane: Lane, id_: bytes, *parts: Any) -> Claim | None:
    """None for a definition that is not ours: one of these must not hold up those it was claimed with."""
    try:
        return claim_of(lane, id_.decode(), *parts)
    except (msgspec.MsgspecError, ValueError):
        return None


def claim_of(
    lane: Lane, id_: str, due: bytes, packed: bytes, retries: bytes, held: int, lost: int, before: int
) -> Claim:
    """Also for a job that arq's own `enqueue_job` put into the lane: its id is its key.

    Raises `ValueError` for a key that no row can have.
    """
    fields = msgspec.json.decode(packed, type=Definition)
    used, due_at, key = fields.t or 0, float(due) / 1000, fields.key or id_
    if "\x00" in key:
        raise ValueError(key)
    job = Job(
        name=fields.f,
        args=fields.k,
        key=key,
        lane=lane,
        repeats=fields.repeats,
        run=fields.run,
        attempts=used,
        traceparent=fields.traceparent,
    )
    return Claim(
        id=id_,
        job=job,
        attempt=used + int(retries) + 1,
        held=held,
        due_at=due_at,
        due_since=due_at if fields.since is None else fields.since,
        lost=lost,
        confirm=bool(before) or fields.confirm,
    )
