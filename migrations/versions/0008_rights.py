"""Rights: sessions that say where they are, erasures and their receipts, rows that outlive an account."""

from migrations.script import execute_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UP = """
alter table sessions add column last_used_at timestamptz;
alter table sessions add column platform text;
alter table sessions add column app_version text;
update sessions set last_used_at = created_at;
alter table sessions alter column last_used_at set not null;

create table erasures (
    receipt_id text primary key check (receipt_id ~ '^[0-9a-f]{32}$'),
    account_id uuid,
    stand_in uuid,
    requested_at timestamptz not null,
    completed_at timestamptz,
    erased jsonb not null default '{}',
    check ((completed_at is null) = (account_id is not null)),
    check ((account_id is null) = (stand_in is null))
);

comment on column erasures.account_id is 'forgotten when the erasure is complete';
comment on column erasures.stand_in is 'a random id in place of the account in rows that others need';
comment on column erasures.erased is 'how much of what';

create unique index erasures_account on erasures (account_id) where account_id is not null;
create index erasures_open on erasures (requested_at) where completed_at is null;
create index erasures_done on erasures (completed_at) where completed_at is not null;

alter table points_ledger drop constraint points_ledger_account_id_fkey;
alter table sos_ladders drop constraint sos_ladders_author_id_fkey;
alter table thanks drop constraint thanks_thanker_id_fkey;
alter table reports drop constraint reports_reporter_id_fkey;
alter table reports alter column reporter_id drop not null;
alter table reports add constraint reports_reporter_id_fkey
    foreign key (reporter_id) references accounts on delete set null;

comment on column points_ledger.account_id is 'or the stand-in of an erased account: help given stays given';
comment on column reports.reporter_id is 'none once the reporter was erased';

create index sos_ladders_author on sos_ladders (author_id);
create index thanks_thanker on thanks (thanker_id);
create index cases_subject on cases (subject_id);
create index decisions_moderator on decisions (moderator_id) where moderator_id is not null;
"""

DOWN = """
drop index decisions_moderator, cases_subject, thanks_thanker, sos_ladders_author;
delete from reports where reporter_id is null;
alter table reports drop constraint reports_reporter_id_fkey;
alter table reports alter column reporter_id set not null;
alter table reports add constraint reports_reporter_id_fkey
    foreign key (reporter_id) references accounts on delete cascade;
delete from thanks where thanker_id not in (select id from accounts);
alter table thanks add constraint thanks_thanker_id_fkey
    foreign key (thanker_id) references accounts on delete cascade;
delete from sos_ladders where author_id not in (select id from accounts);
alter table sos_ladders add constraint sos_ladders_author_id_fkey
    foreign key (author_id) references accounts on delete cascade;
delete from points_ledger where account_id not in (select id from accounts);
alter table points_ledger add constraint points_ledger_account_id_fkey
    foreign key (account_id) references accounts on delete cascade;
drop table erasures;
alter table sessions drop column app_version, drop column platform, drop column last_used_at;
"""


def upgrade() -> None:
    execute_script(UP)


def downgrade() -> None:
    execute_script(DOWN)
