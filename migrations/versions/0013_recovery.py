"""Recovery: an account is found by its recovery code, whatever its handle is by now."""

from migrations.script import execute_script

revision = "0013"
down_revision = "0009"
branch_labels = None
depends_on = None

UP = """
create index accounts_recovery on accounts (recovery_hash) where recovery_hash is not null;
"""

DOWN = """
drop index accounts_recovery;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
