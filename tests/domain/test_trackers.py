"""Trackers, check-ins, slips and cravings as commands: idempotent, bounded, private."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from domain import checkins, cravings, digest, progress, streaks, trackers
from domain.accounts import EditAccount, User, edit_me
from domain.checkins import RecordCheckIn, RecordSlip
from domain.cravings import Craving, CravingAnswer, RecordCraving
from domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, RateLimited
from domain.events import Event
from domain.ids import new_id
from domain.progress import AGGREGATE_FLOOR, CircleTotals, OneCircle
from domain.rooms import user_room
from domain.trackers import CreateTracker, TrackerView
from tests.domain.world import World

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Auckland", "America/Santiago")


async def tracker(world: World, user: User, **fields: Any) -> TrackerView:
    command = CreateTracker(**{"category": "alcohol", **fields})
    return await trackers.create_tracker(command, user, world.ports)


async def check_in(world: World, user: User, tracker_id: str, **fields: Any) -> TrackerView:
    command = RecordCheckIn(tracker_id=tracker_id, **fields)
    return (await checkins.record_check_in(command, user, world.ports)).tracker


async def slip(world: World, user: User, tracker_id: str, **fields: Any) -> TrackerView:
    world.clock.advance(seconds=1)  # at one moment a slip would come before the check-in
    command = RecordSlip(tracker_id=tracker_id, **fields)
    return (await checkins.record_slip(command, user, world.ports)).tracker


async def craving(world: World, user: User, tracker_id: str, **fields: Any) -> CravingAnswer:
    command = RecordCraving(tracker_id=tracker_id, **fields)
    return await cravings.record_craving(command, user, world.ports)


def numbers(view: TrackerView) -> tuple[int, int, int]:
    return view.current_run_days, view.longest_run_days, view.total_days


async def daily(world: World, user: User, tracker_id: str, days: int) -> TrackerView:
    """A check-in a day, the first one now."""
    view = await check_in(world, user, tracker_id)
    for _ in range(days - 1):
        world.clock.advance(days=1)
        view = await check_in(world, user, tracker_id)
    return view


async def celebrated(world: World, user: User) -> list[int]:
    return [told["days"] for told in await world.news(user, "tracker:milestone")]


async def test_a_tracker_is_in_the_time_zone_of_its_person(world: World) -> None:
    user = await world.person(timezone="Asia/Tokyo")
    made = await tracker(world, user)
    assert (made.timezone, made.started_on, made.next_milestone) == ("Asia/Tokyo", date(2026, 1, 31), 1)
    assert numbers(made) == (0, 0, 0)
    assert made.last_check_in is None
    await edit_me(EditAccount(timezone="Europe/Berlin"), user, world.ports)
    (moved,) = (await trackers.my_trackers(user, world.ports)).items
    assert moved.timezone == "Europe/Berlin"


async def test_there_is_one_tracker_for_a_category(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user)
    again = await tracker(world, user, timezone="Asia/Tokyo", started_on=date(2020, 1, 1))
    assert (again.id, again.timezone, again.started_on) == (made.id, "Asia/Tokyo", made.started_on)
    assert (await tracker(world, user)).timezone == "Asia/Tokyo"
    other = await tracker(world, user, category="gambling")
    assert {one.id for one in (await trackers.my_trackers(user, world.ports)).items} == {made.id, other.id}


@pytest.mark.parametrize("world", [{"trackers_max": 1}], indirect=True)
async def test_trackers_are_bounded(world: World) -> None:
    user = await world.person()
    await tracker(world, user)
    await tracker(world, user)
    with pytest.raises(Conflict):
        await tracker(world, user, category="gambling")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"started_on": date(2026, 2, 1)}, "started_on"),
        ({"started_on": date(1800, 1, 1)}, "started_on"),
    ],
)
async def test_a_tracker_that_cannot_be_is_refused(world: World, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await tracker(world, await world.person(), **fields)
    assert refused.value.field == field


async def test_days_from_before_the_tracker_count_and_are_not_celebrated_again(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user, started_on=date(2026, 1, 2))
    assert (numbers(made), made.next_milestone, made.last_check_in) == ((29, 29, 29), 30, None)
    assert numbers(await check_in(world, user, made.id)) == (30, 30, 30)
    assert await celebrated(world, user) == [30]


async def test_two_check_ins_on_one_local_day_count_once(world: World) -> None:
    user = await world.person(timezone="Asia/Tokyo")
    made = await tracker(world, user)
    world.clock.time = datetime(2026, 2, 1, 14, 0, tzinfo=UTC)
    first = await check_in(world, user, made.id, client_id="evening-1")
    world.clock.advance(minutes=59)
    assert numbers(await check_in(world, user, made.id)) == numbers(first) == (1, 1, 1)
    world.clock.advance(minutes=2)
    assert numbers(await check_in(world, user, made.id)) == (2, 2, 2)


async def test_a_retry_answers_the_same_and_stores_nothing(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user)
    first = await check_in(world, user, made.id, client_id="morning-1", mood=4)
    world.clock.advance(days=8)
    moment = world.clock() - timedelta(days=8)
    again = await check_in(world, user, made.id, client_id="morning-1", mood=2, occurred_at=moment)
    assert (again.total_days, again.last_check_in) == (1, first.last_check_in)
    ended = [await slip(world, user, made.id, client_id="morning-1") for _ in range(2)]
    assert ended[0] == ended[1]
    asked = [await craving(world, user, made.id, client_id="morning-1") for _ in range(2)]
    assert asked[0] == asked[1]
    assert await world.ports.content.checkins.count(made.id) == 2


async def test_a_retry_after_a_crash_between_the_stores_counts_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await world.person()
    made = await tracker(world, user)
    with monkeypatch.context() as patch:
        patch.setattr(world.ports.records.trackers, "lock", broken)
        with pytest.raises(ConnectionError):
            await check_in(world, user, made.id, client_id="morning-1")
    assert (await world.ports.content.checkins.count(made.id), await celebrated(world, user)) == (1, [])
    assert numbers(await check_in(world, user, made.id, client_id="morning-1")) == (1, 1, 1)
    assert await celebrated(world, user) == [1]


async def broken(*_: object) -> None:
    raise ConnectionError


async def test_what_nobody_retried_is_swept_in_and_celebrated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await world.person()
    made = await tracker(world, user)
    with monkeypatch.context() as patch:
        patch.setattr(world.ports.records.trackers, "lock", broken)
        with pytest.raises(ConnectionError):
            await check_in(world, user, made.id)
    assert await checkins.sweep_uncounted(world.ports) == 0
    world.clock.advance(minutes=1)
    assert [await checkins.sweep_uncounted(world.ports) for _ in range(2)] == [1, 0]
    (swept,) = (await trackers.my_trackers(user, world.ports)).items
    assert (numbers(swept), await celebrated(world, user)) == ((1, 1, 1), [1])


async def test_a_slip_ends_the_current_run_and_nothing_else_and_nobody_hears(world: World) -> None:
    user, other = await world.person(), await world.person()
    circle = await world.circle(user, other)
    made = await tracker(world, user)
    assert numbers(await daily(world, user, made.id, 8)) == (8, 8, 8)
    before = {room: await world.names(room) for room in ("feed", f"circle:{circle.id}", user_room(other.id))}
    mine = await world.names(user_room(user.id))
    ended = await slip(world, user, made.id, note="It was a bad evening.")
    assert (numbers(ended), ended.next_milestone) == ((0, 8, 8), 1)
    assert {room: await world.names(room) for room in before} == before
    assert await world.names(user_room(user.id)) == mine
    world.clock.advance(days=1)
    assert numbers(await check_in(world, user, made.id)) == (1, 8, 9)


async def test_milestones_are_told_once_each_and_to_oneself_alone(world: World) -> None:
    user, other = await world.person(), await world.person()
    made = await tracker(world, user)
    await daily(world, user, made.id, 14)
    await check_in(world, user, made.id)
    assert await celebrated(world, user) == [1, 7, 14]
    assert await celebrated(world, other) == []
    (first, *_) = await world.news(user, "tracker:milestone")
    assert set(first) == {"tracker", "days"}
    assert first["tracker"]["id"] == made.id


async def test_a_milestone_is_notified_once_and_not_after_a_slip(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user)
    await daily(world, user, made.id, 7)
    await world.work("celebrate", times=2)
    told = await world.news(user, "notification:new")
    assert [one["notification"]["kind"] for one in told] == ["milestone", "milestone"]
    for _ in range(7):
        world.clock.advance(days=1)
        await check_in(world, user, made.id)
    await slip(world, user, made.id)
    await world.work("celebrate")
    assert len(await world.news(user, "notification:new")) == 2


async def test_a_new_run_is_celebrated_anew(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user)
    await daily(world, user, made.id, 7)
    for _ in range(2):
        await world.ports.announcer.drain()
        await slip(world, user, made.id)
        await check_in(world, user, made.id)
        world.clock.advance(minutes=1)
    assert await celebrated(world, user) == [1, 7, 1]


async def test_a_milestone_is_not_told_any_more_after_a_slip(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user)
    await check_in(world, user, made.id)
    await slip(world, user, made.id)
    refs = {"account_id": user.id, "tracker_id": made.id, "days": "1"}
    late = Event(id=new_id(), name="tracker:milestone", at=world.clock(), refs=refs)
    assert await trackers.compose_milestone(late, world.ports) is None
    await check_in(world, user, made.id)
    assert await trackers.compose_milestone(late, world.ports) is not None


async def test_telling_late_of_a_run_that_is_over_celebrates_nothing(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user)
    world.clock.advance(days=7)
    await check_in(world, user, made.id, occurred_at=world.clock() - timedelta(days=5))
    assert await celebrated(world, user) == []


REFUSED_MOMENTS = [timedelta(minutes=2), timedelta(days=-7, minutes=-1), timedelta(days=-2)]


@pytest.mark.parametrize("off", REFUSED_MOMENTS)
async def test_moments_outside_of_the_bounds_are_refused(world: World, off: timedelta) -> None:
    user = await world.person()
    made = await tracker(world, user)
    world.clock.advance(days=1 if off == timedelta(days=-2) else 10)
    for record in (check_in, slip, craving):
        with pytest.raises(Invalid) as refused:
            await record(world, user, made.id, occurred_at=world.clock() + off)  # type: ignore[operator]
        assert refused.value.field == "occurred_at"
    extremes = (datetime(1, 1, 1, tzinfo=ZoneInfo("Etc/GMT-14")), datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    for extreme in extremes:
        with pytest.raises(Invalid):
            await check_in(world, user, made.id, occurred_at=extreme)


async def test_a_clock_that_runs_a_little_ahead_means_now(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user)
    view = await check_in(world, user, made.id, occurred_at=world.clock() + timedelta(seconds=50))
    assert view.last_check_in == "2026-01-31T12:00:00.199Z"


async def test_a_missed_day_can_be_told_for_a_week(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user)
    await daily(world, user, made.id, 3)
    world.clock.advance(days=2)
    assert numbers(await check_in(world, user, made.id)) == (1, 3, 4)
    filled = await check_in(world, user, made.id, occurred_at=world.clock() - timedelta(days=1))
    assert numbers(filled) == (5, 5, 5)


async def test_a_tracker_of_somebody_else_is_not_there(world: World) -> None:
    owner, stranger = await world.person(), await world.person()
    made = await tracker(world, owner)
    for record in (check_in, slip, craving):
        with pytest.raises(NotFound):
            await record(world, stranger, made.id)  # type: ignore[operator]
    assert await world.ports.content.checkins.count(made.id) == 0


@pytest.mark.parametrize("world", [{"moments_per_day": 2}], indirect=True)
async def test_moments_are_limited_and_retries_are_not(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user)
    for _ in range(3):
        await check_in(world, user, made.id, client_id="morning-1")
    await craving(world, user, made.id)
    with pytest.raises(RateLimited):
        await slip(world, user, made.id)


async def test_a_note_that_calls_for_it_is_answered_with_help(world: World) -> None:
    user = await world.person(country="DE")
    made = await tracker(world, user)
    note = "I do not want to live any more, I am going to kill myself tonight."
    for record, command in (
        (checkins.record_check_in, RecordCheckIn(tracker_id=made.id, note=note)),
        (cravings.record_craving, RecordCraving(tracker_id=made.id, note=note)),
    ):
        offered = (await record(command, user, world.ports)).crisis  # type: ignore[operator]
        assert offered is not None
        assert "112" in offered.emergency
    plain = RecordCheckIn(tracker_id=made.id, note="Slept well, went for a run.")
    assert (await checkins.record_check_in(plain, user, world.ports)).crisis is None


async def test_a_check_in_makes_a_day_of_activity(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user)
    await check_in(world, user, made.id)
    await craving(world, user, made.id)
    await world.work("record_activity", times=2)
    shown = await progress.my_progress(user, world.ports)
    assert (shown.activity.current_days, shown.activity.total_days) == (1, 1)


@pytest.mark.parametrize("timezone", ZONES)
async def test_a_year_across_the_changes_of_the_clock(timezone: str) -> None:
    world, zone = World(), ZoneInfo(timezone)
    world.clock.time = datetime.combine(date(2026, 2, 1), time(0, 1), zone).astimezone(UTC)
    user = await world.person(timezone=timezone)
    made = await tracker(world, user)
    for number in range(366):
        moment = time(23, 59) if number % 2 else time(0, 1)
        day = date(2026, 2, 1) + timedelta(days=number)
        world.clock.time = datetime.combine(day, moment, zone).astimezone(UTC)
        view = await check_in(world, user, made.id)
        if number % 30 == 0:
            assert numbers(await check_in(world, user, made.id)) == numbers(view)
    assert numbers(view) == (366, 366, 366)
    assert view.next_milestone == 730
    assert await celebrated(world, user) == [1, 7, 14, 30, 60, 90, 180, 365]
    marks = await world.ports.content.checkins.marks(made.id)
    stored = await world.ports.records.trackers.get(made.id)
    assert stored is not None
    assert streaks.recounted(streaks.Streak(), marks) == stored.streak


async def test_recounting_repairs_what_came_out_otherwise_and_once(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user)
    await daily(world, user, made.id, 3)
    stored = await world.ports.records.trackers.get(made.id)
    assert stored is not None
    assert await trackers.recount_page("", world.ports) == (None, 0)
    await world.ports.records.trackers.keep(made.id, msgspec.structs.replace(stored.streak, total_days=1))
    assert [await trackers.recount_page("", world.ports) for _ in range(2)] == [(None, 1), (None, 0)]
    assert (await trackers.own_tracker(made.id, user, world.ports)).streak == stored.streak


async def followed(world: World, user: User, tracker_id: str, *looks: tuple[int, int], **last: Any) -> str:
    """A craving of 8 and looks back at it: minutes after it, and how strong it is by then."""
    first = await craving(world, user, tracker_id, intensity=8, triggers=["payday"])
    start = world.clock()
    for minutes, intensity in looks:
        world.clock.time = start + timedelta(minutes=minutes)
        await craving(world, user, tracker_id, intensity=intensity, craving_id=first.craving_id, **last)
    world.clock.time = start + timedelta(hours=2)
    return first.craving_id


async def test_cravings_are_summed_up(world: World) -> None:
    user = await world.person(timezone="Europe/Berlin")
    made = await tracker(world, user)
    await craving(world, user, made.id, intensity=5, triggers=["stress", "payday"], resisted=True)
    await craving(world, user, made.id, triggers=["stress"], resisted=False)
    await craving(world, user, made.id, triggers=["stress", "stress"])
    world.clock.advance(hours=10)
    await craving(world, user, made.id, resisted=True)
    summed = (await progress.my_progress(user, world.ports)).cravings
    assert (summed.count, summed.answered, summed.resisted, summed.resisted_rate) == (4, 3, 2, 0.667)
    assert summed.by_trigger == {"stress": 3, "payday": 1}
    assert {hour: count for hour, count in enumerate(summed.by_hour) if count} == {13: 3, 23: 1}
    assert (summed.followed, summed.falls_by_minute) == (0, None)


async def test_a_look_back_is_no_craving_of_its_own(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user)
    first = await followed(world, user, made.id, (10, 6), (25, 4), resisted=True)
    again = await craving(world, user, made.id, craving_id=first)
    assert again.craving_id == first
    summed = (await progress.my_progress(user, world.ports)).cravings
    assert (summed.count, summed.followed, summed.resisted) == (1, 1, 1)


async def test_a_look_back_names_a_craving_of_the_last_day_on_the_same_tracker(world: World) -> None:
    user, other = await world.person(), await world.person()
    made, theirs = await tracker(world, user), await tracker(world, other)
    first = (await craving(world, other, theirs.id)).craving_id
    mine = (await craving(world, user, made.id)).craving_id
    world.clock.advance(hours=25)
    refused: list[tuple[str, type[DomainError]]] = [(first, NotFound), (new_id(), NotFound), (mine, Invalid)]
    for craving_id, error in refused:
        with pytest.raises(error):
            await craving(world, user, made.id, craving_id=craving_id)


FALLS: list[tuple[list[int | None], int | None]] = [
    ([10, 20, 30, 40], None),
    ([10, 20, 30, 40, 50], 30),
    ([10, 20, 30, 40, None], 30),
    ([10, 20, None, None, None], None),
    ([50, None, 10, 20, None, None], 50),
    ([7, 7, 7, 7, 7, None, None, None, None, None], 7),
]


@pytest.mark.parametrize(("minutes", "expected"), FALLS)
async def test_cravings_usually_fall_by_a_minute(
    world: World, minutes: list[int | None], expected: int | None
) -> None:
    user = await world.person()
    made = await tracker(world, user)
    for fall in minutes:
        await followed(world, user, made.id, *([(5, 9), (60, 7)] if fall is None else [(fall, 4)]))
    summed = (await progress.my_progress(user, world.ports)).cravings
    assert (summed.followed, summed.falls_by_minute) == (len(minutes), expected)


async def test_giving_in_is_not_a_craving_that_fell(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user)
    for number in range(5):
        await followed(world, user, made.id, (15, 1), resisted=number < 2)
    summed = (await progress.my_progress(user, world.ports)).cravings
    assert (summed.followed, summed.falls_by_minute, summed.resisted_rate) == (5, None, 0.4)


def test_a_craving_that_rises_falls_from_its_peak() -> None:
    def seen(minute: int, intensity: int | None) -> Craving:
        at = datetime(2026, 1, 31, 12, minute, tzinfo=UTC)
        return Craving(
            id=new_id(),
            tracker_id="",
            account_id="",
            follows=None,
            at=at,
            recorded_at=at,
            timezone="UTC",
            intensity=intensity,
        )

    looks = [seen(5, 10), seen(9, None), seen(20, 5), seen(30, 1)]
    assert cravings.minutes_to_fall(cravings.Episode(seen(0, 6), looks)) == 20


async def test_progress_shows_the_runs_newest_first(world: World) -> None:
    user = await world.person()
    made = await tracker(world, user, started_on=date(2026, 1, 30))
    await daily(world, user, made.id, 2)
    await slip(world, user, made.id)
    world.clock.advance(days=1)
    await check_in(world, user, made.id)
    (shown,) = (await progress.my_progress(user, world.ports)).trackers
    assert [(run.started_on.day, run.ended_on.day, run.days) for run in shown.runs] == [(2, 2, 1), (30, 1, 3)]
    assert numbers(shown.tracker) == (1, 3, 4)


async def test_the_last_week_is_monday_to_sunday_where_the_person_lives(world: World) -> None:
    user = await world.person(timezone="Asia/Tokyo")
    made = await tracker(world, user)
    # In Tokyo it is Sunday, 1 February, 23:30; half an hour later it is Monday.
    world.clock.time = datetime(2026, 2, 1, 14, 30, tzinfo=UTC)
    await check_in(world, user, made.id)
    await craving(world, user, made.id, resisted=True)
    world.clock.advance(hours=1)
    await check_in(world, user, made.id)
    await craving(world, user, made.id)
    week = (await progress.my_progress(user, world.ports)).week
    assert (week.began_on, week.ended_on) == (date(2026, 1, 26), date(2026, 2, 1))
    assert (week.check_in_days, week.cravings, week.resisted) == (1, 1, 1)


MONDAY_NINE_IN_TOKYO = datetime(2026, 2, 2, 0, 5, tzinfo=UTC)


async def digests(world: World, user: User) -> list[Any]:
    told = await world.news(user, "notification:new")
    return [one["notification"] for one in told if one["notification"]["kind"] == "digest"]


async def test_a_digest_comes_on_monday_morning_once_a_week_whatever_runs_twice(world: World) -> None:
    tokyo, berlin = await world.person(timezone="Asia/Tokyo"), await world.person(timezone="Europe/Berlin")
    for user in (tokyo, berlin):
        await check_in(world, user, (await tracker(world, user)).id)
    await world.work("record_activity")
    world.clock.time = MONDAY_NINE_IN_TOKYO - timedelta(hours=1)
    assert await digest.send_digests(world.ports) == 0
    world.clock.time = MONDAY_NINE_IN_TOKYO
    assert [await digest.send_digests(world.ports) for _ in range(2)] == [1, 0]
    await world.work("send_digest", times=3)
    world.clock.advance(hours=1)
    assert await digest.send_digests(world.ports) == 0
    (told,) = await digests(world, tokyo)
    assert told["post_id"] is None
    assert await digests(world, berlin) == []
    world.clock.advance(hours=8)
    assert await digest.send_digests(world.ports) == 1


async def test_nobody_is_called_back_who_was_not_here(world: World) -> None:
    away, banned = await world.person(), await world.person()
    for user in (away, banned):
        await tracker(world, user)
    await check_in(world, banned, (await tracker(world, banned)).id)
    await world.work("record_activity")
    await world.ports.records.accounts.update(banned.id, {"status": "banned"})
    world.clock.time = datetime(2026, 2, 2, 9, 5, tzinfo=UTC)
    assert await digest.send_digests(world.ports) == 1
    await world.work("send_digest")
    await digest.send_digest(banned.id, date(2026, 1, 26), world.ports)
    assert await digests(world, away) == await digests(world, banned) == []


async def test_a_circle_shows_nothing_of_fewer_than_twenty(world: World) -> None:
    owner, stranger = await world.person(), await world.person()
    members = [await world.person() for _ in range(AGGREGATE_FLOOR - 1)]
    circle = await world.circle(owner, *members, category="alcohol")
    command = OneCircle(circle_id=circle.id)
    for number, member in enumerate(members):
        made = await tracker(world, member)
        if number > 0:
            await check_in(world, member, made.id)
    hidden = await progress.circle_progress(command, owner, world.ports)
    assert (hidden.floor, hidden.people, hidden.median_total_days) == (20, None, None)
    await tracker(world, owner, category="gambling")
    assert (await progress.circle_progress(command, owner, world.ports)).people is None
    await tracker(world, owner)
    shown = await progress.circle_progress(command, members[0], world.ports)
    assert (shown.people, shown.median_total_days, shown.checked_in_share) == (20, 1, 0.9)
    with pytest.raises(Forbidden):
        await progress.circle_progress(command, stranger, world.ports)


def test_one_person_more_hardly_shows_in_what_is_shown() -> None:
    one_less, all_of_them = CircleTotals(23, 10, 40, 20), CircleTotals(24, 10, 40, 21)
    assert progress.shown_together(one_less) == progress.shown_together(all_of_them)
