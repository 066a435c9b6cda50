"""What `domain.ports.NotificationPreferences`, `Devices` and `Pushes` promise."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.accounts import Account
from domain.devices import Device, Platform
from domain.ids import new_id
from domain.notifications import Notification
from domain.ports import Ports
from domain.preferences import Channels, Preferences
from domain.quiet import QuietHours
from tests.contract.makers import NOON, Makers


@pytest.mark.parametrize(
    "preferences",
    [
        Preferences(),
        Preferences(push_per_day=0, quiet_hours=QuietHours(start="22:00", end="07:00")),
        Preferences(kinds={"sos": Channels(push=False), "digest": Channels(in_app=False)}),
    ],
)
async def test_preferences_come_back_as_they_were_put(
    ports: Ports, make: Makers, preferences: Preferences
) -> None:
    account, silent = await make.account(), await make.account()
    for one in (Preferences(push_per_day=7), preferences):
        await ports.records.preferences.put(account.id, one)
    ids = [account.id, silent.id, new_id()]
    assert await ports.records.preferences.get_many(ids) == {account.id: preferences}


async def new_device(make: Makers, account: Account, **fields: object) -> Device:
    session = await make.session(account.id)
    device = Device(
        id=new_id(),
        account_id=account.id,
        session_id=session.id,
        platform="ios",
        token_key=new_id().encode(),
        sealed=b"sealed",
        seen_at=NOON,
    )
    return replace(device, **fields)


async def test_devices_are_listed_seen_last_first(ports: Ports, make: Makers) -> None:
    account, other = await make.account(), await make.account()
    old, new = [await new_device(make, account) for _ in range(2)]
    new = replace(new, seen_at=NOON + timedelta(days=1), platform="web")
    for device in (new, old, await new_device(make, other)):
        assert await ports.records.devices.put(device, most=10) == device.id
    assert await ports.records.devices.of_account(account.id) == [new, old]


async def test_a_known_token_keeps_its_id_and_changes_hands(ports: Ports, make: Makers) -> None:
    account, other = await make.account(), await make.account()
    device = await new_device(make, account)
    moved = await new_device(make, other, token_key=device.token_key, sealed=b"again")
    await ports.records.devices.put(device, most=10)
    assert await ports.records.devices.put(moved, most=10) == device.id
    assert await ports.records.devices.of_account(account.id) == []
    assert await ports.records.devices.of_account(other.id) == [replace(moved, id=device.id)]


async def test_above_the_bound_the_one_not_seen_for_longest_is_dropped(ports: Ports, make: Makers) -> None:
    account = await make.account()
    made = [await new_device(make, account, seen_at=NOON + timedelta(days=day)) for day in (2, 1, 3)]
    for device in made:
        await ports.records.devices.put(device, most=2)
    assert await ports.records.devices.of_account(account.id) == [made[2], made[0]]


async def test_the_device_of_an_ended_session_is_not_there(ports: Ports, make: Makers) -> None:
    account = await make.account()
    device, kept = await new_device(make, account), await new_device(make, account)
    for one in (device, kept):
        await ports.records.devices.put(one, most=10)
    await ports.records.sessions.end(device.session_id, "logged_out", NOON)
    assert await ports.records.devices.of_account(account.id) == [kept]
    assert [await ports.records.devices.prune(10) for _ in range(2)] == [1, 0]
    await ports.records.sessions.end(kept.session_id, "logged_out", NOON)
    assert await ports.records.devices.reachable([account.id], ["ios"]) == set()


async def test_reachable_is_who_has_a_device_on_a_platform(ports: Ports, make: Makers) -> None:
    platforms: list[Platform] = ["ios", "web"]
    people = [await make.account() for _ in range(3)]
    for account, platform in zip(people, platforms, strict=False):
        device = await new_device(make, account, platform=platform)
        await ports.records.devices.put(device, most=10)
    ids = [account.id for account in people]
    assert await ports.records.devices.reachable(ids, ["ios", "android"]) == {ids[0]}
    assert await ports.records.devices.reachable(ids, platforms) == set(ids[:2])
    assert await ports.records.devices.reachable(ids[1:], ["ios"]) == set()


async def test_only_its_owner_removes_a_device(ports: Ports, make: Makers) -> None:
    account, other = await make.account(), await make.account()
    device = await new_device(make, account)
    await ports.records.devices.put(device, most=10)
    assert not await ports.records.devices.remove(other.id, device.id)
    assert await ports.records.devices.remove(account.id, device.id)
    assert not await ports.records.devices.remove(account.id, device.id)


async def stored_notification(ports: Ports, account: Account) -> str:
    told = Notification(
        id=new_id(), account_id=account.id, kind="sos", event_id=new_id(), post_id=None, created_at=NOON
    )
    await ports.records.notifications.add([told])
    return told.id


async def test_pushes_are_counted_by_account_group_and_time(ports: Ports, make: Makers) -> None:
    account, other = await make.account(), await make.account()
    pushes = ports.records.pushes
    later = NOON + timedelta(hours=1)
    for owner, group, at in ((account, "news", NOON), (account, "sos", later), (other, "news", later)):
        await pushes.take(await stored_notification(ports, owner), owner.id, group, at)
    assert await pushes.pace(new_id(), account.id, "news", NOON) == (False, NOON, 2)
    after = NOON + timedelta(seconds=1)
    assert await pushes.pace(new_id(), account.id, "answer", after) == (False, None, 1)


async def test_a_push_is_taken_once_and_keeps_its_time(ports: Ports, make: Makers) -> None:
    account = await make.account()
    id, pushes = await stored_notification(ports, account), ports.records.pushes
    assert await pushes.pace(id, account.id, "news", NOON) == (False, None, 0)
    for at in (NOON, NOON + timedelta(hours=1)):
        await pushes.take(id, account.id, "news", at)
    assert await pushes.pace(id, account.id, "news", NOON) == (True, NOON, 1)


async def test_a_delivery_is_remembered_with_its_device(ports: Ports, make: Makers) -> None:
    account = await make.account()
    id, device = await stored_notification(ports, account), await new_device(make, account)
    await ports.records.devices.put(device, most=10)
    for device_id in (device.id, device.id, new_id()):
        await ports.records.pushes.mark_delivered(id, device_id, NOON)
    assert await ports.records.pushes.delivered(id) == {device.id}
    assert await ports.records.pushes.delivered(new_id()) == set()
    await ports.records.devices.remove(account.id, device.id)
    assert await ports.records.pushes.delivered(id) == set()


async def test_decisions_about_one_account_come_one_after_the_other(ports: Ports, make: Makers) -> None:
    account = await make.account()
    ids = [await stored_notification(ports, account) for _ in range(5)]

    async def decide(id: str) -> None:
        async with ports.transaction() as tx:
            await tx.pushes.lock(account.id)
            if (await tx.pushes.pace(id, account.id, "news", NOON)).spent == 0:
                await tx.pushes.take(id, account.id, "news", NOON)

    await asyncio.gather(*(decide(id) for id in ids))
    assert (await ports.records.pushes.pace(new_id(), account.id, "news", NOON)).spent == 1
