"""Circles whole: how strictly they are moderated, who is invited, who was removed, and how they are found."""

from migrations.script import execute_script

revision = "0009"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = """
create extension if not exists pg_trgm;

alter table circles add column filter_level text not null default 'standard'
    check (filter_level in ('strict', 'standard', 'lenient'));

create index circles_public on circles (id) where not is_private;
create index circles_category on circles (category, id) where not is_private;
create index circles_name on circles using gin (name gin_trgm_ops) where not is_private;

create unique index memberships_owner on memberships (circle_id) where role = 'owner';
create index memberships_joined on memberships (circle_id, joined_at, account_id);

create table circle_invitations (
    id uuid primary key,
    circle_id uuid not null references circles on delete cascade,
    inviter_id uuid not null references accounts on delete cascade,
    account_id uuid references accounts on delete cascade,
    code_hash bytea unique,
    uses_max integer not null check (uses_max > 0),
    uses integer not null default 0 check (uses between 0 and uses_max),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    unique (circle_id, account_id),
    check ((account_id is null) <> (code_hash is null))
);

comment on column circle_invitations.account_id is 'who is invited; none for a code that anybody may use';
comment on column circle_invitations.code_hash is 'keyed hash of the join code';

create index circle_invitations_circle on circle_invitations (circle_id, id);
create index circle_invitations_account on circle_invitations (account_id, id) where account_id is not null;
create index circle_invitations_inviter on circle_invitations (inviter_id);
create index circle_invitations_expiry on circle_invitations (expires_at);

create table circle_bars (
    circle_id uuid not null references circles on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    created_at timestamptz not null,
    primary key (circle_id, account_id)
);

comment on table circle_bars is 'who was removed from a circle and does not come back by themselves';

create index circle_bars_circle on circle_bars (circle_id, created_at, account_id);
create index circle_bars_account on circle_bars (account_id);
"""

DOWN = """
drop table circle_bars, circle_invitations;
drop index memberships_joined, memberships_owner, circles_name, circles_category, circles_public;
alter table circles drop column filter_level;
drop extension pg_trgm;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
