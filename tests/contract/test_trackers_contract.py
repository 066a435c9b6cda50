from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from domain import streaks
from domain.accounts import Account
from domain.checkins import CheckIn, mark_of
from domain.cravings import Craving
from domain.ids import new_id
from domain.ports import Ports
from domain.progress import CircleTotals
from domain.trackers import Tracker
from tests.contract.makers import NOON, Makers


async def tracker(ports: Ports, account: Account, timezone: str | None = None, **fields: Any) -> Tracker:
    usual: dict[str, Any] = {
        "id": new_id(),
        "account_id": account.id,
        "category": "alcohol",
        "timezone": timezone or account.timezone,
        "started_on": NOON.date(),
        "claimed_days": 0,
        "created_at": NOON,
        "streak": streaks.Streak(),
    }
    return await ports.records.trackers.add(Tracker(**{**usual, **fields}), timezone)


async def test_an_account_has_one_tracker_of_a_category(ports: Ports, make: Makers) -> None:
    account = await make.account()
    first = await tracker(ports, account, id=make.id())
    assert await tracker(ports, account, "Asia/Tokyo") == first
    second = await tracker(ports, account, category="gambling", id=make.id())
    assert await ports.records.trackers.of_account(account.id) == [first, second]
    assert await ports.records.trackers.get(first.id) == first
    assert await ports.records.trackers.get(new_id()) is None
    assert await ports.records.trackers.of_account(new_id()) == []


async def test_a_tracker_follows_its_account_until_it_is_moved(ports: Ports, make: Makers) -> None:
    account = await make.account(timezone="Europe/Berlin")
    made = await tracker(ports, account)
    await ports.records.accounts.update(account.id, {"timezone": "Asia/Tokyo"})
    followed = await ports.records.trackers.get(made.id)
    assert (made.timezone, followed and followed.timezone) == ("Europe/Berlin", "Asia/Tokyo")
    moved = await ports.records.trackers.move(made.id, "Pacific/Apia")
    await ports.records.accounts.update(account.id, {"timezone": "UTC"})
    assert moved == await ports.records.trackers.get(made.id) == replace(made, timezone="Pacific/Apia")
    assert await ports.records.trackers.move(new_id(), "UTC") is None


async def test_a_streak_comes_back_as_it_was_kept(ports: Ports, make: Makers) -> None:
    made = await tracker(ports, await make.account(), streak=streaks.claimed(NOON.date(), 3))
    mark = streaks.Mark(kind="check_in", at=NOON, recorded_at=NOON, day=NOON.date(), timezone="UTC")
    for streak in (streaks.recounted(made.streak, [mark]), streaks.Streak()):
        async with ports.transaction() as tx:
            locked = await tx.trackers.lock(made.id)
            assert locked is not None
            assert locked.id == made.id
            await tx.trackers.keep(made.id, streak)
        assert await ports.records.trackers.get(made.id) == replace(made, streak=streak)
    async with ports.transaction() as tx:
        assert await tx.trackers.lock(new_id()) is None


async def test_trackers_are_walked_in_the_order_of_ids(ports: Ports, make: Makers) -> None:
    account = await make.account()
    made = [await tracker(ports, account, category=f"category_{number}") for number in range(3)]
    ids = sorted(one.id for one in made)
    first = await ports.records.trackers.page("", 2)
    rest = await ports.records.trackers.page(first[-1].id, 2)
    assert [one.id for one in (*first, *rest)] == ids
    assert await ports.records.trackers.page(ids[-1], 2) == []


async def test_those_who_track_are_found_by_time_zone(ports: Ports, make: Makers) -> None:
    zones = ("Asia/Tokyo", "Asia/Tokyo", "Europe/Berlin", "UTC")
    people = [await make.account(timezone=zone) for zone in zones]
    for person in people[:3]:
        await tracker(ports, person)
        await tracker(ports, person, category="gambling")
    banned = await make.account(timezone="Pacific/Apia", status="banned")
    await tracker(ports, banned)
    assert await ports.records.trackers.timezones() == ["Asia/Tokyo", "Europe/Berlin"]
    found = await ports.records.trackers.accounts_in(["Asia/Tokyo", "UTC", "Pacific/Apia"], "", 10)
    assert found == sorted((person.id, "Asia/Tokyo") for person in people[:2])
    assert await ports.records.trackers.accounts_in(["Asia/Tokyo"], found[0][0], 1) == found[1:]
    assert await ports.records.trackers.accounts_in([], "", 10) == []


def streak_of(days: int, at: datetime) -> streaks.Streak:
    claim = streaks.claimed(at.date() - timedelta(days=days - 1), days - 1)
    mark = streaks.Mark(kind="check_in", at=at, recorded_at=at, day=at.date(), timezone="UTC")
    return streaks.recounted(claim, [mark])


async def test_a_circle_is_counted_by_person(ports: Ports, make: Makers) -> None:
    people = [await make.account() for _ in range(4)]
    circle = await make.circle(people[0].id)
    for person in people[1:]:
        await ports.records.circles.join(circle.id, person.id, NOON)
    await tracker(ports, await make.account(), streak=streak_of(100, NOON))
    for number, person in enumerate(people):
        await tracker(ports, person, streak=streak_of(10 * (number + 1), NOON - timedelta(days=5 * number)))
    await tracker(ports, people[0], category="gambling", streak=streak_of(50, NOON))
    week_ago = NOON - timedelta(days=7)
    of_circle = ports.records.trackers.of_circle
    assert await of_circle(circle.id, "alcohol", week_ago) == CircleTotals(4, 20, 20, 2)
    assert await of_circle(circle.id, None, week_ago) == CircleTotals(4, 30, 30, 2)
    assert await of_circle(circle.id, "gambling", week_ago) == CircleTotals(1, 50, 50, 1)
    assert await of_circle(new_id(), None, week_ago) == CircleTotals(0, 0, 0, 0)


def check_in(tracker_id: str, **fields: Any) -> CheckIn:
    usual: dict[str, Any] = {
        "id": new_id(),
        "tracker_id": tracker_id,
        "account_id": new_id(),
        "kind": "check_in",
        "at": NOON,
        "recorded_at": NOON,
        "day": NOON.date(),
        "timezone": "Europe/Berlin",
        "mood": 4,
        "triggers": ["payday"],
        "note": "A good day.",
    }
    return CheckIn(**{**usual, **fields})


async def test_a_check_in_is_stored_once(ports: Ports) -> None:
    tracker_id = new_id()
    first = check_in(tracker_id)
    assert await ports.content.checkins.add(first) == first
    assert await ports.content.checkins.add(replace(first, mood=1)) == first
    assert await ports.content.checkins.get(first.id) == first
    assert await ports.content.checkins.get(new_id()) is None
    assert await ports.content.checkins.count(tracker_id) == 1
    assert await ports.content.checkins.count(new_id()) == 0


async def test_marks_are_those_of_one_tracker(ports: Ports) -> None:
    tracker_id = new_id()
    told = [check_in(tracker_id, at=NOON - timedelta(days=number)) for number in range(3)]
    told.append(check_in(tracker_id, kind="slip", recorded_at=NOON + timedelta(milliseconds=7)))
    for one in (*told, check_in(new_id())):
        await ports.content.checkins.add(one)
    found = await ports.content.checkins.marks(tracker_id)
    assert sorted(found, key=str) == sorted((mark_of(one) for one in told), key=str)


async def test_what_was_recorded_meanwhile_comes_in_its_order(ports: Ports) -> None:
    moments = [NOON + timedelta(minutes=number) for number in (3, 1, 2, 0)]
    told = [check_in(new_id(), recorded_at=moment) for moment in moments]
    for one in told:
        await ports.content.checkins.add(one)
    late = NOON + timedelta(minutes=3)
    assert await ports.content.checkins.recorded(NOON, late, 10) == [told[1], told[2]]
    assert await ports.content.checkins.recorded(NOON, late, 1) == [told[1]]


def craving(account_id: str, **fields: Any) -> Craving:
    usual: dict[str, Any] = {
        "id": new_id(),
        "tracker_id": new_id(),
        "account_id": account_id,
        "follows": None,
        "at": NOON,
        "recorded_at": NOON,
        "timezone": "Asia/Tokyo",
        "intensity": 7,
        "triggers": ["stress"],
        "resisted": True,
    }
    return Craving(**{**usual, **fields})


async def test_a_craving_is_stored_once(ports: Ports) -> None:
    first = craving(new_id(), follows=new_id())
    assert await ports.content.cravings.add(first) == first
    assert await ports.content.cravings.add(replace(first, intensity=1)) == first
    assert await ports.content.cravings.get(first.id) == first
    assert await ports.content.cravings.get(new_id()) is None


async def test_the_newest_cravings_of_an_account_come_first(ports: Ports) -> None:
    account_id = new_id()
    told = [craving(account_id, at=NOON - timedelta(days=number)) for number in (2, 0, 1, 3)]
    for one in (*told, craving(new_id())):
        await ports.content.cravings.add(one)
    since = datetime(2026, 1, 29, 12, 0, tzinfo=UTC)
    found = await ports.content.cravings.since(account_id, since, 10)
    assert found == [told[1], told[2], told[0]]
    assert await ports.content.cravings.since(account_id, since, 1) == [told[1]]
