"""Push: notifications of anything, preferences, devices, what was pushed."""

from migrations.script import execute_script

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None

UP = """
alter table notifications alter column post_id drop not null;
alter table notifications add column actor_id uuid references accounts on delete set null;
alter table notifications add column in_app boolean not null default true;
comment on column notifications.in_app is 'false: pushed and nothing else';

drop index notifications_account;
create index notifications_account on notifications (account_id, created_at desc, id desc) where in_app;
create index notifications_unread on notifications (account_id) where in_app and read_at is null;
create index notifications_actor on notifications (actor_id) where actor_id is not null;
create index notifications_created on notifications (created_at);

create table notification_preferences (
    account_id uuid primary key references accounts on delete cascade,
    kinds jsonb not null,
    quiet_start text,
    quiet_end text,
    push_per_day integer not null check (push_per_day between 0 and 100),
    check ((quiet_start is null) = (quiet_end is null))
);

create table devices (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    session_id uuid not null references sessions on delete cascade,
    platform text not null check (platform in ('ios', 'android', 'web')),
    token_key bytea not null unique,
    sealed bytea not null,
    seen_at timestamptz not null
);

comment on column devices.token_key is 'keyed hash of the token: it belongs to one account at a time';
comment on column devices.sealed is 'encrypted address';
create index devices_account on devices (account_id);
create index devices_session on devices (session_id);

create table pushes (
    notification_id uuid primary key references notifications on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    group_name text not null,
    at timestamptz not null
);

create index pushes_account on pushes (account_id, at);

create table push_deliveries (
    notification_id uuid not null references notifications on delete cascade,
    device_id uuid not null references devices on delete cascade,
    at timestamptz not null,
    primary key (notification_id, device_id)
);

create index push_deliveries_device on push_deliveries (device_id);
"""

DOWN = """
drop table push_deliveries, pushes, devices, notification_preferences;
drop index notifications_created, notifications_actor, notifications_unread, notifications_account;
delete from notifications where post_id is null;
alter table notifications drop column in_app;
alter table notifications drop column actor_id;
alter table notifications alter column post_id set not null;
create index notifications_account on notifications (account_id, id);
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
