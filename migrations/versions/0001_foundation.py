"""Foundation: accounts, sessions, circles, blocks, points ledger, outbox, notifications, activity."""

from migrations.script import execute_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UP = """
create extension if not exists citext;

create table accounts (
    id uuid primary key,
    handle citext not null unique,
    avatar text not null,
    role text not null default 'user' check (role in ('user', 'helper', 'moderator', 'admin')),
    status text not null default 'active' check (status in ('active', 'banned', 'erased')),
    country text check (country ~ '^[A-Z]{2}$'),
    timezone text not null default 'UTC',
    strength_points integer not null default 0,
    password_hash text,
    recovery_hash text,
    email_login bytea unique,
    email_encrypted bytea,
    created_at timestamptz not null
);

comment on column accounts.email_login is 'keyed hash of (address, stretched password)';
comment on column accounts.strength_points is 'sum of points_ledger.change, kept in the same transaction';

create table sessions (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    created_at timestamptz not null,
    ended_at timestamptz,
    end_reason text check (end_reason in ('logged_out', 'password_changed', 'reuse', 'banned', 'erased')),
    check ((ended_at is null) = (end_reason is null))
);

create index sessions_open on sessions (account_id) where ended_at is null;
create index sessions_ended on sessions (ended_at) where ended_at is not null;

create table refresh_tokens (
    token_hash bytea primary key,
    session_id uuid not null references sessions on delete cascade,
    expires_at timestamptz not null,
    used_at timestamptz
);

create index refresh_tokens_session on refresh_tokens (session_id);
create index refresh_tokens_expiry on refresh_tokens (expires_at);

create table circles (
    id uuid primary key,
    name text not null check (length(name) between 3 and 100),
    description text not null default '' check (length(description) <= 500),
    category text not null,
    max_members integer not null check (max_members between 2 and 10000),
    member_count integer not null default 0 check (member_count between 0 and max_members),
    is_private boolean not null default false,
    created_at timestamptz not null
);

create table memberships (
    circle_id uuid not null references circles on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    role text not null default 'member' check (role in ('owner', 'moderator', 'member')),
    joined_at timestamptz not null,
    primary key (circle_id, account_id)
);

create index memberships_account on memberships (account_id);

create table blocks (
    blocker_id uuid not null references accounts on delete cascade,
    blocked_id uuid not null references accounts on delete cascade,
    created_at timestamptz not null,
    primary key (blocker_id, blocked_id),
    check (blocker_id <> blocked_id)
);

create index blocks_blocked on blocks (blocked_id);

create table points_ledger (
    id bigint generated always as identity primary key,
    key text not null unique,
    account_id uuid not null references accounts on delete cascade,
    change integer not null check (change <> 0),
    reason text not null check (reason in ('support', 'reversal', 'correction')),
    post_id uuid not null,
    kind text not null,
    receiver_id uuid not null,
    ref text not null,
    created_at timestamptz not null
);

create index points_ledger_account on points_ledger (account_id, id);
create index points_ledger_pair on points_ledger (account_id, receiver_id, created_at);
create index points_ledger_post on points_ledger (post_id);

create table outbox (
    id uuid primary key,
    name text not null,
    at timestamptz not null,
    refs jsonb not null,
    actor text not null default '',
    recorded_at timestamptz not null default now(),
    failures integer not null default 0,
    done_at timestamptz
);

create index outbox_open on outbox (at) where done_at is null;
create index outbox_done on outbox (done_at) where done_at is not null;

create table notifications (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    kind text not null,
    event_id uuid not null,
    post_id uuid not null,
    created_at timestamptz not null,
    read_at timestamptz,
    unique (account_id, event_id)
);

create index notifications_account on notifications (account_id, id);

create table activities (
    ref text primary key,
    account_id uuid not null references accounts on delete cascade,
    kind text not null,
    at timestamptz not null,
    day date not null
);

create index activities_day on activities (account_id, day);
"""

DOWN = """
drop table activities, notifications, outbox, points_ledger, blocks, memberships, circles, refresh_tokens,
    sessions, accounts;
drop extension citext;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
