"""A refresh whose answer was lost can be asked for again."""

from migrations.script import execute_script

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

UP = """
alter table refresh_tokens add column given_for bytea;

comment on column refresh_tokens.given_for is 'hash of the token that was exchanged for it';

create index refresh_tokens_given_for on refresh_tokens (given_for) where given_for is not null;
"""

DOWN = """
drop index refresh_tokens_given_for;
alter table refresh_tokens drop column given_for;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
