"""What `domain.ports.Ladders` and `domain.ports.Helpers` promise."""

import asyncio
from datetime import timedelta
from typing import Any

from domain.accounts import Account
from domain.helping import HelperSettings
from domain.ids import new_id
from domain.ladder import Audience, Ladder
from domain.ports import Ports
from tests.contract.makers import NOON, Makers

LATER = NOON + timedelta(seconds=42)


async def started(ports: Ports, author: Account, **fields: Any) -> Ladder:
    usual: dict[str, Any] = {"circle_id": None, "categories": ["alcohol"], "started_at": NOON}
    ladder = Ladder(**{**usual, "post_id": new_id(), "author_id": author.id, **fields})
    await ports.records.ladders.start(ladder)
    return ladder


async def candidates(ports: Ports, ladder: Ladder, to: Audience, *here: Account) -> list[str]:
    ids = [account.id for account in here]
    found = await ports.records.ladders.candidates(ladder.post_id, to, ids, NOON, 100)
    return [one.account_id for one in found]


async def test_a_ladder_starts_once(ports: Ports, make: Makers) -> None:
    ladder = await started(ports, await make.account())
    assert await ports.records.ladders.advance(ladder.post_id, 1)
    await ports.records.ladders.start(ladder)
    row = await ports.records.ladders.get(ladder.post_id)
    assert row is not None
    assert (row.step, row.state, row.categories) == (1, "open", ["alcohol"])
    assert await ports.records.ladders.get(new_id()) is None


async def test_open_ladders_come_oldest_first(ports: Ports, make: Makers) -> None:
    author = await make.account()
    ages = (10, 30, 20)
    made = [await started(ports, author, started_at=NOON - timedelta(minutes=age)) for age in ages]
    over = await started(ports, author)
    await ports.records.ladders.close(over.post_id)
    found = await ports.records.ladders.open(10)
    assert [one.post_id for one in found] == [made[1].post_id, made[2].post_id, made[0].post_id]
    assert len(await ports.records.ladders.open(2)) == 2


async def test_a_step_is_taken_once_however_many_try(ports: Ports, make: Makers) -> None:
    ladder = await started(ports, await make.account())
    tries = [ports.records.ladders.advance(ladder.post_id, 2) for _ in range(6)]
    assert sum(await asyncio.gather(*tries)) == 1
    assert not await ports.records.ladders.advance(ladder.post_id, 1)
    await ports.records.ladders.close(ladder.post_id)
    assert not await ports.records.ladders.advance(ladder.post_id, 3)


async def test_each_audience_has_its_own_people(ports: Ports, make: Makers) -> None:
    author, here, away, moderator, admin = (
        await make.account(),
        await make.account(),
        await make.account(),
        await make.account(role="moderator"),
        await make.account(role="admin"),
    )
    await ports.records.helpers.put(HelperSettings(account_id=away.id, opted_in=True))
    ladder = await started(ports, author)
    assert await candidates(ports, ladder, "helpers", author, here) == [here.id]
    assert await candidates(ports, ladder, "helpers") == []
    assert await candidates(ports, ladder, "opted_in", here) == [away.id]
    assert set(await candidates(ports, ladder, "moderators")) == {moderator.id, admin.id}


async def test_only_those_who_may_see_the_post_are_candidates(ports: Ports, make: Makers) -> None:
    author, near, blocker, blocked, member = [await make.account() for _ in range(5)]
    banned = await make.account()
    await ports.records.accounts.update(banned.id, {"status": "banned"})
    await ports.records.blocks.add(blocker.id, author.id, NOON)
    await ports.records.blocks.add(author.id, blocked.id, NOON)
    circle = await make.circle(author.id)
    await ports.records.circles.join(circle.id, member.id, NOON)
    everybody = (author, near, blocker, blocked, member, banned)
    public, inside = await started(ports, author), await started(ports, author, circle_id=circle.id)
    assert set(await candidates(ports, public, "helpers", *everybody)) == {near.id, member.id}
    assert await candidates(ports, inside, "helpers", *everybody) == [member.id]


async def test_who_is_muted_could_not_answer_and_is_no_candidate(ports: Ports, make: Makers) -> None:
    author, muted, unmuted = [await make.account() for _ in range(3)]
    await ports.records.standings.update(muted.id, {"muted_until": LATER})
    await ports.records.standings.update(unmuted.id, {"muted_until": NOON})
    ladder = await started(ports, author)
    assert await candidates(ports, ladder, "helpers", muted, unmuted) == [unmuted.id]


async def test_a_candidate_tells_what_they_said_and_how_busy_they_are(ports: Ports, make: Makers) -> None:
    author, busy, fresh = [await make.account() for _ in range(3)]
    settings = HelperSettings(
        account_id=busy.id, opted_in=True, categories=["food"], languages=["de"], max_open=2
    )
    await ports.records.helpers.put(HelperSettings(account_id=busy.id))
    await ports.records.helpers.put(settings)
    assert await ports.records.helpers.get(busy.id) == settings
    assert await ports.records.helpers.get(fresh.id) is None
    others = [await started(ports, author) for _ in range(4)]
    for other in others:
        await ports.records.ladders.ask(other.post_id, 1, [busy.id], NOON)
    await ports.records.ladders.close(others[0].post_id)
    await ports.records.ladders.leave(others[1].post_id, [busy.id], LATER)
    ladder = await started(ports, author)
    first, second = await ports.records.ladders.candidates(
        ladder.post_id, "helpers", [busy.id, fresh.id], NOON, 100
    )
    assert (first.account_id, first.open, first.max_open, first.opted_in) == (fresh.id, 0, 5, False)
    assert (second.account_id, second.open, second.max_open, second.opted_in) == (busy.id, 2, 2, True)
    assert (second.categories, second.languages) == (["food"], ["de"])
    limited = await ports.records.ladders.candidates(ladder.post_id, "helpers", [busy.id, fresh.id], NOON, 1)
    assert limited == [first]


async def test_somebody_is_asked_once_and_only_while_it_is_open(ports: Ports, make: Makers) -> None:
    author, first, second = [await make.account() for _ in range(3)]
    ladders, ladder = ports.records.ladders, await started(ports, author)
    assert await ladders.ask(ladder.post_id, 1, [first.id], NOON) == {first.id}
    assert await ladders.ask(ladder.post_id, 2, [first.id, second.id], LATER) == {second.id}
    assert await candidates(ports, ladder, "helpers", first, second) == []
    assert [(one.account_id, one.step) for one in await ladders.asked(ladder.post_id)] == [
        (first.id, 1),
        (second.id, 2),
    ]
    await ladders.close(ladder.post_id)
    assert await ladders.ask(ladder.post_id, 3, [author.id], LATER) == set()


async def test_who_leaves_keeps_the_first_time(ports: Ports, make: Makers) -> None:
    author, helper = await make.account(), await make.account()
    ladders, ladder = ports.records.ladders, await started(ports, author)
    await ladders.ask(ladder.post_id, 1, [helper.id], NOON)
    await ladders.leave(ladder.post_id, [helper.id], LATER)
    await ladders.leave(ladder.post_id, [helper.id], LATER + timedelta(seconds=1))
    assert [one.left_at for one in await ladders.asked(ladder.post_id)] == [LATER]


async def test_one_of_many_answers_is_the_first(ports: Ports, make: Makers) -> None:
    ladder = await started(ports, await make.account())
    helpers = [await make.account() for _ in range(5)]
    tries = [ports.records.ladders.answer(ladder.post_id, one.id, f"ref-{one.id}", LATER) for one in helpers]
    won = await asyncio.gather(*tries)
    assert sum(won) == 1
    first = helpers[won.index(True)]
    row = await ports.records.ladders.get(ladder.post_id)
    assert row is not None
    assert (row.state, row.answered_by, row.answered_at) == ("answered", first.id, LATER)
    counted = [await ports.records.ladders.first_answers(one.id) for one in helpers]
    assert counted == [int(one) for one in won]


async def test_only_the_answer_that_ended_it_opens_it_again(ports: Ports, make: Makers) -> None:
    author, helper = await make.account(), await make.account()
    ladders, ladder = ports.records.ladders, await started(ports, author)
    assert not await ladders.reopen(ladder.post_id, "the-answer")
    await ladders.answer(ladder.post_id, helper.id, "the-answer", LATER)
    assert not await ladders.reopen(ladder.post_id, "another")
    assert await ladders.reopen(ladder.post_id, "the-answer")
    assert await ladders.get(ladder.post_id) == ladder
    assert await ladders.first_answers(helper.id) == 0


async def test_ladders_that_two_people_ended_for_each_other_open_again(ports: Ports, make: Makers) -> None:
    one, other, third = [await make.account() for _ in range(3)]
    ladders = ports.records.ladders
    pairs = ((one, other), (other, one), (one, third))
    made = [(await started(ports, author), helper) for author, helper in pairs]
    old = await started(ports, one, started_at=NOON - timedelta(days=2))
    for ladder, helper in [*made, (old, other)]:
        await ladders.answer(ladder.post_id, helper.id, new_id(), LATER)
    first, second = made[0][0], made[1][0]
    ids = sorted([first.post_id, second.post_id])
    assert await ladders.reopen_between(one.id, other.id, NOON) == ids
    assert await ladders.reopen_between(other.id, one.id, NOON) == []
    assert await ladders.get(first.post_id) == first


async def test_the_time_to_the_first_answer_is_given_once(ports: Ports, make: Makers) -> None:
    author, helper = await make.account(), await make.account()
    ladders, ladder = ports.records.ladders, await started(ports, author)
    assert await ladders.measure(ladder.post_id) is None
    await ladders.answer(ladder.post_id, helper.id, "the-answer", LATER)
    given = await asyncio.gather(*(ladders.measure(ladder.post_id) for _ in range(4)))
    assert [one for one in given if one] == [(["alcohol"], 42.0)]


async def test_a_look_counts_once_and_ones_own_never(ports: Ports, make: Makers) -> None:
    author, helper = await make.account(), await make.account()
    ladders, ladder = ports.records.ladders, await started(ports, author)
    assert await ladders.see(ladder.post_id, helper.id)
    assert not await ladders.see(ladder.post_id, helper.id)
    assert not await ladders.see(ladder.post_id, author.id)
    assert not await ladders.see(new_id(), helper.id)
    await ladders.close(ladder.post_id)
    assert not await ladders.see(ladder.post_id, (await make.account()).id)
    assert await ladders.seen(ladder.post_id) == 1


async def test_thanks_and_givers_are_read_from_the_content(ports: Ports, make: Makers) -> None:
    thanked, other, post_id = new_id(), new_id(), new_id()
    for _ in range(2):
        await make.stored_response(post_id, author_id=thanked, thanked=True)
    await make.stored_response(post_id, author_id=other)
    assert await ports.content.responses.thanked_counts([thanked, other, new_id()]) == {thanked: 2}
    await ports.content.supports.add(post_id, other, "been_there", NOON)
    assert await ports.content.supports.given_to(post_id) == [(other, "been_there")]
    assert await ports.content.supports.given_to(new_id()) == []


async def test_what_waits_tells_how_far_it_is(ports: Ports, make: Makers) -> None:
    author, here, gone = [await make.account() for _ in range(3)]
    circle = await make.circle(author.id)
    ladders = ports.records.ladders
    old = await started(ports, author, circle_id=circle.id)
    new = await started(ports, author, started_at=LATER)
    over = await started(ports, author)
    await ladders.close(over.post_id)
    await ladders.advance(old.post_id, 1)
    await ladders.ask(old.post_id, 1, [here.id, gone.id], LATER)
    await ladders.leave(old.post_id, [gone.id], LATER)
    await ladders.see(old.post_id, here.id)
    first, second = await ladders.waiting(5)
    assert (first.post_id, second.post_id) == (old.post_id, new.post_id)
    assert (first.in_circle, first.step, first.asked, first.left, first.seen) == (True, 1, 2, 1, 1)
    assert (second.in_circle, second.step, second.asked, second.left, second.seen) == (False, 0, 0, 0, 0)
    assert await ladders.waiting(1) == [first]


async def test_answer_times_are_those_of_a_time(ports: Ports, make: Makers) -> None:
    author, helper = await make.account(), await make.account()
    ladders = ports.records.ladders
    assert await ladders.answer_times(NOON) == (0, None, None, 0)
    for seconds in (10, 20, 30, 900):
        ladder = await started(ports, author)
        await ladders.answer(ladder.post_id, helper.id, new_id(), NOON + timedelta(seconds=seconds))
    await ladders.close((await started(ports, author)).post_id)
    await started(ports, author)
    assert await ladders.answer_times(NOON) == (4, 20.0, 900.0, 1)
    assert await ladders.answer_times(LATER) == (0, None, None, 0)


async def test_a_ladder_that_is_over_is_resumed_while_it_is_young(ports: Ports, make: Makers) -> None:
    ladders = ports.records.ladders
    author = await make.account()
    over, answered = await started(ports, author), await started(ports, author)
    await ladders.close(over.post_id)
    await ladders.answer(answered.post_id, author.id, new_id(), LATER)

    async def states() -> list[str]:
        rows = [await ladders.get(one.post_id) for one in (over, answered)]
        return [row.state for row in rows if row is not None]

    for ladder in (over, answered):
        await ladders.resume(ladder.post_id, NOON)
    assert await states() == ["over", "answered"]
    for ladder in (over, answered):
        await ladders.resume(ladder.post_id, NOON - timedelta(seconds=1))
    assert await states() == ["open", "answered"]


async def test_attention_is_forgotten_piece_by_piece_when_its_ladder_is_over(
    ports: Ports, make: Makers
) -> None:
    ladders = ports.records.ladders
    author, *others = [await make.account() for _ in range(4)]
    over, open_one = await started(ports, author), await started(ports, author)
    for ladder in (over, open_one):
        await ladders.ask(ladder.post_id, 1, [one.id for one in others], LATER)
        await ladders.see(ladder.post_id, others[0].id)
    await ladders.close(over.post_id)
    assert await ladders.forget_attention(NOON, 10) == 0
    assert [await ladders.forget_attention(LATER, 2) for _ in range(3)] == [3, 1, 0]
    assert (await ladders.asked(over.post_id), await ladders.seen(over.post_id)) == ([], 0)
    assert (len(await ladders.asked(open_one.post_id)), await ladders.seen(open_one.post_id)) == (3, 1)
