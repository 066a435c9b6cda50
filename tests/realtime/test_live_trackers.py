"""Check-ins, cravings and slips over the socket, on real stores."""

import asyncio

from domain.checkins import RecordCheckIn, record_check_in
from domain.clock import rfc3339
from domain.streaks import claimed, recounted
from domain.trackers import CreateTracker, create_tracker
from tests.realtime.conftest import Phone, Running, StartPhone


async def tracker_of(phone: Phone, server: Running) -> str:
    user = await server.ports.records.sessions.user_of(await session_of(phone, server))
    assert user is not None
    return (await create_tracker(CreateTracker(category="alcohol"), user, server.ports)).id


async def session_of(phone: Phone, server: Running) -> str:
    return server.ports.tokens.verify(phone.account.tokens.access_token, server.ports.now()).session_id


async def test_a_check_in_is_counted_celebrated_once_and_told_to_nobody_else(
    server: Running, start_phone: StartPhone
) -> None:
    phone, other = await start_phone(server), await start_phone(server)
    tracker_id = await tracker_of(phone, server)
    for _ in range(2):
        data = await phone.ok("checkin:record", tracker_id=tracker_id, client_id="morning-1", mood=4)
        assert data["tracker"]["current_run_days"] == data["tracker"]["total_days"] == 1
    told = await phone.received("tracker:milestone")
    assert (told["room"], told["data"]["days"]) == (f"user:{phone.id}", 1)
    asked = await phone.ok("craving:record", tracker_id=tracker_id, intensity=8, triggers=["stress"])
    data = await phone.ok(
        "craving:record", tracker_id=tracker_id, craving_id=asked["craving_id"], intensity=2, resisted=True
    )
    assert data["craving_id"] == asked["craving_id"]
    ended = (await phone.ok("slip:record", tracker_id=tracker_id))["tracker"]
    assert (ended["current_run_days"], ended["longest_run_days"], ended["total_days"]) == (0, 1, 1)
    await phone.ok("post:create", client_id="afterwards-1", type="question", content="What now?")
    await other.received("post:new")
    assert len(phone.all("tracker:milestone")) == 1
    assert {name for name, _ in other.heard} == {"ready", "post:new"}


async def test_what_comes_at_once_is_counted_whole(server: Running, start_phone: StartPhone) -> None:
    phone = await start_phone(server)
    tracker_id = await tracker_of(phone, server)
    user = await server.ports.records.sessions.user_of(await session_of(phone, server))
    assert user is not None
    commands = [
        RecordCheckIn(tracker_id=tracker_id, client_id=f"at-once-{number // 2}", mood=3)
        for number in range(16)
    ]
    await asyncio.gather(*(record_check_in(command, user, server.ports) for command in commands))
    stored = await server.ports.records.trackers.get(tracker_id)
    marks = await server.ports.content.checkins.marks(tracker_id)
    assert stored is not None
    assert (len(marks), stored.streak) == (8, recounted(claimed(stored.started_on, 0), marks))
    assert (await phone.received("tracker:milestone"))["data"]["days"] == 1
    await server.ports.announcer.drain()
    assert len(phone.all("tracker:milestone")) == 1


async def test_somebody_elses_tracker_is_not_there(server: Running, start_phone: StartPhone) -> None:
    phone, other = await start_phone(server), await start_phone(server)
    tracker_id = await tracker_of(phone, server)
    for event in ("checkin:record", "craving:record", "slip:record"):
        assert (await other.refused(event, {"tracker_id": tracker_id}))["code"] == "not_found"


async def test_a_moment_out_of_bounds_names_its_field(server: Running, start_phone: StartPhone) -> None:
    phone = await start_phone(server)
    tracker_id = await tracker_of(phone, server)
    moments = ["2199-01-01T00:00:00.000Z", "2001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"]
    for moment in moments:
        error = await phone.refused("slip:record", {"tracker_id": tracker_id, "occurred_at": moment})
        assert (error["code"], error["field"]) == ("invalid", "occurred_at")
    now = rfc3339(server.ports.now())
    assert (await phone.ok("slip:record", tracker_id=tracker_id, occurred_at=now))["tracker"]
