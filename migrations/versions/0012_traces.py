"""Traces: the trace that a job belongs to; and the SOS of a day, for operators."""

from migrations.script import execute_script

revision = "0012"
down_revision = "0008"
branch_labels = None
depends_on = None

UP = """
alter table jobs add column traceparent text;
comment on column jobs.traceparent is 'W3C Trace Context of what the job is owed by; null without a trace';
create index sos_ladders_started on sos_ladders (started_at);
"""

DOWN = """
drop index sos_ladders_started;
alter table jobs drop column traceparent;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
