"""The PostgreSQL side: people, rights, points, and what still has to be told to whom."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from db.postgres.accounts import AccountRows
from db.postgres.activities import ActivityRows
from db.postgres.audit import AuditRows
from db.postgres.bars import BarRows
from db.postgres.belongings import BelongingRows
from db.postgres.blocks import BlockRows
from db.postgres.cases import CaseRows
from db.postgres.circles import CircleRows
from db.postgres.database import Database
from db.postgres.decisions import DecisionRows
from db.postgres.devices import DeviceRows
from db.postgres.erasures import ErasureRows
from db.postgres.held_handles import HeldHandleRows
from db.postgres.helpers import HelperRows
from db.postgres.invitations import InvitationRows
from db.postgres.jobs import JobRows
from db.postgres.ladders import LadderRows
from db.postgres.ledger import LedgerRows
from db.postgres.notifications import NotificationRows
from db.postgres.outbox import OutboxRows
from db.postgres.preferences import PreferenceRows
from db.postgres.pushes import PushRows
from db.postgres.reports import ReportRows
from db.postgres.sessions import SessionRows
from db.postgres.statements import Db
from db.postgres.trackers import TrackerRows
from db.postgres.trust import StandingRows, ThankRows
from domain.ports import Records


def records(db: Db) -> Records:
    """All repositories, on the pool or on one transaction."""
    return Records(
        accounts=AccountRows(db),
        held_handles=HeldHandleRows(db),
        sessions=SessionRows(db),
        circles=CircleRows(db),
        bars=BarRows(db),
        invitations=InvitationRows(db),
        blocks=BlockRows(db),
        ledger=LedgerRows(db),
        outbox=OutboxRows(db),
        jobs=JobRows(db),
        notifications=NotificationRows(db),
        preferences=PreferenceRows(db),
        devices=DeviceRows(db),
        pushes=PushRows(db),
        activities=ActivityRows(db),
        trackers=TrackerRows(db),
        cases=CaseRows(db),
        reports=ReportRows(db),
        decisions=DecisionRows(db),
        standings=StandingRows(db),
        thanks=ThankRows(db),
        audit=AuditRows(db),
        erasures=ErasureRows(db),
        belongings=BelongingRows(db),
        helpers=HelperRows(db),
        ladders=LadderRows(db),
    )


@asynccontextmanager
async def transaction(database: Database) -> AsyncIterator[Records]:
    async with database.transaction() as statements:
        yield records(statements)
