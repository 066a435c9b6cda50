"""Activity and notifications: days in a row, and one notice for one event."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import activity, notifications
from domain.activity import ActivityRun, runs
from domain.ids import new_id
from tests.domain.world import World

TODAY = date(2026, 1, 31)


def days(*ago: int) -> list[date]:
    return [TODAY - timedelta(days=number) for number in sorted(ago, reverse=True)]


RUNS = [
    (days(), ActivityRun(0, 0, 0)),
    (days(0), ActivityRun(1, 1, 1)),
    (days(1), ActivityRun(1, 1, 1)),
    (days(2), ActivityRun(0, 1, 1)),
    (days(0, 1, 2), ActivityRun(3, 3, 3)),
    (days(1, 2, 3), ActivityRun(3, 3, 3)),
    (days(0, 2, 3, 4), ActivityRun(1, 3, 4)),
    (days(2, 3, 4), ActivityRun(0, 3, 3)),
    (days(0, 1, 9, 30, 31), ActivityRun(2, 2, 5)),
]


@pytest.mark.parametrize(("active", "expected"), RUNS)
def test_runs_of_days(active: list[date], expected: ActivityRun) -> None:
    assert runs(active, TODAY) == expected


@settings(max_examples=200)
@given(st.sets(st.integers(0, 40)))
def test_runs_agree_with_counting_day_by_day(ago: set[int]) -> None:
    def back_from(start: int) -> int:
        length = 0
        while start + length in ago:
            length += 1
        return length

    found = runs(days(*ago), TODAY)
    assert found.total_days == len(ago)
    assert found.longest_days == max((back_from(start) for start in ago), default=0)
    assert found.current_days == (back_from(0) or back_from(1))


@settings(max_examples=100)
@given(st.sets(st.integers(0, 40)), st.integers(0, 40))
def test_another_day_never_takes_anything_away(ago: set[int], more: int) -> None:
    before, after = runs(days(*ago), TODAY), runs(days(*(ago | {more})), TODAY)
    assert after.total_days >= before.total_days
    assert after.longest_days >= before.longest_days


@settings(max_examples=100)
@given(st.sets(st.integers(0, 40)), st.integers(0, 400))
def test_time_that_passes_ends_the_current_run_and_nothing_else(ago: set[int], later: int) -> None:
    before, after = runs(days(*ago), TODAY), runs(days(*ago), TODAY + timedelta(days=later))
    assert (after.longest_days, after.total_days) == (before.longest_days, before.total_days)
    assert after.current_days in (0, before.current_days)


async def recorded(world: World, timezone: str, *moments: datetime) -> list[date]:
    user = await world.person(timezone=timezone)
    for moment in moments:
        await activity.record_activity(user.id, "check_in", new_id(), moment, world.ports)
    return await world.ports.records.activities.days(user.id)


async def test_days_are_those_of_the_persons_own_time_zone(world: World) -> None:
    late = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    assert await recorded(world, "UTC", late) == [date(2026, 1, 31)]
    assert await recorded(world, "Asia/Tokyo", late) == [date(2026, 2, 1)]
    assert await recorded(world, "America/Los_Angeles", late) == [date(2026, 1, 31)]


async def test_two_check_ins_on_one_local_day_count_once(world: World) -> None:
    morning = datetime(2026, 1, 31, 14, 30, tzinfo=UTC)
    found = await recorded(world, "Asia/Tokyo", morning, morning + timedelta(hours=1))
    assert found == [date(2026, 1, 31), date(2026, 2, 1)]
    found = await recorded(world, "UTC", morning, morning + timedelta(hours=1))
    assert found == [date(2026, 1, 31)]


async def test_a_day_when_the_clock_changes_is_one_day(world: World) -> None:
    # In Berlin the night to 29 March 2026 has 23 hours.
    moments = [datetime(2026, 3, 28, 23, 30, tzinfo=UTC), datetime(2026, 3, 29, 21, 30, tzinfo=UTC)]
    assert await recorded(world, "Europe/Berlin", *moments) == [date(2026, 3, 29)]


async def test_the_same_thing_again_and_an_unknown_account_change_nothing(world: World) -> None:
    user, moment = await world.person(), world.clock()
    for _ in range(2):
        await activity.record_activity(user.id, "post", "ref-1", moment, world.ports)
    await activity.record_activity(new_id(), "post", "ref-2", moment, world.ports)
    assert list(world.fakes.tables.activities) == ["ref-1"]


async def test_whatever_somebody_does_makes_a_day(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.tap(helper, post)
    await world.answer(helper, post)
    await world.work("record_activity", times=2)
    kinds = {one.kind for one in world.fakes.tables.activities.values() if one.account_id == helper.id}
    assert kinds == {"support", "response"}
    assert await world.ports.records.activities.days(author.id) == [TODAY]


async def test_a_person_is_notified_once_of_an_event(world: World) -> None:
    user, post_id, event_id = await world.person(), new_id(), new_id()
    for _ in range(3):
        await notifications.notify(user.id, "response", event_id, post_id, world.ports)
    (told,) = await world.news(user, "notification:new")
    shown = told["notification"]
    assert (shown["kind"], shown["post_id"], shown["read_at"]) == ("response", post_id, None)
    assert set(shown) == {"id", "kind", "post_id", "created_at", "read_at"}


async def test_nobody_is_notified_who_is_not_there(world: World) -> None:
    await notifications.notify(new_id(), "support", new_id(), new_id(), world.ports)
    assert world.fakes.tables.outbox == {}
