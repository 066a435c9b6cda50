"""Pushing: whether and when something leaves for a phone, and that it says nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from domain import devices, notifications, preferences, pushing, sessions
from domain.accounts import User
from domain.devices import Platform, RegisterDevice, WebKeys
from domain.errors import Invalid, NotFound, Unavailable
from domain.ids import new_id
from domain.kinds import NotificationKind
from domain.posts import PostView
from domain.preferences import Channels, SetPreferences
from domain.quiet import QuietHours
from tests.domain.world import World

PHONE = "ab" * 32
NIGHT = QuietHours(start="22:00", end="07:00")
KEYS = WebKeys(p256dh="BA" + "A" * 85, auth="A" * 22)
ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/gAAAA"


async def with_phone(world: World, token: str = PHONE, **fields: Any) -> User:
    user = await world.person(**fields)
    await register(world, user, token)
    return user


async def register(world: World, user: User, token: str, platform: Platform = "ios") -> str:
    command = RegisterDevice(platform=platform, token=token)
    return (await devices.register_device(command, user, world.ports)).id


async def prefer(world: World, user: User, **fields: Any) -> None:
    await preferences.set_preferences(SetPreferences(**fields), user, world.ports)


async def notify(world: World, user: User, kind: NotificationKind = "milestone", **more: Any) -> str:
    """The id of the notification, whose push is owed."""
    event_id = new_id()
    await notifications.notify(user.id, kind, event_id, more.pop("post_id", None), world.ports, **more)
    await world.ports.announcer.drain()
    return next(one.id for one in world.fakes.tables.notifications.values() if one.event_id == event_id)


async def sos_for(world: World, *helpers: User) -> PostView:
    author = await world.person()
    post = await world.post(author, type="sos")
    ids = [helper.id for helper in helpers]
    await notifications.fan_out("sos", post.id, ids, world.ports, post_id=post.id, actor_id=author.id)
    await world.work("notify_many")
    return post


def tokens(world: World) -> list[str]:
    return [address.token for address, _ in world.fakes.push.sent]


async def test_a_push_runs_twice_and_leaves_once_for_every_device(world: World) -> None:
    user = await with_phone(world)
    await register(world, user, "registration-token-of-a-phone", "android")
    await notify(world, user)
    assert await world.work("push", times=3) == 1
    assert sorted(tokens(world)) == [PHONE, "registration-token-of-a-phone"]


async def test_a_job_that_runs_again_later_leaves_nothing_more(world: World) -> None:
    id = await notify(world, await with_phone(world))
    await world.work("push")
    world.clock.advance(hours=1)
    assert await pushing.push(id, world.ports) is None
    assert len(tokens(world)) == 1


async def test_after_an_outage_only_those_are_tried_who_have_not_had_it(world: World) -> None:
    user = await with_phone(world)
    await register(world, user, "registration-token-of-a-phone", "android")
    id = await notify(world, user)
    world.fakes.push.failures[PHONE] = Unavailable(retry_after=7)
    with pytest.raises(Unavailable) as failure:
        await pushing.push(id, world.ports)
    assert failure.value.retry_after == 7
    world.fakes.push.failures.clear()
    await pushing.push(id, world.ports)
    assert tokens(world) == ["registration-token-of-a-phone", PHONE]


async def test_a_dead_address_is_forgotten(world: World) -> None:
    user = await with_phone(world)
    world.fakes.push.dead = {PHONE}
    await notify(world, user)
    await world.work("push")
    assert (await devices.list_devices(user, world.ports)).items == []
    await notify(world, user)
    assert world.owed("push") == []


async def test_nothing_is_owed_without_a_device_or_a_service(world: World) -> None:
    await notify(world, await world.person())
    user = await with_phone(world)
    world.fakes.push.platforms = frozenset({"web"})
    await notify(world, user)
    assert world.owed("push") == []
    assert len(await world.news(user, "notification:new")) == 1


async def test_a_phone_that_logged_out_hears_nothing_more(world: World) -> None:
    user = await with_phone(world)
    id = await notify(world, user)
    await sessions.log_out(user, world.ports)
    await pushing.push(id, world.ports)
    assert tokens(world) == []


@pytest.mark.parametrize("status", ["banned", "erased"])
async def test_an_account_that_is_not_active_hears_nothing(world: World, status: str) -> None:
    user = await with_phone(world)
    id = await notify(world, user)
    await world.ports.records.accounts.update(user.id, {"status": status})
    await pushing.push(id, world.ports)
    assert tokens(world) == []


async def test_what_is_read_is_not_pushed(world: World) -> None:
    user = await with_phone(world)
    id = await notify(world, user)
    command = notifications.ReadNotifications(ids=[id])
    await notifications.read_notifications(command, user, world.ports)
    await world.work("push")
    assert tokens(world) == []


async def test_a_kind_that_is_off_is_not_pushed_even_when_it_was_owed(world: World) -> None:
    user = await with_phone(world)
    id = await notify(world, user)
    await prefer(world, user, kinds={"milestone": Channels(push=False)})
    await pushing.push(id, world.ports)
    await notify(world, user)
    await notify(world, user, "support")
    assert tokens(world) == []


async def test_quiet_hours_hold_news_until_the_morning_and_make_it_one(world: World) -> None:
    """22:30 in Berlin; three things happen at night, and one push tells of them at seven."""
    world.clock.time = datetime(2026, 2, 1, 21, 30, tzinfo=UTC)
    user = await with_phone(world, timezone="Europe/Berlin")
    await prefer(world, user, quiet_hours=NIGHT)
    ids = [await notify(world, user) for _ in range(3)]
    morning = datetime(2026, 2, 2, 6, 0, tzinfo=UTC)
    assert [await pushing.push(id, world.ports) for id in ids] == [morning] * 3
    assert tokens(world) == []
    world.clock.time = morning
    assert [await pushing.push(id, world.ports) for id in ids] == [None, None, None]
    assert len(tokens(world)) == 1


async def test_an_answer_to_ones_own_sos_passes_quiet_hours_and_budget(world: World) -> None:
    author = await with_phone(world)
    await prefer(world, author, quiet_hours=QuietHours(start="11:00", end="13:00"), push_per_day=0)
    sos, question = await world.post(author, type="sos"), await world.post(author, type="question")
    helper = await world.person()
    await world.answer(helper, question)
    await world.answer(helper, sos)
    await world.work("notify")
    await world.work("push")
    ((_, message),) = world.fakes.push.sent
    assert message.urgent


async def test_an_sos_does_not_wait_for_a_sleeping_helper(world: World) -> None:
    asleep = await with_phone(world)
    awake = await with_phone(world, "cd" * 32)
    await prefer(world, asleep, quiet_hours=QuietHours(start="11:00", end="13:00"))
    await sos_for(world, asleep, awake)
    jobs = world.owed("push")
    assert [await pushing.push(job.args["notification_id"], world.ports) for job in jobs] == [None, None]
    world.clock.advance(hours=2)
    await world.work("push")
    assert tokens(world) == ["cd" * 32]


@pytest.mark.parametrize("end", ["answered", "supported", "closed", "removed", "blocked", "late"])
async def test_an_sos_that_is_over_is_not_pushed(world: World, end: str) -> None:
    helper = await with_phone(world)
    post = await sos_for(world, helper)
    author = (await world.stored(post.id)).author_id
    if end == "answered":
        await world.answer(await world.person(), post)
    elif end == "supported":
        await world.tap(await world.person(), post)
    elif end == "late":
        world.clock.advance(minutes=10)
    elif end == "blocked":
        await world.ports.records.blocks.add(helper.id, author, world.clock())
    else:
        await world.ports.content.posts.change(post.id, {"status": end})
    await world.work("push")
    assert tokens(world) == []


async def test_what_its_author_adds_does_not_silence_an_sos(world: World) -> None:
    helper = await with_phone(world)
    author = await world.person()
    post = await world.post(author, type="sos")
    await world.answer(author, post, content="Please, somebody.")
    await notifications.fan_out("sos", post.id, [helper.id], world.ports, post_id=post.id, actor_id=author.id)
    await world.work("notify_many")
    await world.work("push")
    assert tokens(world) == [PHONE]


async def test_an_sos_that_is_open_is_pushed_with_urgency_and_a_short_life(world: World) -> None:
    helper = await with_phone(world)
    await sos_for(world, helper)
    world.clock.advance(minutes=1)
    await world.work("push", times=2)
    ((_, message),) = world.fakes.push.sent
    assert (message.urgent, message.ttl_seconds) == (True, 540)


async def test_every_sos_is_pushed_by_itself(world: World) -> None:
    helper = await with_phone(world)
    for _ in range(2):
        await sos_for(world, helper)
    await world.work("push")
    assert len({message.collapse for _, message in world.fakes.push.sent}) == 2


async def test_news_in_a_row_are_two_pushes(world: World) -> None:
    """The first at once, one for all the others when the time of a group is over."""
    user = await with_phone(world)
    ids = []
    for _ in range(5):
        ids.append(await notify(world, user))
        world.clock.advance(seconds=1)
        await pushing.push(ids[-1], world.ports)
    first = world.clock() - timedelta(seconds=4)
    laters = {await pushing.push(id, world.ports) for id in ids}
    assert laters == {None, first + timedelta(seconds=300)}
    world.clock.time = first + timedelta(seconds=300)
    assert [await pushing.push(id, world.ports) for id in ids] == [None] * 5
    assert len(tokens(world)) == 2
    assert len({message.collapse for _, message in world.fakes.push.sent}) == 1


@pytest.mark.parametrize("world", [{"push_group_seconds": 0}], indirect=True)
async def test_a_budget_lasts_for_a_day_of_the_persons_own(world: World) -> None:
    """Noon in UTC is 23:00 in Noumea: an hour later the next day has its own budget."""
    user = await with_phone(world, timezone="Pacific/Noumea")
    await prefer(world, user, push_per_day=2)
    for _ in range(4):
        world.clock.advance(seconds=1)
        await notify(world, user)
        await world.work("push")
    assert len(tokens(world)) == 2
    world.clock.advance(hours=1)
    await notify(world, user)
    await world.work("push")
    assert len(tokens(world)) == 3


async def test_what_leaves_says_nothing(world: World) -> None:
    helper = await with_phone(world)
    post = await sos_for(world, helper)
    await world.work("push")
    ((_, message),) = world.fakes.push.sent
    told = repr(message).replace(message.collapse, "")
    author = (await world.stored(post.id)).author_id
    for private in (helper.id, author, post.id, "sos", "support", "Day 30"):
        assert private not in told
    assert len(message.collapse) == 32


async def test_a_token_is_sealed_and_belongs_to_who_came_last(world: World) -> None:
    first, second = await world.person(), await world.person()
    id = await register(world, first, PHONE)
    assert await register(world, second, PHONE) == id
    assert (await devices.list_devices(first, world.ports)).items == []
    (row,) = world.fakes.tables.devices.values()
    assert PHONE.encode() not in row.sealed + row.token_key
    assert PHONE.encode() not in msgspec.json.encode(await devices.list_devices(second, world.ports))
    with pytest.raises(NotFound):
        await devices.remove_device(devices.RemoveDevice(device_id=id), first, world.ports)


@pytest.mark.parametrize("world", [{"devices_per_account": 2}], indirect=True)
async def test_devices_are_bounded_and_the_one_not_seen_for_longest_goes(world: World) -> None:
    user = await world.person()
    for token in ("aa" * 32, "bb" * 32, "aa" * 32, "cc" * 32):
        world.clock.advance(seconds=1)
        await register(world, user, token)
    held = [devices.address_of(row, world.ports).token for row in world.fakes.tables.devices.values()]
    assert sorted(held) == ["aa" * 32, "cc" * 32]


REFUSED: list[tuple[RegisterDevice, str]] = [
    (RegisterDevice(platform="ios", token="../../3/device/ab"), "token"),
    (RegisterDevice(platform="android", token="has spaces in the token"), "token"),
    (RegisterDevice(platform="ios", token=PHONE, keys=KEYS), "keys"),
    (RegisterDevice(platform="web", token=ENDPOINT), "keys"),
    (RegisterDevice(platform="web", token=ENDPOINT, keys=WebKeys(p256dh="A" * 87, auth="A" * 22)), "keys"),
    (RegisterDevice(platform="web", token=ENDPOINT, keys=WebKeys(p256dh=KEYS.p256dh, auth="A" * 24)), "keys"),
    *(
        (RegisterDevice(platform="web", token=endpoint, keys=KEYS), "token")
        for endpoint in (
            "http://updates.push.services.mozilla.com/x",
            "https://127.0.0.1/wpush",
            "https://example.org/updates.push.services.mozilla.com",
            "https://updates.push.services.mozilla.com.example.org/x",
            "https://updates.push.services.mozilla.com@example.org/x",
            "https://updates.push.services.mozilla.com:8443/x",
            "https://evilpush.services.mozilla.com.:443/x",
            "https://[::1]/x",
            "https://[/x",
        )
    ),
]


@pytest.mark.parametrize(("command", "field"), REFUSED)
async def test_only_addresses_of_push_services_are_taken(
    world: World, command: RegisterDevice, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        await devices.register_device(command, await world.person(), world.ports)
    assert refusal.value.field == field
    assert world.fakes.tables.devices == {}


async def test_a_browsers_subscription_is_taken(world: World) -> None:
    user = await world.person()
    command = RegisterDevice(platform="web", token=ENDPOINT, keys=KEYS)
    view = await devices.register_device(command, user, world.ports)
    listed = await devices.list_devices(user, world.ports)
    assert (listed.items, listed.web_push_key) == ([view], "a-web-key")
    assert view.current


async def test_pushing_what_never_was_is_nothing(world: World) -> None:
    assert await pushing.push(new_id(), world.ports) is None
