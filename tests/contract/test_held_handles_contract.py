"""What `domain.ports.HeldHandles` promises."""

from datetime import timedelta

from msgspec.structs import replace

from domain.clock import utc_now
from domain.held_handles import HeldHandle
from domain.ports import Ports
from tests.contract.makers import Makers

DAY = timedelta(days=1)


def held(name: bytes, account_id: str | None = None, *, days: int = 1) -> HeldHandle:
    until = utc_now().replace(microsecond=0) + days * DAY
    return HeldHandle(handle_hash=name.ljust(32, b"."), account_id=account_id, until=until)


async def test_a_handle_is_held_once_and_let_go(ports: Ports, make: Makers) -> None:
    handles, first = ports.records.held_handles, held(b"first", (await make.account()).id)
    assert await handles.get(first.handle_hash) is None
    await handles.hold(first)
    assert await handles.get(first.handle_hash) == first
    later = replace(first, until=first.until + DAY, account_id=None)
    await handles.hold(later)
    assert await handles.get(first.handle_hash) == later
    await handles.release(first.handle_hash)
    assert await handles.get(first.handle_hash) is None


async def test_those_of_one_account_are_disowned(ports: Ports, make: Makers) -> None:
    handles = ports.records.held_handles
    mine, other = await make.account(), await make.account()
    of_mine, of_other = held(b"mine", mine.id), held(b"other", other.id)
    for one in (of_mine, of_other):
        await handles.hold(one)
    await handles.disown(mine.id)
    assert await handles.get(of_mine.handle_hash) == replace(of_mine, account_id=None)
    assert await handles.get(of_other.handle_hash) == of_other


async def test_those_whose_time_is_over_are_pruned_a_few_at_a_time(ports: Ports) -> None:
    handles = ports.records.held_handles
    over, kept = [held(f"over-{n}".encode(), days=-1) for n in range(3)], held(b"kept")
    for one in (*over, kept):
        await handles.hold(one)
    assert [await handles.prune(utc_now(), 2) for _ in range(3)] == [2, 1, 0]
    assert await handles.get(kept.handle_hash) == kept
