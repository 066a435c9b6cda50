"""The jobs of trackers on real stores: run twice, they change nothing the second time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import msgspec
import pytest
from msgspec.structs import replace

from db.stores import open_stores
from domain import checkins, sessions
from domain.accounts import User
from domain.checkins import RecordCheckIn
from domain.jobs import Job, JobFilter
from domain.ports import Ports
from domain.rooms import user_room
from domain.sessions import RegisterAnonymous
from domain.settings import load_settings
from domain.trackers import CreateTracker, create_tracker, own_tracker
from workers.jobs import activity, digest, streaks
from workers.schedule import SCHEDULE

MONDAY = datetime(2026, 2, 2, 9, 5, tzinfo=UTC)
SECRET = "a secret of the tests, long enough for its algorithm"


class Clock:
    def __init__(self) -> None:
        self.time = MONDAY - timedelta(days=1)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ports(postgres_url: str, mongodb_uri: str, redis_url: str, clock: Clock) -> AsyncIterator[Ports]:
    settings = load_settings(
        None,
        server_env="test",
        postgres_url=postgres_url,
        mongodb_uri=mongodb_uri,
        mongodb_database=urlsplit(mongodb_uri).path.strip("/"),
        redis_url=redis_url,
        jwt_secret=SECRET,
        encryption_key=SECRET,
    )
    async with open_stores(settings, now=clock) as stores:
        yield stores.ports


@pytest.fixture
async def user(ports: Ports) -> User:
    registered = await sessions.register_anonymous(RegisterAnonymous(), ports)
    return await sessions.identify(registered.tokens.access_token, ports)


@pytest.fixture
async def tracker_id(user: User, ports: Ports) -> str:
    """One with a check-in."""
    made = await create_tracker(CreateTracker(category="alcohol"), user, ports)
    await checkins.record_check_in(RecordCheckIn(tracker_id=made.id), user, ports)
    return made.id


async def owed(name: str, ports: Ports) -> list[Job]:
    rows = await ports.jobs.find(JobFilter(name=name))
    return [Job(row.name, row.args, row.key, row.lane) for row in rows]


async def test_a_digest_is_sent_once_however_often_its_jobs_run(
    ports: Ports, clock: Clock, user: User, tracker_id: str
) -> None:
    (recording,) = await owed("record_activity", ports)
    for _ in range(2):
        await activity.record_activity(ports, **recording.args)
    clock.time = MONDAY
    for _ in range(2):
        await digest.send_digests(ports)
    (sending,) = await owed("send_digest", ports)
    for _ in range(2):
        await digest.send_digest(ports, **sending.args)
    await ports.announcer.drain()
    log = await ports.rooms.read(user_room(user.id), 0, 10)
    (told,) = [event for event in log.events if event.event == "notification:new"]
    shown = msgspec.json.decode(told.body)["data"]["notification"]
    assert (shown["kind"], shown["post_id"]) == ("digest", None)


async def test_streaks_are_recounted_and_repaired_however_often(
    ports: Ports, user: User, tracker_id: str
) -> None:
    right = (await own_tracker(tracker_id, user, ports)).streak
    await ports.records.trackers.keep(tracker_id, replace(right, total_days=7, longest_run_days=0))
    for _ in range(2):
        await streaks.recount_streaks(ports)
    (page,) = await owed("recount_streaks_page", ports)
    for _ in range(2):
        await streaks.recount_streaks_page(ports, **page.args)
        assert (await own_tracker(tracker_id, user, ports)).streak == right
    assert len(await owed("recount_streaks_page", ports)) == 1


async def test_a_check_in_that_nobody_counted_is_swept_in_once(
    ports: Ports, clock: Clock, user: User, tracker_id: str
) -> None:
    right = (await own_tracker(tracker_id, user, ports)).streak
    (stored,) = await ports.content.checkins.recorded(
        clock() - timedelta(minutes=1), clock() + timedelta(minutes=1), 9
    )
    clock.time += timedelta(hours=1)
    missed = replace(stored, id=tracker_id, kind="slip", at=clock(), recorded_at=clock())
    await ports.content.checkins.add(missed)
    clock.time += timedelta(minutes=1)
    for _ in range(2):
        await streaks.sweep_check_ins(ports)
        swept = (await own_tracker(tracker_id, user, ports)).streak
        assert (swept.run_days, swept.total_days, swept.counted) == (0, right.total_days, 2)


def test_the_jobs_are_on_the_schedule() -> None:
    assert {"send_digests", "recount_streaks", "sweep_check_ins"} <= set(SCHEDULE)
