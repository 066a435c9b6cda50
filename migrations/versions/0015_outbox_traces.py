"""Outbox traces: the trace that an event belongs to, for the relay that tells it."""

from migrations.script import execute_script

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

UP = """
alter table outbox add column traceparent text;
comment on column outbox.traceparent is 'W3C Trace Context of what it tells about; null without a trace';
"""

DOWN = """
alter table outbox drop column traceparent;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
