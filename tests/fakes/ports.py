"""Everything the domain needs, in memory."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from db.cipher import AesGcmCipher
from db.signing import signer_of
from db.tokens import AccessTokens
from domain.clock import Clock
from domain.events import Announcer
from domain.ports import Content, Health, Ports, Records
from domain.settings import load_settings
from tests.fakes.accounts import FakeAccounts
from tests.fakes.activities import FakeActivities
from tests.fakes.audit import FakeAudit
from tests.fakes.bars import FakeBars
from tests.fakes.belongings import FakeBelongings
from tests.fakes.blocks import FakeBlocks
from tests.fakes.cases import FakeCases
from tests.fakes.checkins import FakeCheckIns
from tests.fakes.circles import FakeCircles
from tests.fakes.clock import FakeClock
from tests.fakes.cravings import FakeCravings
from tests.fakes.decisions import FakeDecisions
from tests.fakes.devices import FakeDevices
from tests.fakes.erasures import FakeErasures
from tests.fakes.held_handles import FakeHeldHandles
from tests.fakes.helpers import FakeHelpers
from tests.fakes.invitations import FakeInvitations
from tests.fakes.jobs import FakeJobs
from tests.fakes.ladders import FakeLadders
from tests.fakes.leadership import FakeLeadership
from tests.fakes.leases import FakeSocketLeases
from tests.fakes.ledger import FakeLedger
from tests.fakes.limits import FakeRateLimits
from tests.fakes.notifications import FakeNotifications
from tests.fakes.outbox import FakeOutbox
from tests.fakes.passwords import FakePasswords
from tests.fakes.posts import FakePosts
from tests.fakes.preferences import FakePreferences
from tests.fakes.presence import FakePresence
from tests.fakes.push import FakePush
from tests.fakes.pushes import FakePushes
from tests.fakes.queue import FakeQueue
from tests.fakes.reports import FakeReports
from tests.fakes.responses import FakeResponses
from tests.fakes.rooms import FakeRoomLogs
from tests.fakes.sessions import FakeSessions
from tests.fakes.supports import FakeSupports
from tests.fakes.tables import Tables
from tests.fakes.trackers import FakeTrackers
from tests.fakes.trust import FakeStandings, FakeThanks
from tests.fakes.voice_notes import FakeVoiceNotes

SECRET = "a secret of the tests, long enough for its algorithm"


@dataclass(frozen=True)
class Fakes:
    """The ports, and the fakes behind them for tests that look or meddle."""

    ports: Ports
    clock: FakeClock
    tables: Tables
    posts: FakePosts
    responses: FakeResponses
    voice_notes: FakeVoiceNotes
    rooms: FakeRoomLogs
    queue: FakeQueue
    push: FakePush


def fake_ports(**settings: Any) -> Ports:
    """`settings` by their names, over the defaults; nothing of the environment but what it overrides."""
    return make_fakes(**settings).ports


def make_fakes(*, now: Clock | None = None, **settings: Any) -> Fakes:
    """`now` replaces the clock that stands still."""
    clock = FakeClock()
    shown = load_settings(None, **{"server_env": "test", **settings})
    tables, posts, responses, queue = Tables(), FakePosts(), FakeResponses(), FakeQueue(now or clock)
    rooms = FakeRoomLogs(events_max=shown.room_log_events)
    records, push, voice_notes = records_of(tables, now or clock), FakePush(), FakeVoiceNotes()

    @asynccontextmanager
    async def transaction() -> AsyncIterator[Records]:
        async with tables.transaction():
            yield records

    ports = Ports(
        settings=shown,
        now=now or clock,
        records=records,
        transaction=transaction,
        content=Content(
            posts=posts,
            responses=responses,
            supports=FakeSupports(),
            checkins=FakeCheckIns(),
            cravings=FakeCravings(),
            voice_notes=voice_notes,
        ),
        rooms=rooms,
        presence=FakePresence(now or clock, grace_seconds=shown.presence_grace_seconds),
        leases=FakeSocketLeases(now or clock, lease_seconds=shown.socket_lease_seconds),
        queue=queue,
        limits=FakeRateLimits(now or clock),
        passwords=FakePasswords(),
        tokens=AccessTokens(SECRET, lifetime_seconds=shown.access_token_seconds),
        cipher=AesGcmCipher(SECRET),
        signer=signer_of(shown),
        push=push,
        leadership=FakeLeadership(),
        announcer=Announcer(lambda: ports),
        probe=all_well,
    )
    return Fakes(ports, clock, tables, posts, responses, voice_notes, rooms, queue, push)


def records_of(tables: Tables, now: Clock) -> Records:
    return Records(
        accounts=FakeAccounts(tables),
        sessions=FakeSessions(tables),
        circles=FakeCircles(tables),
        held_handles=FakeHeldHandles(tables),
        bars=FakeBars(tables),
        invitations=FakeInvitations(tables),
        blocks=FakeBlocks(tables),
        ledger=FakeLedger(tables),
        outbox=FakeOutbox(tables, now),
        jobs=FakeJobs(tables, now, itertools.count(1)),
        notifications=FakeNotifications(tables),
        preferences=FakePreferences(tables),
        devices=FakeDevices(tables),
        pushes=FakePushes(tables),
        activities=FakeActivities(tables),
        trackers=FakeTrackers(tables),
        cases=FakeCases(tables),
        reports=FakeReports(tables),
        decisions=FakeDecisions(tables),
        standings=FakeStandings(tables),
        thanks=FakeThanks(tables),
        audit=FakeAudit(tables),
        erasures=FakeErasures(tables),
        belongings=FakeBelongings(tables),
        helpers=FakeHelpers(tables),
        ladders=FakeLadders(tables),
    )


async def all_well() -> list[Health]:
    return [Health(name, True, 0.0) for name in ("postgres", "mongodb", "redis")]
