"""Reversals: a decision that was taken back says which one took it back."""

from migrations.script import execute_script

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

UP = """
alter table decisions add column reversed_by uuid;
"""

DOWN = """
alter table decisions drop column reversed_by;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
