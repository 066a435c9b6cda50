"""The rows of the fake PostgreSQL side, and its transactions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, NamedTuple

from domain.accounts import Account
from domain.activity import Activity
from domain.audit import AuditLine
from domain.cases import Case
from domain.circles import Circle, MemberRole
from domain.decisions import Decision
from domain.devices import Device
from domain.erasure import Erasure
from domain.events import Event
from domain.held_handles import HeldHandle
from domain.helping import HelperSettings
from domain.invitations import Invitation
from domain.jobs import JobRow, Lane, Sentinel, Slot
from domain.ladder import Asked, Ladder
from domain.notifications import Notification
from domain.points import Entry
from domain.preferences import Preferences
from domain.reports import Report
from domain.sessions import EndReason, RefreshToken, Session
from domain.standings import Standing
from domain.trackers import Tracker
from domain.trust import Thank


class Membership(NamedTuple):
    role: MemberRole
    joined_at: datetime


class Told(NamedTuple):
    """A row of the outbox."""

    event: Event
    recorded_at: datetime
    done_at: datetime | None = None
    failures: int = 0


class Pushed(NamedTuple):
    """A row of the pushes."""

    account_id: str
    group: str
    at: datetime


class Owed(NamedTuple):
    """A row of the jobs; `repeats` and `again` are what operators do not see of it."""

    row: JobRow
    repeats: bool
    again: bool = False


@dataclass
class Tables:
    """Dictionaries by primary key, of rows that never change in place."""

    accounts: dict[str, Account] = field(default_factory=dict)
    held_handles: dict[bytes, HeldHandle] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    end_reasons: dict[str, EndReason] = field(default_factory=dict)
    refresh_tokens: dict[bytes, RefreshToken] = field(default_factory=dict)
    circles: dict[str, Circle] = field(default_factory=dict)
    creations: dict[str, str] = field(default_factory=dict)
    memberships: dict[tuple[str, str], Membership] = field(default_factory=dict)
    bars: dict[tuple[str, str], datetime] = field(default_factory=dict)
    invitations: dict[str, Invitation] = field(default_factory=dict)
    blocks: dict[tuple[str, str], datetime] = field(default_factory=dict)
    ledger: dict[str, Entry] = field(default_factory=dict)
    outbox: dict[str, Told] = field(default_factory=dict)
    notifications: dict[str, Notification] = field(default_factory=dict)
    preferences: dict[str, Preferences] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    pushes: dict[str, Pushed] = field(default_factory=dict)
    push_deliveries: dict[tuple[str, str], datetime] = field(default_factory=dict)
    activities: dict[str, Activity] = field(default_factory=dict)
    trackers: dict[str, Tracker] = field(default_factory=dict)
    helper_settings: dict[str, HelperSettings] = field(default_factory=dict)
    ladders: dict[str, Ladder] = field(default_factory=dict)
    measured: dict[str, None] = field(default_factory=dict)
    asked: dict[tuple[str, str], Asked] = field(default_factory=dict)
    seen: dict[tuple[str, str], None] = field(default_factory=dict)
    jobs: dict[str, Owed] = field(default_factory=dict)
    paused: dict[Lane, None] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    standings: dict[str, Standing] = field(default_factory=dict)
    thanks: dict[str, Thank] = field(default_factory=dict)
    audit: dict[int, AuditLine] = field(default_factory=dict)
    erasures: dict[str, Erasure] = field(default_factory=dict)
    sentinel: dict[str, Sentinel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """One after the other, which is stricter than PostgreSQL; a raise undoes everything."""
        async with self._one_at_a_time:
            before = self._copy()
            try:
                yield
            except BaseException:
                self._restore(before)
                raise

    def _copy(self) -> dict[str, dict[Any, Any]]:
        return {table.name: dict(getattr(self, table.name)) for table in fields(self)}

    def _restore(self, before: dict[str, dict[Any, Any]]) -> None:
        for name, rows in before.items():
            setattr(self, name, rows)
