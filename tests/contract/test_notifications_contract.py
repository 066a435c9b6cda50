"""What `domain.ports.Notifications` and `domain.ports.Activities` promise."""

from collections.abc import Sequence
from datetime import date, timedelta

from msgspec.structs import replace

from domain.activity import Activity
from domain.ids import new_id
from domain.notifications import Notification
from domain.pages import Place
from domain.ports import Ports
from tests.contract.makers import NOON, Makers


def notification(account_id: str) -> Notification:
    return Notification(
        id=new_id(),
        account_id=account_id,
        kind="support",
        event_id=new_id(),
        post_id=new_id(),
        created_at=NOON,
    )


async def test_a_person_is_notified_once_of_an_event(ports: Ports, make: Makers) -> None:
    told = notification((await make.account()).id)
    assert await ports.records.notifications.add([told]) == {told.id}
    assert await ports.records.notifications.add([replace(told, id=new_id())]) == set()
    assert await ports.records.notifications.get(told.id) == told
    assert await ports.records.notifications.get(new_id()) is None


async def test_two_people_are_notified_of_the_same_event(ports: Ports, make: Makers) -> None:
    told = notification((await make.account()).id)
    other = replace(told, id=new_id(), account_id=(await make.account()).id)
    assert await ports.records.notifications.add([told, other]) == {told.id, other.id}


async def test_nobody_is_notified_who_is_not_there(ports: Ports) -> None:
    assert await ports.records.notifications.add([notification(new_id())]) == set()


async def walked(ports: Ports, account_id: str, without: Sequence[str] = ()) -> list[str]:
    """The ids of all pages of two."""
    seen: list[str] = []
    after = None
    while page := await ports.records.notifications.page(account_id, after, 2, without=without):
        seen += [one.id for one in page]
        after = Place(page[-1].created_at, page[-1].id)
    return seen


async def test_pages_are_newest_first_and_equal_times_go_by_id(ports: Ports, make: Makers) -> None:
    account = await make.account()
    told = [notification(account.id) for _ in range(5)]
    told[3:] = [replace(one, created_at=NOON + timedelta(seconds=1)) for one in told[3:]]
    hidden, foreign = notification(account.id), notification((await make.account()).id)
    await ports.records.notifications.add([*told, replace(hidden, in_app=False), foreign])
    expected = sorted(told, key=lambda one: (one.created_at, one.id), reverse=True)
    assert await walked(ports, account.id) == [one.id for one in expected]
    assert await ports.records.notifications.unread(account.id, without=[]) == 5


async def test_what_somebody_did_can_be_left_out(ports: Ports, make: Makers) -> None:
    account, actor, gone = await make.account(), await make.account(), new_id()
    by_actor = replace(notification(account.id), actor_id=actor.id)
    by_nobody, by_gone = notification(account.id), replace(notification(account.id), actor_id=gone)
    await ports.records.notifications.add([by_actor, by_nobody, by_gone])
    without = [actor.id, gone]
    assert set(await walked(ports, account.id, without)) == {by_nobody.id, by_gone.id}
    assert await ports.records.notifications.unread(account.id, without=without) == 2
    stored = await ports.records.notifications.get(by_gone.id)
    assert stored is not None
    assert stored.actor_id is None


async def test_reading_is_by_id_or_until_one_and_only_for_oneself(ports: Ports, make: Makers) -> None:
    account, other = await make.account(), await make.account()
    times = [NOON + timedelta(seconds=number) for number in range(4)]
    told = [replace(notification(account.id), created_at=at) for at in times]
    foreign = notification(other.id)
    notifications = ports.records.notifications
    await notifications.add([*told, foreign])
    await notifications.mark_read(account.id, [told[3].id, foreign.id], None, NOON)
    await notifications.mark_read(account.id, [], foreign.id, NOON)
    await notifications.mark_read(account.id, [], told[1].id, NOON + timedelta(hours=1))
    await notifications.mark_read(account.id, [told[3].id], None, NOON + timedelta(hours=2))
    read = [one.read_at for one in [await notifications.get(one.id) for one in told] if one]
    assert read == [NOON + timedelta(hours=1)] * 2 + [None, NOON]
    assert await notifications.unread(other.id, without=[]) == 1


async def test_old_notifications_go_in_bounded_batches(ports: Ports, make: Makers) -> None:
    account = await make.account()
    old = [replace(notification(account.id), created_at=NOON - timedelta(days=9)) for _ in range(3)]
    young = notification(account.id)
    await ports.records.notifications.add([*old, young])
    batches = [await ports.records.notifications.prune(NOON - timedelta(days=1), 2) for _ in range(3)]
    assert batches == [2, 1, 0]
    assert await walked(ports, account.id) == [young.id]


def activity(account_id: str, day: date) -> Activity:
    return Activity(ref=new_id(), account_id=account_id, kind="post", at=NOON, day=day)


async def test_days_are_distinct_and_in_order(ports: Ports, make: Makers) -> None:
    account, other = await make.account(), await make.account()
    today, yesterday = NOON.date(), NOON.date() - timedelta(days=1)
    for day in (today, yesterday, today):
        assert await ports.records.activities.add(activity(account.id, day))
    await ports.records.activities.add(activity(other.id, today - timedelta(days=9)))
    assert await ports.records.activities.days(account.id) == [yesterday, today]
    assert await ports.records.activities.days(new_id()) == []


async def test_what_was_done_once_counts_once(ports: Ports, make: Makers) -> None:
    done = activity((await make.account()).id, NOON.date())
    assert await ports.records.activities.add(done)
    assert not await ports.records.activities.add(replace(done, day=NOON.date() + timedelta(days=1)))
    assert await ports.records.activities.days(done.account_id) == [NOON.date()]
