"""Trackers: one addiction of one account and its streak."""

from migrations.script import execute_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UP = """
create table trackers (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    category text not null,
    timezone text,
    started_on date not null,
    claimed_days integer not null default 0 check (claimed_days >= 0),
    created_at timestamptz not null,
    streak jsonb not null,
    unique (account_id, category)
);

comment on column trackers.timezone is 'null: that of the account';
comment on column trackers.claimed_days is 'days in a row from started_on on, from before the tracker';
comment on column trackers.streak is 'what the check-ins and slips come to; recomputed from them at any time';
"""

DOWN = """
drop table trackers;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
