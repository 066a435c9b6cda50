"""People: reports, cases, decisions, standings, thanks, the audit log."""

from migrations.script import execute_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UP = """
alter table points_ledger drop constraint points_ledger_change_check;

create table cases (
    id uuid primary key,
    kind text not null check (kind in ('risk', 'conduct', 'appeal')),
    target text not null check (target in ('post', 'response', 'user', 'circle')),
    target_id uuid not null,
    subject_id uuid not null,
    topics text[] not null default '{}',
    urgency integer not null check (urgency between 1 and 5),
    weight double precision not null default 0,
    reports integer not null default 0,
    opened_at timestamptz not null,
    claimed_by uuid,
    claimed_until timestamptz,
    barred uuid[] not null default '{}',
    decision_id uuid,
    note text not null default '',
    outcome text,
    closed_by uuid,
    closed_at timestamptz,
    check ((closed_at is null) = (outcome is null))
);

comment on column cases.subject_id is 'the account whose conduct or danger it is about';
comment on column cases.weight is 'sum of the credibility of its reports';
comment on column cases.barred is 'moderators who may not decide it';
comment on column cases.decision_id is 'the decision that is appealed';

create unique index cases_open on cases (target, target_id, kind)
    where closed_at is null and kind <> 'appeal';
create unique index cases_appeal on cases (decision_id) where kind = 'appeal';
create index cases_queue on cases (urgency desc, opened_at, id) where closed_at is null;
create index cases_closed on cases (closed_by, closed_at) where closed_at is not null;
create index cases_topics on cases using gin (topics) where closed_at is not null;

create table reports (
    id uuid primary key,
    case_id uuid not null references cases on delete cascade,
    reporter_id uuid not null references accounts on delete cascade,
    target text not null,
    target_id uuid not null,
    reason text not null,
    note text not null default '' check (length(note) <= 1000),
    weight double precision not null,
    created_at timestamptz not null,
    unique (reporter_id, target, target_id)
);

create index reports_case on reports (case_id);

create table decisions (
    id uuid primary key,
    case_id uuid not null references cases,
    target text not null,
    target_id uuid not null,
    subject_id uuid not null,
    moderator_id uuid,
    action text not null,
    reason text not null default '',
    topics text[] not null default '{}',
    label text,
    until timestamptz,
    earlier text,
    state text not null check (state in ('proposed', 'active', 'rejected', 'reversed', 'replaced')),
    at timestamptz not null
);

comment on column decisions.moderator_id is 'none for what moderation did by itself';
comment on column decisions.earlier is 'what a restoration brings back: the status or warning before';

create index decisions_target on decisions (target_id, at);
create index decisions_subject on decisions (subject_id, at);
create index decisions_case on decisions (case_id);

create table standings (
    account_id uuid primary key references accounts on delete cascade,
    muted_until timestamptz,
    slowed_until timestamptz,
    banned_until timestamptz
);

create index standings_banned on standings (banned_until) where banned_until is not null;

create table thanks (
    response_id uuid primary key,
    post_id uuid not null,
    helper_id uuid not null references accounts on delete cascade,
    thanker_id uuid not null references accounts on delete cascade,
    at timestamptz not null
);

create index thanks_helper on thanks (helper_id, at desc);

create table audit (
    seq bigint primary key,
    at timestamptz not null,
    actor_id text not null,
    action text not null,
    target text not null,
    target_id text not null,
    details jsonb not null,
    previous text not null,
    hash text not null unique
);

create index audit_action on audit (action, seq);
create index audit_actor on audit (actor_id, seq);
create index audit_target on audit (target_id, seq);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only';
end $$;

create trigger audit_append_only before update or delete or truncate on audit
    for each statement execute function refuse_change();
"""

DOWN = """
drop table audit, thanks, standings, decisions, reports, cases;
drop function refuse_change;
alter table points_ledger add constraint points_ledger_change_check
    check (change <> 0 or reason in ('support', 'reversal')) not valid;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
