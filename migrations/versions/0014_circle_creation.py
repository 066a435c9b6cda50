"""A circle that is made again by a retry is the one there is."""

from migrations.script import execute_script

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

UP = """
alter table circles add column creation_id uuid unique;

comment on column circles.creation_id is 'hash of who made it and of their client_id; none without one';
"""

DOWN = """
alter table circles drop column creation_id;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
