"""Jobs: rows of owed work and their history, paused lanes, the schedule, the sentinel of Redis."""

from migrations.script import execute_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = """
create table jobs (
    id bigint generated always as identity primary key,
    key text not null unique,
    name text not null,
    lane text not null check (lane in ('urgent', 'default', 'bulk')),
    args jsonb not null,
    repeats boolean not null default false,
    state text not null default 'queued' check (state in ('queued', 'started', 'done', 'dead', 'cancelled')),
    run integer not null default 1,
    again boolean not null default false,
    attempts integer not null default 0,
    run_at timestamptz not null default now(),
    queued_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    worker text,
    error text,
    trace text,
    progress_done bigint,
    progress_total bigint
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

comment on column jobs.key is 'deterministic name of the work; one row per key';
comment on column jobs.run is 'how often the key was queued anew';
comment on column jobs.again is 'added again while it ran: run once more';
comment on column jobs.run_at is 'when this attempt is due';

create index jobs_unfinished on jobs (lane, id) where state in ('queued', 'started');
create index jobs_finished on jobs (state, finished_at) where finished_at is not null;
create index jobs_by_name on jobs (name, id);

create table job_lanes (
    lane text primary key check (lane in ('urgent', 'default', 'bulk')),
    paused_at timestamptz not null default now()
);

create table job_schedule (
    name text primary key,
    spec text not null,
    next_run_at timestamptz not null,
    last_run_at timestamptz,
    missed integer not null default 0
);

create table job_sentinel (
    single boolean primary key default true check (single),
    value text not null,
    run_id text not null
);
"""

DOWN = """
drop table job_sentinel;
drop table job_schedule;
drop table job_lanes;
drop table jobs;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
