"""What `domain.ports.Ledger` promises."""

import asyncio
from datetime import timedelta

from domain import support
from domain.ids import new_id
from domain.points import Entry
from domain.ports import Ports
from tests.contract.makers import NOON, Makers

DAY = NOON.date()
LOOK_SECONDS = 0.3
"""How long something that must wait is given to prove that it does not."""


async def test_an_entry_counts_once_and_the_balance_is_the_sum(ports: Ports, make: Makers) -> None:
    giver, receiver = await make.account(), await make.account()
    award = make.entry(giver, receiver, change=5)
    assert await ports.records.ledger.add(award)
    assert not await ports.records.ledger.add(award)
    assert await ports.records.ledger.add(make.entry(giver, receiver, change=-2, reason="reversal"))
    await expect_points(ports, giver.id, 3)
    await expect_points(ports, receiver.id, 0)


async def test_the_same_entry_from_many_workers_at_once_counts_once(ports: Ports, make: Makers) -> None:
    giver, receiver = await make.account(), await make.account()
    award = make.entry(giver, receiver)
    added = await asyncio.gather(*(ports.records.ledger.add(award) for _ in range(8)))
    assert sum(added) == 1
    await expect_points(ports, giver.id, 3)


async def test_what_was_earned_is_counted_by_pair_and_utc_day(ports: Ports, make: Makers) -> None:
    giver, receiver, other = [await make.account() for _ in range(3)]
    midnight = NOON - timedelta(hours=12)
    entries = [
        make.entry(giver, receiver, change=1, created_at=midnight),
        make.entry(giver, receiver, change=5, created_at=midnight + timedelta(hours=23, minutes=59)),
        make.entry(giver, receiver, change=3, created_at=midnight + timedelta(hours=24)),
        make.entry(giver, receiver, change=3, created_at=midnight - timedelta(milliseconds=1)),
        make.entry(giver, other, change=3),
        make.entry(receiver, giver, change=3),
        make.entry(giver, receiver, change=-5, reason="reversal"),
    ]
    await add_all(ports, entries)
    assert await ports.records.ledger.earned(giver.id, receiver.id, DAY) == 6
    assert await ports.records.ledger.earned(giver.id, receiver.id, DAY + timedelta(days=1)) == 3
    assert await ports.records.ledger.earned(other.id, receiver.id, DAY) == 0


async def test_awards_are_those_of_a_post_or_of_one_help_with_it(ports: Ports, make: Makers) -> None:
    giver, receiver = await make.account(), await make.account()
    post_id = new_id()
    first, second = make.entry(giver, receiver, post_id=post_id), make.entry(giver, receiver, post_id=post_id)
    reversal = make.entry(giver, receiver, post_id=post_id, change=-3, reason="reversal", ref=first.ref)
    await add_all(ports, [first, second, reversal, make.entry(giver, receiver)])
    assert await ports.records.ledger.awards(post_id, None) == [first, second]
    assert await ports.records.ledger.awards(post_id, second.ref) == [second]
    assert await ports.records.ledger.awards(post_id, new_id()) == []
    assert await ports.records.ledger.award(second.key) == second
    assert await ports.records.ledger.award("nobody:nothing:text") is None


async def test_a_pair_is_held_until_the_transaction_ends(ports: Ports, make: Makers) -> None:
    giver, receiver = await make.account(), await make.account()

    async def hold() -> None:
        async with ports.transaction() as tx:
            await tx.ledger.lock_pair(giver.id, receiver.id)

    async with ports.transaction() as tx:
        await tx.ledger.lock_pair(giver.id, receiver.id)
        second = asyncio.create_task(hold())
        await asyncio.wait({second}, timeout=LOOK_SECONDS)
        assert not second.done()
    await second


async def test_a_job_that_scores_waits_for_the_one_before_it_and_keeps_to_the_ten(
    ports: Ports, make: Makers
) -> None:
    giver, receiver = await make.account(), await make.account()
    post = await make.stored_post(author_id=receiver.id)
    given = await make.stored_response(post.id, author_id=giver.id, content="x" * 101)
    async with ports.transaction() as tx:
        await tx.ledger.lock_pair(giver.id, receiver.id)
        scoring = asyncio.create_task(support.score_support(post.id, giver.id, "text", given.id, ports))
        await asyncio.wait({scoring}, timeout=LOOK_SECONDS)
        await tx.ledger.add(make.entry(giver, receiver, change=8, created_at=ports.now()))
    await scoring
    await ports.announcer.drain()
    await expect_points(ports, giver.id, 10)


async def test_a_page_of_entries_goes_backwards_without_those_that_moved_nothing(
    ports: Ports, make: Makers
) -> None:
    giver, receiver = await make.account(), await make.account()
    entries = [make.entry(giver, receiver, change=change) for change in (1, 3, 0, 5)]
    await add_all(ports, [*entries, make.entry(receiver, giver)])
    first = await ports.records.ledger.page(giver.id, None, 2)
    rest = await ports.records.ledger.page(giver.id, first[-1].number, 2)
    assert [line.entry for line in first + rest] == [entries[3], entries[1], entries[0]]
    assert await ports.records.ledger.page(giver.id, rest[-1].number, 2) == []


async def test_help_is_counted_on_both_sides_without_what_was_taken_back(ports: Ports, make: Makers) -> None:
    giver, receiver, other = [await make.account() for _ in range(3)]
    taken_back = make.entry(giver, other)
    back = make.entry(giver, other, change=-3, reason="reversal", post_id=taken_back.post_id)
    capped = make.entry(giver, receiver, change=0)
    await add_all(ports, [make.entry(giver, receiver), capped, make.entry(other, giver), taken_back, back])
    assert await ports.records.ledger.help_counts(giver.id) == (2, 1, 1)
    assert await ports.records.ledger.help_counts(receiver.id) == (0, 2, 0)
    assert await ports.records.ledger.help_counts(new_id()) == (0, 0, 0)


async def test_a_balance_that_drifted_is_found_and_becomes_the_sum(ports: Ports, make: Makers) -> None:
    """Not of an account that is erased: its ledger has gone ahead."""
    giver, receiver, never, erased = [await make.account() for _ in range(4)]
    await add_all(ports, [make.entry(giver, receiver, change=5)])
    await ports.records.accounts.update(erased.id, {"strength_points": 7, "status": "erased"})
    await ports.records.accounts.update(giver.id, {"strength_points": 7})
    await ports.records.accounts.update(never.id, {"strength_points": 1})
    assert set(await ports.records.ledger.drifted(10)) == {giver.id, never.id}
    assert len(await ports.records.ledger.drifted(1)) == 1
    async with ports.transaction() as tx:
        assert [await tx.ledger.repair(one.id) for one in (giver, never, receiver)] == [2, 1, 0]
        assert await tx.ledger.repair(new_id()) == 0
    await expect_points(ports, giver.id, 5)
    assert await ports.records.ledger.drifted(10) == []


async def test_entries_that_come_during_a_repair_are_not_lost(ports: Ports, make: Makers) -> None:
    giver, receiver = await make.account(), await make.account()
    await ports.records.accounts.update(giver.id, {"strength_points": 100})

    async def repair() -> None:
        async with ports.transaction() as tx:
            await tx.ledger.repair(giver.id)

    adding = [ports.records.ledger.add(make.entry(giver, receiver, change=1)) for _ in range(10)]
    await asyncio.gather(*adding, *(repair() for _ in range(3)))
    await expect_points(ports, giver.id, 10)


async def add_all(ports: Ports, entries: list[Entry]) -> None:
    for entry in entries:
        assert await ports.records.ledger.add(entry)


async def expect_points(ports: Ports, account_id: str, points: int) -> None:
    """The sum of the ledger, and the balance kept on the account."""
    assert await ports.records.ledger.balance(account_id) == points
    account = await ports.records.accounts.get(account_id)
    assert account is not None
    assert account.strength_points == points
