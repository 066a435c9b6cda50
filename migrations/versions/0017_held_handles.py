"""Handles that were given up are held back for a while."""

from migrations.script import execute_script

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

UP = """
create table held_handles (
    handle_hash bytea primary key,
    account_id uuid references accounts on delete set null,
    until timestamptz not null
);

comment on column held_handles.handle_hash is 'keyed hash: nobody reads which names there were';
comment on column held_handles.account_id is 'who may have it back; none once that account is erased';

create index held_handles_account on held_handles (account_id) where account_id is not null;
create index held_handles_until on held_handles (until);
"""

DOWN = """
drop table held_handles;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
