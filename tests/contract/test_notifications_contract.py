"""What `domain.ports.Notifications` and `domain.ports.Activities` promise."""

from datetime import date, timedelta

from msgspec.structs import replace

from domain.activity import Activity
from domain.ids import new_id
from domain.notifications import Notification
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
