"""Ladder: helpers' settings, SOS ladders and whom they asked; awards that the daily cap left nothing of."""

from migrations.script import execute_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UP = """
alter table points_ledger drop constraint points_ledger_change_check;
alter table points_ledger add constraint points_ledger_change_check
    check (change <> 0 or reason in ('support', 'reversal'));
comment on column points_ledger.change is '0 for an award that the daily cap left nothing of';
create index points_ledger_receiver on points_ledger (receiver_id);

create table helper_settings (
    account_id uuid primary key references accounts on delete cascade,
    opted_in boolean not null default false,
    categories text[] not null default '{}',
    languages text[] not null default '{}',
    max_open integer not null default 5 check (max_open between 1 and 50)
);

comment on column helper_settings.categories is 'empty: any';
comment on column helper_settings.languages is 'empty: any';
create index helper_settings_opted_in on helper_settings (account_id) where opted_in;

create table sos_ladders (
    post_id uuid primary key,
    author_id uuid not null references accounts on delete cascade,
    circle_id uuid,
    categories text[] not null,
    started_at timestamptz not null,
    step smallint not null default 0 check (step between 0 and 3),
    state text not null default 'open' check (state in ('open', 'answered', 'over')),
    answered_at timestamptz,
    answered_by uuid references accounts on delete set null,
    answer_ref text,
    measured boolean not null default false,
    first_response_seconds double precision
        generated always as (extract(epoch from answered_at - started_at)) stored,
    check ((state = 'answered') = (answered_at is not null))
);

comment on column sos_ladders.circle_id is 'only its members are asked';
comment on column sos_ladders.answer_ref is 'the response or support that ended it';
create index sos_ladders_open on sos_ladders (started_at) where state = 'open';
create index sos_ladders_answered_by on sos_ladders (answered_by) where state = 'answered';

create table sos_asked (
    post_id uuid not null references sos_ladders on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    step smallint not null check (step between 1 and 3),
    asked_at timestamptz not null,
    left_at timestamptz,
    primary key (post_id, account_id)
);

comment on column sos_asked.left_at is 'went away: is not counted on any more';
create index sos_asked_account on sos_asked (account_id) where left_at is null;

create table sos_seen (
    post_id uuid not null references sos_ladders on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    primary key (post_id, account_id)
);
create index sos_seen_account on sos_seen (account_id);
"""

DOWN = """
drop table sos_seen, sos_asked, sos_ladders, helper_settings;
drop index points_ledger_receiver;
delete from points_ledger where change = 0;
alter table points_ledger drop constraint points_ledger_change_check;
alter table points_ledger add constraint points_ledger_change_check check (change <> 0);
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
