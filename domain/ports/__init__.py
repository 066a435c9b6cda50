"""What the domain needs from the outside, as protocols; one frozen `Ports` carries them everywhere.

Every store here has two implementations: the real one in `db/` and a fake in `tests/fakes/`,
and both pass the contract suite in `tests/contract/`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.jobs import JobStore
from domain.ports.care import AuditLog, Cases, Decisions, Helpers, Ladders, Reports, Standings, Thanks
from domain.ports.content import CheckIns, Content, Cravings, Given, Posts, Responses, Supports, VoiceNotes
from domain.ports.live import Presence, Queue, RateLimits, RoomFeed, RoomLogs, Socket, SocketLeases
from domain.ports.outside import Cipher, Claims, Health, Leadership, Passwords, Push, Signer, Tokens
from domain.ports.people import (
    Accounts,
    Bars,
    Belongings,
    Blocks,
    Circles,
    Erasures,
    HeldHandles,
    Invitations,
    Sessions,
    Use,
)
from domain.ports.progress import Activities, Ledger, Trackers
from domain.ports.telling import (
    Backlog,
    Devices,
    NotificationPreferences,
    Notifications,
    Outbox,
    Pace,
    Pushes,
)

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.events import Announcer
    from domain.settings import Settings

__all__ = [
    "Accounts",
    "Activities",
    "AuditLog",
    "Backlog",
    "Bars",
    "Belongings",
    "Blocks",
    "Cases",
    "CheckIns",
    "Cipher",
    "Circles",
    "Claims",
    "Content",
    "Cravings",
    "Decisions",
    "Devices",
    "Erasures",
    "Given",
    "Health",
    "HeldHandles",
    "Helpers",
    "Invitations",
    "Ladders",
    "Leadership",
    "Ledger",
    "NotificationPreferences",
    "Notifications",
    "Outbox",
    "Pace",
    "Passwords",
    "Ports",
    "Posts",
    "Presence",
    "Push",
    "Pushes",
    "Queue",
    "RateLimits",
    "Records",
    "Reports",
    "Responses",
    "RoomFeed",
    "RoomLogs",
    "Sessions",
    "Signer",
    "Socket",
    "SocketLeases",
    "Standings",
    "Supports",
    "Thanks",
    "Tokens",
    "Trackers",
    "Use",
    "VoiceNotes",
]


@dataclass(frozen=True)
class Records:
    """The PostgreSQL side, bound to the pool or to one transaction."""

    accounts: Accounts
    held_handles: HeldHandles
    sessions: Sessions
    circles: Circles
    bars: Bars
    invitations: Invitations
    blocks: Blocks
    ledger: Ledger
    outbox: Outbox
    jobs: JobStore
    notifications: Notifications
    preferences: NotificationPreferences
    devices: Devices
    pushes: Pushes
    activities: Activities
    trackers: Trackers
    cases: Cases
    reports: Reports
    decisions: Decisions
    standings: Standings
    thanks: Thanks
    audit: AuditLog
    erasures: Erasures
    belongings: Belongings
    helpers: Helpers
    ladders: Ladders


@dataclass(frozen=True)
class Ports:
    settings: Settings
    now: Clock
    records: Records
    transaction: Callable[[], AbstractAsyncContextManager[Records]]
    content: Content
    rooms: RoomLogs
    presence: Presence
    leases: SocketLeases
    queue: Queue
    limits: RateLimits
    passwords: Passwords
    tokens: Tokens
    cipher: Cipher
    signer: Signer | None
    push: Push
    leadership: Leadership
    announcer: Announcer
    probe: Callable[[], Awaitable[list[Health]]]

    @property
    def jobs(self) -> JobStore:
        return self.records.jobs
