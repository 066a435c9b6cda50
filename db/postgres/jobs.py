"""Jobs in PostgreSQL: the rows that are the truth about owed work, and their history.

Keys are written in sorted order everywhere, so that two batches seldom wait for each other in a ring;
a worker repeats a batch that PostgreSQL broke off.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from asyncpg import Record

from db.postgres.statements import Db
from domain.jobs import (
    FINISHED,
    UNFINISHED,
    Job,
    JobFilter,
    JobRow,
    Lane,
    Outcome,
    Sentinel,
    Slot,
    Start,
    State,
    Unfinished,
)
from domain.trace import TRACEPARENT

NEXT_ID = "nextval(pg_get_serial_sequence('jobs', 'id'))"
"""A place behind all others, for what is queued anew: who looks for lost jobs looks at the newest rows."""

JOB = "key, name, lane, args::text as args, repeats, run, attempts, run_at, traceparent"

ROW = f"""
id as row, {JOB}, state, queued_at, started_at, finished_at, worker, error, trace,
progress_done, progress_total,
case when started_at is not null
  then greatest(extract(epoch from started_at - greatest(queued_at, run_at)), 0)::float8 end as wait_seconds,
extract(epoch from finished_at - started_at)::float8 as run_seconds
"""

ADD_ONCE = """
insert into jobs (key, name, lane, args, run_at, traceparent)
select key, name, lane, args::jsonb, coalesce(run_at, now()), $6::text
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
  as new (key, name, lane, args, run_at)
on conflict (key) do nothing
returning key, run
"""

# A waiting row absorbs the new one, and is locked by it: the worker cannot mark it as started, and so
# cannot read data, before this transaction's data is there to be read.
ADD_REPEATING = f"""
insert into jobs as old (key, name, lane, args, run_at, repeats, traceparent)
select key, name, lane, args::jsonb, coalesce(run_at, now()), true, $6::text
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
  as new (key, name, lane, args, run_at)
on conflict (key) do update set
  id = case when old.state = 'started' then old.id else {NEXT_ID} end,
  again = old.state = 'started',
  run = old.run + (old.state <> 'started')::int,
  attempts = case when old.state = 'started' then old.attempts else 0 end,
  run_at = case when old.state = 'started' then old.run_at else excluded.run_at end,
  queued_at = case when old.state = 'started' then old.queued_at else now() end,
  started_at = case when old.state = 'started' then old.started_at end,
  finished_at = null, error = null, trace = null, progress_done = null, progress_total = null,
  traceparent = excluded.traceparent,
  state = case when old.state = 'started' then 'started' else 'queued' end
where old.state <> 'queued'
returning key, run, state
"""

STARTED = """
update jobs set state = 'started', started_at = new.started_at, attempts = new.attempt, worker = new.worker
from unnest($1::text[], $2::int[], $3::int[], $4::timestamptz[], $5::text[])
  as new (key, run, attempt, started_at, worker)
where jobs.key = new.key and jobs.run = new.run and jobs.state in ('queued', 'started')
returning jobs.key
"""

# `again` wins over every end but one: what still has attempts left (queued) is going to run anyway. Such an
# end is passed over while another attempt is on record, which may have read before `again` was asked for.
SETTLE = f"""
with settled as (
  update jobs set
    id = case when jobs.again and new.state <> 'queued' then {NEXT_ID} else jobs.id end,
    state = case when jobs.again then 'queued' else new.state end,
    run = jobs.run + (jobs.again and new.state <> 'queued')::int,
    attempts = case when jobs.again and new.state <> 'queued' then 0 else new.attempts end,
    run_at = case when jobs.again and new.state <> 'queued' then now()
      else coalesce(new.run_at, jobs.run_at) end,
    queued_at = case when jobs.again then now() else jobs.queued_at end,
    started_at = case when jobs.again then null else new.started_at end,
    finished_at = case when jobs.again or new.state = 'queued' then null else new.finished_at end,
    worker = new.worker, error = new.error, trace = new.trace, again = false
  from unnest($1::text[], $2::int[], $3::text[], $4::int[], $5::timestamptz[], $6::timestamptz[],
              $7::timestamptz[], $8::text[], $9::text[], $10::text[])
    as new (key, run, state, attempts, started_at, finished_at, run_at, worker, error, trace)
  where jobs.key = new.key and jobs.run = new.run and jobs.state in ('queued', 'started')
    and (new.state <> 'queued' or jobs.state = 'queued'
      or (jobs.worker, jobs.started_at) = (new.worker, new.started_at))
  returning jobs.*, jobs.run <> new.run as anew
)
select {JOB} from settled where anew
"""

PROGRESSED = """
update jobs set progress_done = new.done, progress_total = new.total
from unnest($1::text[], $2::bigint[], $3::bigint[]) as new (key, done, total)
where jobs.key = new.key and jobs.state in ('queued', 'started')
"""

UNFINISHED_ROWS = f"""
select id as row, state, {JOB} from jobs
where state in ('queued', 'started') and lane = $1 and id > $2
  and queued_at <= now() - make_interval(secs => $4)
order by id limit $3
"""

WHICH = """
($1::text[] is null or key = any($1)) and ($2::text is null or starts_with(key, $2))
and ($3::text is null or name = $3) and ($4::text is null or lane = $4)
and ($5::text[] is null or state = any($5)) and ($6::text is null or error = $6)
"""

FIND = f"select {ROW} from jobs where {WHICH} and ($7::bigint is null or id < $7) order by id desc limit $8"

# Picked once and for all: a plan that asks an inner query again would find others behind those it locked.
PICKED = f"""
with picked as materialized (
  select id from jobs where {WHICH} and state = any($7) order by id limit $8 for update
)
"""

CANCEL = f"""
{PICKED}
update jobs set state = 'cancelled', again = false, finished_at = now(), error = 'operator'
where id in (select id from picked) returning {JOB}
"""

REQUEUE = f"""
{PICKED}
update jobs set id = {NEXT_ID}, state = 'queued', run = run + 1, attempts = 0,
  run_at = now(), queued_at = now(), started_at = null, finished_at = null, error = null, trace = null,
  progress_done = null, progress_total = null
where id in (select id from picked) returning {JOB}
"""

DISCARD = f"{PICKED} delete from jobs where id in (select id from picked) returning id"

PRUNE = """
delete from jobs where id in (
  (select id from jobs where state = 'done' and finished_at < $1 order by finished_at limit $3)
  union all
  (select id from jobs where state = 'cancelled' and finished_at < $1 order by finished_at limit $3)
  union all
  (select id from jobs where state = 'dead' and finished_at < $2 order by finished_at limit $3)
) returning id
"""

COUNTS = "select lane, state, count(*) as rows from jobs group by lane, state"

PAUSE = "insert into job_lanes (lane) values ($1) on conflict (lane) do nothing"

SET_SENTINEL = """
insert into job_sentinel (value, run_id) values ($1, $2)
on conflict (single) do update set value = excluded.value, run_id = excluded.run_id
"""

PLAN = """
with dropped as (delete from job_schedule where $4 and name <> all($1::text[]))
insert into job_schedule as old (name, spec, next_run_at)
select name, spec, next_run_at from unnest($1::text[], $2::text[], $3::timestamptz[])
  as new (name, spec, next_run_at)
order by name
on conflict (name) do update set spec = excluded.spec, next_run_at = excluded.next_run_at
where old.spec <> excluded.spec
"""

TAKE_SLOT = """
with moved as (
  update job_schedule set last_run_at = next_run_at, next_run_at = $3, missed = $4
  where name = $1 and next_run_at = $2
  returning name
)
insert into jobs (key, name, lane, args)
select $5, $6, $7, $8::text::jsonb from moved
on conflict (key) do nothing
returning key, run
"""


class JobRows:
    """`domain.jobs.JobStore` on whatever runs the statements."""

    def __init__(self, db: Db) -> None:
        self.db = db

    async def add(self, jobs: Sequence[Job]) -> list[Job]:
        distinct = {job.key: job for job in jobs}
        once = [job for job in distinct.values() if not job.repeats]
        repeating = [job for job in distinct.values() if job.repeats]
        rows = await self._insert(ADD_ONCE, once)
        rows += [row for row in await self._insert(ADD_REPEATING, repeating) if row["state"] == "queued"]
        runs = {row["key"]: row["run"] for row in rows}
        trace = TRACEPARENT.get()
        return [
            msgspec.structs.replace(job, run=runs[job.key], traceparent=trace)
            for job in distinct.values()
            if job.key in runs
        ]

    async def _insert(self, query: str, jobs: list[Job]) -> list[Record]:
        if not jobs:
            return []
        values = [(job.key, job.name, job.lane, to_json(job.args), job.run_at) for job in jobs]
        return await self.db.fetch(query, *columns(sorted(values, key=first)), TRACEPARENT.get())

    async def started(self, starts: Sequence[Start]) -> set[str]:
        values = [(s.job.key, s.job.run, s.attempt, s.started_at, s.worker) for s in starts]
        return {row["key"] for row in await self.db.fetch(STARTED, *columns(sorted(values, key=first)))}

    async def settle(self, outcomes: Sequence[Outcome]) -> list[Job]:
        rows = await self.db.fetch(SETTLE, *columns(sorted(map(ended, outcomes), key=first)))
        return [job_of(row) for row in rows]

    async def progressed(self, progress: Mapping[str, tuple[int, int]]) -> None:
        values = [(key, done, total) for key, (done, total) in sorted(progress.items())]
        await self.db.execute(PROGRESSED, *columns(values))

    async def unfinished(
        self, lane: Lane, *, after: int, limit: int, older_than_seconds: float = 0.0
    ) -> list[Unfinished]:
        rows = await self.db.fetch(UNFINISHED_ROWS, lane, after, limit, older_than_seconds)
        return [Unfinished(row["row"], job_of(row), row["state"] == "started") for row in rows]

    async def find(self, which: JobFilter, *, before: int | None = None, limit: int = 50) -> list[JobRow]:
        rows = await self.db.fetch(FIND, *parts(which), before, limit)
        return [row_of(row) for row in rows]

    async def counts(self) -> dict[tuple[Lane, State], int]:
        return {(row["lane"], row["state"]): row["rows"] for row in await self.db.fetch(COUNTS)}

    async def cancel(self, which: JobFilter, *, limit: int) -> list[Job]:
        rows = await self.db.fetch(CANCEL, *parts(which), list(UNFINISHED), limit)
        return [job_of(row) for row in rows]

    async def requeue(self, which: JobFilter, *, limit: int) -> list[Job]:
        rows = await self.db.fetch(REQUEUE, *parts(which), list(FINISHED), limit)
        return [job_of(row) for row in rows]

    async def discard(self, which: JobFilter, *, limit: int) -> int:
        return len(await self.db.fetch(DISCARD, *parts(which), list(FINISHED), limit))

    async def prune(self, *, done_before: datetime, dead_before: datetime, limit: int) -> int:
        return len(await self.db.fetch(PRUNE, done_before, dead_before, limit))

    async def paused(self) -> set[Lane]:
        return {row["lane"] for row in await self.db.fetch("select lane from job_lanes")}

    async def set_paused(self, lane: Lane, paused: bool) -> None:
        await self.db.execute(PAUSE if paused else "delete from job_lanes where lane = $1", lane)

    async def sentinel(self) -> Sentinel | None:
        row = await self.db.fetchrow("select value, run_id from job_sentinel")
        return Sentinel(row["value"], row["run_id"]) if row else None

    async def set_sentinel(self, sentinel: Sentinel) -> None:
        await self.db.execute(SET_SENTINEL, sentinel.value, sentinel.run_id)

    async def slots(self) -> list[Slot]:
        rows = await self.db.fetch(
            "select name, spec, next_run_at, last_run_at, missed from job_schedule order by name"
        )
        return [Slot(**dict(row)) for row in rows]

    async def plan(self, slots: Sequence[Slot], *, drop: bool = True) -> None:
        names, specs = [s.name for s in slots], [s.spec for s in slots]
        await self.db.execute(PLAN, names, specs, [s.next_run_at for s in slots], drop)

    async def take_slot(self, slot: Slot, *, next_run_at: datetime, missed: int, job: Job) -> list[Job]:
        rows = await self.db.fetch(
            TAKE_SLOT,
            slot.name,
            slot.next_run_at,
            next_run_at,
            missed,
            job.key,
            job.name,
            job.lane,
            to_json(job.args),
        )
        return [job for _ in rows]

    async def replan_slot(self, slot: Slot, next_run_at: datetime) -> None:
        await self.db.execute(
            "update job_schedule set next_run_at = $3 where name = $1 and next_run_at = $2",
            slot.name,
            slot.next_run_at,
            next_run_at,
        )


def to_json(args: Mapping[str, str]) -> str:
    return msgspec.json.encode(args).decode()


def ended(o: Outcome) -> tuple[Any, ...]:
    times = (o.started_at, o.finished_at, o.run_at)
    return (o.job.key, o.job.run, o.state, o.attempts, *times, o.worker, o.error, o.trace)


def columns(values: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows to the arrays of `unnest`. `values` is not empty."""
    return [list(column) for column in zip(*values, strict=True)]


def first(value: tuple[Any, ...]) -> Any:
    return value[0]


def parts(which: JobFilter) -> tuple[Any, ...]:
    return (
        None if which.keys is None else list(which.keys),
        which.key_prefix,
        which.name,
        which.lane,
        None if which.states is None else list(which.states),
        which.error,
    )


def job_of(row: Record) -> Job:
    return Job(
        name=row["name"],
        args=msgspec.json.decode(row["args"], type=dict[str, str]),
        key=row["key"],
        lane=row["lane"],
        run_at=row["run_at"],
        repeats=row["repeats"],
        run=row["run"],
        attempts=row["attempts"],
        traceparent=row["traceparent"],
    )


def row_of(row: Record) -> JobRow:
    fields = dict(row)
    fields["args"] = msgspec.json.decode(fields["args"], type=dict[str, str])
    del fields["repeats"]
    return JobRow(**fields)
