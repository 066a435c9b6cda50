"""A recovery whose answer was lost can be asked for again."""

from migrations.script import execute_script

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

UP = """
alter table accounts add column recovered_from text, add column recovered_at timestamptz;

comment on column accounts.recovered_from is 'hash of the recovery code that was used last, at recovered_at';

create index accounts_recovered on accounts (recovered_from) where recovered_from is not null;
"""

DOWN = """
drop index accounts_recovered;
alter table accounts drop column recovered_at, drop column recovered_from;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
