"""What `Cases`, `Reports`, `Decisions`, `Standings`, `Thanks` and `AuditLog` of `domain.ports` promise."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.audit import Act, Chain, LineFilter, extended
from domain.cases import Case, place
from domain.decisions import Decision
from domain.errors import Conflict, Invalid
from domain.ids import new_id
from domain.ports import Ports
from domain.reports import Record, Report
from domain.standings import Standing
from domain.trust import Thank
from tests.contract.makers import NOON, Makers


def case(**fields: Any) -> Case:
    usual: dict[str, Any] = {"id": new_id(), "kind": "conduct", "target": "post", "target_id": new_id()}
    usual |= {"subject_id": new_id(), "topics": ["spam"], "urgency": 2, "opened_at": NOON}
    return Case(**{**usual, **fields})


def decision(of: Case, **fields: Any) -> Decision:
    usual: dict[str, Any] = {"id": new_id(), "case_id": of.id, "target": of.target, "target_id": of.target_id}
    usual |= {"subject_id": of.subject_id, "moderator_id": None, "action": "hide", "at": NOON}
    return Decision(**{**usual, **fields})


async def opened(ports: Ports, new: Case) -> Case:
    async with ports.transaction() as tx:
        return await tx.cases.open(new)


async def closed(ports: Ports, new: Case, **fields: Any) -> Case:
    usual: dict[str, Any] = {"outcome": "hide", "closed_by": new_id(), "at": NOON}
    stored = await opened(ports, new)
    assert await ports.records.cases.close(stored.id, **{**usual, **fields})
    return stored


async def test_a_target_has_one_open_case_of_a_kind(ports: Ports) -> None:
    first = await opened(ports, case(weight=1.0, reports=1))
    again = replace(first, id=new_id(), topics=["threat"], urgency=4)
    joined = await opened(ports, again)
    assert (joined.id, joined.topics, joined.urgency) == (first.id, ["spam", "threat"], 5)
    assert (joined.weight, joined.reports) == (2.0, 2)
    assert await ports.records.cases.get(first.id) == joined
    assert (await opened(ports, replace(again, kind="risk"))).id == again.id


async def test_of_two_who_open_at_once_one_finds_the_others(ports: Ports) -> None:
    one = case(reports=1)
    both = await asyncio.gather(opened(ports, one), opened(ports, replace(one, id=new_id())))
    assert len({found.id for found in both}) == 1
    stored = await ports.records.cases.get(both[0].id)
    assert stored is not None
    assert stored.reports == 2


async def test_a_closed_case_stays_closed_and_the_next_is_new(ports: Ports) -> None:
    old = await closed(ports, case())
    assert not await ports.records.cases.close(old.id, "dismiss", new_id(), NOON)
    assert (await opened(ports, replace(old, id=new_id()))).id != old.id
    await ports.records.cases.change_outcome(old.id, "overturned")
    stored = await ports.records.cases.get(old.id)
    assert stored is not None
    assert (stored.outcome, stored.closed_at) == ("overturned", NOON)


async def test_a_claim_holds_until_it_runs_out(ports: Ports) -> None:
    one, other, later = new_id(), new_id(), NOON + timedelta(minutes=15)
    id = (await opened(ports, case())).id
    held = await ports.records.cases.claim(id, one, NOON, later)
    assert held is not None
    assert (held.claimed_by, held.claimed_until) == (one, later)
    assert await ports.records.cases.claim(id, other, NOON, later) is None
    assert await ports.records.cases.claim(id, other, later, later + timedelta(minutes=15)) is not None
    assert not await ports.records.cases.release(id, one)
    assert await ports.records.cases.release(id, other)


async def test_whoever_holds_a_case_about_something_is_known(ports: Ports) -> None:
    holder, until = new_id(), NOON + timedelta(minutes=15)
    stored = await opened(ports, case(target="response"))
    about: Any = ("response", stored.target_id)
    held_by = ports.records.cases.held_by
    assert await held_by(holder, *about, NOON) is None
    claimed = await ports.records.cases.claim(stored.id, holder, NOON, until)
    assert await held_by(holder, *about, NOON) == claimed
    assert await held_by(holder, *about, until) is None
    assert await held_by(new_id(), *about, NOON) is None
    assert await held_by(holder, "post", stored.target_id, NOON) is None
    await ports.records.cases.close(stored.id, "dismiss", holder, NOON)
    assert await held_by(holder, *about, NOON) is None


async def test_of_two_who_claim_at_once_one_has_it(ports: Ports) -> None:
    id = (await opened(ports, case())).id
    until = NOON + timedelta(minutes=15)
    tries = [ports.records.cases.claim(id, new_id(), NOON, until) for _ in range(5)]
    assert sum(held is not None for held in await asyncio.gather(*tries)) == 1


async def test_the_queue_is_in_order_and_pages(ports: Ports) -> None:
    me = new_id()
    urgent, older, newer = case(urgency=5), case(), case(opened_at=NOON + timedelta(seconds=1))
    hidden = [
        case(subject_id=me),
        case(barred=[me]),
        case(claimed_by=new_id(), claimed_until=NOON + timedelta(1)),
    ]
    for one in (newer, older, urgent, *hidden):
        await opened(ports, one)
    queue = ports.records.cases.queue
    first = await queue(me, NOON, kind=None, after=None, limit=2)
    rest = await queue(me, NOON, kind=None, after=place(first[-1]), limit=2)
    assert [one.id for one in (*first, *rest)] == [urgent.id, older.id, newer.id]
    assert await queue(me, NOON, kind="risk", after=None, limit=2) == []
    with pytest.raises(Invalid):
        await queue(me, NOON, kind=None, after=["x"], limit=2)


async def test_what_is_mine_is_what_i_hold(ports: Ports) -> None:
    me, later = new_id(), NOON + timedelta(minutes=15)
    mine, lapsed, free = [await opened(ports, case()) for _ in range(3)]
    await ports.records.cases.claim(mine.id, me, NOON, later)
    await ports.records.cases.claim(lapsed.id, me, NOON - timedelta(minutes=15), NOON)
    held = await ports.records.cases.queue(me, NOON, kind=None, mine=True, after=None, limit=9)
    assert [one.id for one in held] == [mine.id]
    everything = await ports.records.cases.queue(me, NOON, kind=None, after=None, limit=9)
    assert {one.id for one in everything} >= {mine.id, lapsed.id, free.id}


async def test_what_is_about_moderators_waits_for_those_who_judge_them(ports: Ports, make: Makers) -> None:
    colleague, somebody = await make.account(role="moderator"), await make.account()
    theirs = await opened(ports, case(subject_id=colleague.id))
    danger = await opened(ports, case(subject_id=colleague.id, kind="risk"))
    other = await opened(ports, case(subject_id=somebody.id))
    me, queue = new_id(), ports.records.cases.queue
    for colleagues, seen in ((False, {danger.id, other.id}), (True, {theirs.id, danger.id, other.id})):
        found = await queue(me, NOON, kind=None, colleagues=colleagues, after=None, limit=9)
        assert {one.id for one in found} == seen


async def test_what_somebody_reported_is_not_closed_unread(ports: Ports) -> None:
    reported, found = await opened(ports, case(reports=1)), await opened(ports, case())
    assert not await ports.records.cases.close_unreported(reported.id, "dismiss", NOON)
    assert await ports.records.cases.close_unreported(found.id, "dismiss", NOON)
    assert not await ports.records.cases.close_unreported(found.id, "dismiss", NOON)
    closed = await ports.records.cases.get(found.id)
    assert closed is not None
    assert (closed.outcome, closed.closed_by, closed.closed_at) == ("dismiss", None, NOON)


async def test_barred_moderators_are_kept_from_a_case_and_from_appeals(ports: Ports) -> None:
    me = new_id()
    old = await closed(ports, case())
    made = decision(old)
    await ports.records.decisions.add(made)
    appeal = case(kind="appeal", target_id=old.target_id, decision_id=made.id)
    await ports.records.cases.add_appeal(appeal)
    with pytest.raises(Conflict):
        await ports.records.cases.add_appeal(replace(appeal, id=new_id()))
    for _ in range(2):
        await ports.records.cases.bar_appeals("post", old.target_id, me)
    stored = await ports.records.cases.get(appeal.id)
    assert stored is not None
    assert stored.barred == [me]
    await ports.records.cases.bar(appeal.id, new_id())
    assert await ports.records.cases.queue(me, NOON, kind="appeal", after=None, limit=9) == []


async def test_similar_cases_have_most_in_common(ports: Ports) -> None:
    near = await closed(ports, case(topics=["spam", "threat"]))
    far = await closed(ports, case(), at=NOON + timedelta(hours=1))
    await closed(ports, case(topics=["other"]))
    await opened(ports, case())
    found = await ports.records.cases.similar(case(topics=["spam", "threat"]), 9)
    assert [one.id for one in found] == [near.id, far.id]


async def test_loads_count_what_each_closed(ports: Ports) -> None:
    me = new_id()
    await closed(ports, case(), closed_by=me)
    await closed(ports, case(kind="risk"), closed_by=me)
    await closed(ports, case(), closed_by=me, at=NOON - timedelta(hours=2))
    await closed(ports, case(), closed_by=None)
    (load,) = await ports.records.cases.loads(NOON - timedelta(hours=1), ["threat"])
    assert (load.moderator_id, load.cases, load.hard) == (me, 2, 1)


async def test_one_person_reports_a_target_once_and_is_remembered(ports: Ports, make: Makers) -> None:
    reporter = (await make.account()).id
    old, other = await closed(ports, case(), outcome="dismiss"), await closed(ports, case())
    about: dict[str, Any] = {"reporter_id": reporter, "target": "post", "reason": "spam", "note": "look"}
    first = Report(id=new_id(), case_id=old.id, target_id=old.target_id, weight=0.5, created_at=NOON, **about)
    await ports.records.reports.add(first)
    with pytest.raises(Conflict):
        await ports.records.reports.add(replace(first, id=new_id()))
    await ports.records.reports.add(replace(first, id=new_id(), case_id=other.id, target_id=other.target_id))
    assert await ports.records.reports.by_reporter(reporter, "post", old.target_id) == first
    assert await ports.records.reports.of_case(old.id, 9) == [first]
    assert await ports.records.reports.record_of(reporter) == Record(1, 1)


async def test_decisions_are_found_by_what_they_are_about(ports: Ports) -> None:
    of = await opened(ports, case())
    first = decision(of, until=NOON, label="x", earlier="live", reason="why", topics=["spam"])
    second = decision(
        of, action="ban", state="proposed", at=NOON + timedelta(seconds=1), moderator_id=new_id()
    )
    for made in (first, first, second):
        await ports.records.decisions.add(made)
    store = ports.records.decisions
    assert await store.get(first.id) == first
    assert await store.of_case(of.id) == [first, second]
    assert await store.of_target("post", of.target_id, 1) == [second]
    assert await store.of_subject(of.subject_id, 9) == [second, first]
    by = new_id()
    assert [await store.end(first.id, "reversed", by=by) for _ in range(2)] == [True, False]
    assert await store.get(first.id) == replace(first, state="reversed", reversed_by=by)
    await store.reject_proposals(of.id, but=first.id)
    assert [made.state for made in await store.of_case(of.id)] == ["reversed", "rejected"]


async def test_what_one_moderator_holds_is_let_go_of_at_once(ports: Ports) -> None:
    one, other, until = new_id(), new_id(), NOON + timedelta(minutes=15)
    held = [await opened(ports, case()) for _ in range(3)]
    for each, moderator in zip(held, (one, one, other), strict=True):
        await ports.records.cases.claim(each.id, moderator, NOON, until)
    assert [await ports.records.cases.release_all(one) for _ in range(2)] == [2, 0]
    found = [await ports.records.cases.get(each.id) for each in held]
    assert [each and each.claimed_by for each in found] == [None, None, other]


async def test_sanctions_in_force_come_with_the_last_end_first(ports: Ports) -> None:
    of = await opened(ports, case())
    ends = {
        "over": NOON,
        "short": NOON + timedelta(days=1),
        "long": NOON + timedelta(days=9),
        "endless": None,
    }
    made = {name: decision(of, action="ban", until=until) for name, until in ends.items()}
    others = [decision(of, action="mute"), decision(of, action="ban", state="reversed")]
    others.append(replace(decision(of, action="ban"), subject_id=new_id()))
    for one in (*made.values(), *others):
        await ports.records.decisions.add(one)
    found = await ports.records.decisions.in_force(of.subject_id, "ban", NOON)
    assert found == [made["endless"], made["long"], made["short"]]


async def test_a_standing_is_clean_until_something_is_held_against_it(ports: Ports, make: Makers) -> None:
    account = (await make.account()).id
    standings = ports.records.standings
    assert await standings.get(account) == Standing(account_id=account)
    await standings.update(account, {"muted_until": NOON})
    await standings.update(account, {"banned_until": NOON})
    assert await standings.get(account) == Standing(account_id=account, muted_until=NOON, banned_until=NOON)
    assert await standings.banned_before(NOON, limit=9) == [account]
    assert await standings.end_ban(account, NOON - timedelta(seconds=1)) is False
    assert [await standings.end_ban(account, NOON) for _ in range(2)] == [True, False]
    assert await standings.get(account) == Standing(account_id=account, muted_until=NOON)
    await standings.update(account, {"banned_until": NOON})
    assert await standings.banned_before(NOON - timedelta(seconds=1), limit=9) == []
    await standings.update(new_id(), {"muted_until": NOON})


async def test_a_response_is_thanked_for_once(ports: Ports, make: Makers) -> None:
    helper, thanker = (await make.account()).id, (await make.account()).id
    thank = Thank(response_id=new_id(), post_id=new_id(), helper_id=helper, thanker_id=thanker, at=NOON)
    later = replace(thank, response_id=new_id(), at=NOON + timedelta(hours=1))
    assert [await ports.records.thanks.add(one) for one in (thank, thank, later)] == [True, False, True]
    assert await ports.records.thanks.of_helper(helper, NOON, 9) == [later, thank]
    assert await ports.records.thanks.of_helper(helper, NOON + timedelta(minutes=1), 9) == [later]


async def append(ports: Ports, action: str, actor_id: str = "system") -> None:
    async with ports.transaction() as tx:
        await tx.audit.append(Act(actor_id=actor_id, action=action, details={"b": "2", "a": "1"}), NOON)


async def test_lines_written_at_once_make_one_chain(ports: Ports) -> None:
    await asyncio.gather(*(append(ports, "moderation.hide") for _ in range(8)))
    lines = await ports.records.audit.after(0, 99)
    chain = extended(Chain(), lines)
    assert (chain.lines, chain.broken_at) == (8, None)
    assert await ports.records.audit.after(6, 99) == lines[6:]


async def test_lines_are_found_newest_first(ports: Ports) -> None:
    await append(ports, "auth.logged_in", "somebody")
    await append(ports, "moderation.hide", "moderator")
    await append(ports, "moderation.ban", "moderator")
    page = ports.records.audit.page

    async def found(before: int | None = None, **wanted: str) -> list[str]:
        return [line.action for line in await page(LineFilter(**wanted), before, 9)]

    assert await found() == ["moderation.ban", "moderation.hide", "auth.logged_in"]
    assert await found(prefix="moderation.") == ["moderation.ban", "moderation.hide"]
    assert await found(actor_id="somebody") == ["auth.logged_in"]
    assert await found(action="moderation.hide") == ["moderation.hide"]
    assert await found(before=2) == ["auth.logged_in"]


async def test_moderators_owners_and_blocks_are_found(ports: Ports, make: Makers) -> None:
    moderator, owner = await make.account(role="moderator"), await make.account()
    banned = await make.account(role="admin", status="banned")
    found = await ports.records.accounts.with_roles(["moderator", "admin"])
    assert (moderator.id in found, banned.id in found, owner.id in found) == (True, False, False)
    circle = await make.circle(owner.id)
    await ports.records.circles.join(circle.id, moderator.id, NOON)
    assert await ports.records.circles.owner_of(circle.id) == owner.id
    assert await ports.records.circles.owner_of(new_id()) is None
    await ports.records.blocks.add(owner.id, moderator.id, NOON)
    await ports.records.blocks.add(owner.id, banned.id, NOON + timedelta(seconds=1))
    assert await ports.records.blocks.made_by(owner.id) == [banned.id, moderator.id]
    assert await ports.records.blocks.made_by(moderator.id) == []


async def test_what_was_scanned_is_read_in_order_of_time(ports: Ports, make: Makers) -> None:
    posts = [await make.stored_post(created_at=NOON + timedelta(seconds=at)) for at in (0, 2, 1, 1)]
    await make.stored_post(created_at=NOON - timedelta(days=40))
    await ports.content.posts.change(posts[0].id, {"verdict": {"actions": ["hide"]}})
    since, seen, after = NOON - timedelta(days=30), [], None
    while page := await ports.content.posts.scanned(since, after, 2):
        seen += page
        last = page[-1][0]
        after = [int(last.created_at.timestamp() * 1000), last.id]
    expected = [posts[0], *sorted(posts[2:], key=lambda post: post.id), posts[1]]
    assert [post.id for post, _ in seen] == [post.id for post in expected]
    assert [list(actions) for _, actions in seen] == [["hide"], [], [], []]
    answer = await make.stored_response(posts[0].id)
    ((found, actions),) = await ports.content.responses.scanned(since, None, 9)
    assert (found, list(actions)) == (answer, [])


async def test_reports_of_a_reporter_are_paged_by_id(ports: Ports, make: Makers) -> None:
    reporter, other = await make.account(), await make.account()
    opened_case = await opened(ports, case())
    made: list[Report] = []
    for owner in (reporter, other, reporter, reporter):
        report = Report(
            id=make.id(),
            case_id=opened_case.id,
            reporter_id=owner.id,
            target="post",
            target_id=new_id(),
            reason="spam",
            note="",
            weight=1.0,
            created_at=NOON,
        )
        await ports.records.reports.add(report)
        made += [report] if owner is reporter else []
    reports = ports.records.reports
    assert await reports.made_by(reporter.id, None, 2) == made[:2]
    assert await reports.made_by(reporter.id, made[1].id, 2) == made[2:]
