"""Notifications: who is told of what, once; what is read; whom nobody hears of."""

import pytest

from domain import notifications, preferences
from domain.accounts import User
from domain.errors import Invalid
from domain.ids import new_id
from domain.kinds import KINDS
from domain.notifications import NotificationPage, ReadNotifications
from domain.preferences import Channels, SetPreferences
from domain.quiet import QuietHours
from tests.domain.world import World


async def notify(world: World, user: User, kind: notifications.NotificationKind = "milestone") -> None:
    world.clock.advance(seconds=1)
    await notifications.notify(user.id, kind, new_id(), None, world.ports)


async def listed(world: World, user: User, *, cursor: str | None = None, limit: int = 20) -> NotificationPage:
    return await notifications.my_notifications(user, world.ports, cursor=cursor, limit=limit)


async def test_pages_go_from_new_to_old_and_meet_everything_once(world: World) -> None:
    user, other = await world.person(), await world.person()
    for _ in range(5):
        await notify(world, user)
    await notify(world, other)
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        page = await listed(world, user, cursor=cursor, limit=2)
        seen, cursor, pages = seen + page.items, page.next_cursor, pages + 1
    assert pages == 3
    assert len({one.id for one in seen}) == 5
    assert [one.created_at for one in seen] == sorted((one.created_at for one in seen), reverse=True)


async def test_reading_some_or_all_counts_down_the_unread(world: World) -> None:
    user, stranger = await world.person(), await world.person()
    for _ in range(4):
        await notify(world, user)
    newest, second, *_ = (await listed(world, user)).items
    one = ReadNotifications(ids=[newest.id])
    assert (await notifications.read_notifications(one, stranger, world.ports)).unread == 0
    assert (await listed(world, user)).unread == 4
    for _ in range(2):
        assert (await notifications.read_notifications(one, user, world.ports)).unread == 3
    rest = ReadNotifications(until_id=second.id)
    assert (await notifications.read_notifications(rest, user, world.ports)).unread == 0


@pytest.mark.parametrize("command", [ReadNotifications(), ReadNotifications(ids=["x"], until_id="y")])
async def test_reading_nothing_or_both_ways_is_refused(world: World, command: ReadNotifications) -> None:
    with pytest.raises(Invalid):
        await notifications.read_notifications(command, await world.person(), world.ports)


async def test_a_first_reading_keeps_its_time(world: World) -> None:
    user = await world.person()
    await notify(world, user)
    command = ReadNotifications(ids=[(await listed(world, user)).items[0].id])
    await notifications.read_notifications(command, user, world.ports)
    first = (await listed(world, user)).items[0].read_at
    world.clock.advance(hours=1)
    await notifications.read_notifications(command, user, world.ports)
    assert first is not None
    assert (await listed(world, user)).items[0].read_at == first


@pytest.mark.parametrize("author_blocks", [True, False])
async def test_blocked_people_are_in_no_notification(world: World, author_blocks: bool) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.answer(helper, post)
    await world.work("notify")
    assert (await listed(world, author)).unread == 1
    pair = (author, helper) if author_blocks else (helper, author)
    await world.block(*pair)
    assert await listed(world, author) == NotificationPage(items=[], next_cursor=None, unread=0)
    await notifications.notify(author.id, "response", new_id(), post.id, world.ports, actor_id=helper.id)
    assert len(world.fakes.tables.notifications) == 1


async def test_a_kind_that_is_off_everywhere_leaves_nothing(world: World) -> None:
    user = await world.person()
    off = SetPreferences(kinds={"digest": Channels(in_app=False, push=False)})
    await preferences.set_preferences(off, user, world.ports)
    await notify(world, user, "digest")
    await notify(world, user, "milestone")
    assert [one.kind for one in (await listed(world, user)).items] == ["milestone"]
    assert len(world.fakes.tables.notifications) == 1


async def test_a_kind_that_is_only_pushed_is_not_in_the_list(world: World) -> None:
    user = await world.person()
    pushed = SetPreferences(kinds={"milestone": Channels(in_app=False, push=True)})
    await preferences.set_preferences(pushed, user, world.ports)
    await notify(world, user)
    assert await listed(world, user) == NotificationPage(items=[], next_cursor=None, unread=0)
    assert await world.news(user, "notification:new") == []
    assert len(world.fakes.tables.notifications) == 1


async def test_preferences_are_whole_and_come_back_as_they_were_set(world: World) -> None:
    user = await world.person()
    usual = await preferences.get_preferences(user, world.ports)
    assert set(usual.kinds) == set(KINDS)
    assert (usual.kinds["sos"].push, usual.kinds["support"].push) == (True, False)
    quiet = QuietHours(start="22:00", end="07:00")
    command = SetPreferences(kinds={"sos": Channels(push=False)}, quiet_hours=quiet, push_per_day=3)
    told = await preferences.set_preferences(command, user, world.ports)
    assert told == await preferences.get_preferences(user, world.ports)
    assert (told.kinds["sos"].push, told.kinds["support"].push, told.push_per_day) == (False, False, 3)
    assert await preferences.set_preferences(SetPreferences(), user, world.ports) == usual


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (SetPreferences(kinds={"moderation": Channels(in_app=False)}), "kinds"),
        (SetPreferences(quiet_hours=QuietHours(start="07:00", end="07:00")), "quiet_hours"),
    ],
)
async def test_what_must_be_told_stays_on_and_quiet_hours_end(
    world: World, command: SetPreferences, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        await preferences.set_preferences(command, await world.person(), world.ports)
    assert refusal.value.field == field


async def test_a_fan_out_tells_each_person_once_however_often(world: World) -> None:
    author = await world.person()
    people = [await world.person() for _ in range(5)]
    post, ids = await world.post(author, type="sos"), [one.id for one in people]
    for wave in (ids[:3], ids, [*ids, ids[0]], []):
        await notifications.fan_out("sos", post.id, wave, world.ports, post_id=post.id, actor_id=author.id)
        await world.work("notify_many", times=2)
    for person in people:
        (told,) = await world.news(person, "notification:new")
        assert (told["notification"]["kind"], told["notification"]["post_id"]) == ("sos", post.id)


async def test_who_blocked_the_author_is_left_out_of_a_fan_out(world: World) -> None:
    author, friend, foe = [await world.person() for _ in range(3)]
    await world.block(foe, author)
    ids = [friend.id, foe.id, new_id()]
    await notifications.fan_out("sos", new_id(), ids, world.ports, actor_id=author.id)
    await world.work("notify_many")
    assert {one.account_id for one in world.fakes.tables.notifications.values()} == {friend.id}


def test_ten_thousand_people_are_a_hundred_jobs_of_which_few_are_urgent() -> None:
    ids = [new_id() for _ in range(10_000)]
    jobs = notifications.fan_out_jobs("sos", "ref", [*ids, *ids[:50]], post_id=new_id())
    lanes = [job.lane for job in jobs]
    assert (lanes.count("urgent"), lanes.count("bulk"), len(lanes)) == (2, 98, 100)
    assert [id for job in jobs for id in job.args["account_ids"].split(",")] == ids
    assert {job.args["push_lane"] for job in jobs[:2]} == {"default"}
    assert {job.lane for job in notifications.fan_out_jobs("digest", "ref", ids)} == {"bulk"}
    assert [job.key for job in jobs] == [
        job.key for job in notifications.fan_out_jobs("sos", "ref", ids, post_id=new_id())
    ]
