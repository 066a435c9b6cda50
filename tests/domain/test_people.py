"""Reports, cases, decisions, appeals, trust: what moderators and everybody else may count on."""

from typing import Any

import msgspec
import pytest

from domain import (
    appeals,
    audit,
    cases,
    deciding,
    enforcement,
    reports,
    review,
    roles,
    scanning,
    thanks,
    trust,
)
from domain.accounts import EditAccount, User, edit_me
from domain.appeals import Appeal
from domain.audit import Chain, extended
from domain.cases import Case, OneCase, QueueQuery
from domain.circles import CreateCircle, create_circle
from domain.content_warnings import EditWarning, edit_warning
from domain.decisions import Decide, Decided
from domain.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited, Unauthenticated
from domain.posts import PostView, get_post
from domain.reports import CreateReport
from domain.roles import ChangeRole
from domain.rooms import FEED, user_room
from domain.sessions import identify
from domain.standings import Standing
from domain.thanks import ThankResponse
from tests.domain.world import World

MILD, VILE = "Have you tried walking?", "you are worthless, everybody here laughs at you"


async def report(world: World, reporter: User, post: PostView, reason: Any = "harassment") -> str:
    command = CreateReport(target="post", target_id=post.id, reason=reason)
    return (await reports.create_report(command, reporter, world.ports)).report_id


async def only_case(world: World) -> Case:
    (case,) = world.fakes.tables.cases.values()
    return case


async def decide(world: World, moderator: User, case: Case, action: Any, **fields: Any) -> Decided:
    command = Decide(case_id=case.id, action=action, **{"reason": "Please be kind.", **fields})
    decided = await deciding.decide(command, moderator, world.ports)
    await world.work()
    return decided


async def reported(world: World, **fields: Any) -> tuple[User, PostView, Case]:
    """An author, a post of theirs, and the case that a report on it opened."""
    author, reporter = await world.person(), await world.person()
    post = await world.post(author, **fields)
    await world.work("scan_post")
    await report(world, reporter, post)
    return author, post, await only_case(world)


async def appeal(world: World, author: User, note: str = "I did not mean it so.") -> Case:
    *_, notice = await world.news(author, "moderation:notice")
    command = Appeal(decision_id=notice["decision_id"], appeal_code=notice["appeal_code"], note=note)
    opened = await appeals.appeal(command, world.ports)
    case = await world.ports.records.cases.get(opened.case_id)
    assert case is not None
    return case


# Reports and the queue.


async def test_a_second_report_of_one_person_is_the_first(world: World) -> None:
    author, reporter = await world.person(), await world.person()
    post = await world.post(author)
    assert await report(world, reporter, post) == await report(world, reporter, post, "spam")
    case = await only_case(world)
    assert (case.reports, case.topics, case.subject_id) == (1, ["harassment"], author.id)


async def test_nobody_reports_themselves_or_what_they_cannot_see(world: World) -> None:
    author, stranger = await world.person(), await world.person()
    post, private = await world.post(author), await world.post(author, visibility="private")
    with pytest.raises(Invalid):
        await report(world, author, post)
    with pytest.raises(NotFound):
        await report(world, stranger, private)


async def test_the_blocked_learn_nothing_and_the_blocker_may_still_report(world: World) -> None:
    author, blocked = await world.person(), await world.person()
    post = await world.post(author)
    await world.block(author, blocked)
    with pytest.raises(NotFound):
        await report(world, blocked, post)
    await world.block(blocked, author)
    assert await report(world, blocked, post)


async def test_credible_people_who_agree_make_a_case_more_urgent(world: World) -> None:
    _, post, case = await reported(world)
    helpers = [await world.person(role="helper") for _ in range(3)]
    for helper in helpers:
        await report(world, helper, post, "spam")
    joined = await only_case(world)
    assert (case.urgency, joined.urgency, joined.reports) == (3, 4, 4)
    assert joined.topics == ["harassment", "spam"]


async def test_whose_reports_were_wrong_counts_for_less(world: World) -> None:
    reporter, moderator = await world.person(), await world.person(role="moderator")
    before = await reports.credibility(reporter, world.ports)
    for _ in range(3):
        await report(world, reporter, await world.post(await world.person()))
        case = list(world.fakes.tables.cases.values())[-1]
        await decide(world, moderator, case, "dismiss")
    assert await reports.credibility(reporter, world.ports) < before / 2


async def test_worrying_about_somebody_helps_the_one_who_worries_and_accuses_nobody(world: World) -> None:
    author, friend = await world.person(), await world.person(country="DE")
    post = await world.post(author)
    command = CreateReport(target="post", target_id=post.id, reason="worried")
    answer = await reports.create_report(command, friend, world.ports)
    assert answer.crisis is not None
    assert answer.crisis.country == "DE"
    case = await only_case(world)
    assert (case.kind, case.urgency) == ("risk", 5)
    assert await world.news(author, "moderation:notice") == []


async def worry(world: World, friend: User, about: User) -> reports.Reported:
    command = CreateReport(target="user", target_id=about.id, reason="worried")
    return await reports.create_report(command, friend, world.ports)


async def test_whom_others_worry_about_is_offered_help_once_a_day_and_not_told_by_whom(world: World) -> None:
    person, friends = await world.person(country="DE"), [await world.person() for _ in range(3)]
    for friend in friends[:2]:
        answer = await worry(world, friend, person)
        assert answer.worried is not None
        assert answer.worried.after_report
    (offer,) = await world.news(person, "crisis:offer")
    assert (offer["post_id"], offer["crisis"]["country"]) == (None, "DE")
    assert not [friend.id for friend in friends if friend.id in str(await world.told(user_room(person.id)))]
    world.clock.advance(days=1)
    await worry(world, friends[2], person)
    assert len(await world.news(person, "crisis:offer")) == 2


async def test_whoever_reported_something_else_before_is_heard_when_they_worry(world: World) -> None:
    person, friend = await world.person(), await world.person()
    post = await world.post(person)
    first = await report(world, friend, post)
    for _ in range(2):
        assert await report(world, friend, post, "worried") == first
    conduct, risk = world.fakes.tables.cases.values()
    assert (conduct.kind, conduct.reports, risk.kind, risk.reports) == ("conduct", 1, "risk", 0)
    assert len(await world.news(person, "crisis:offer")) == 1


async def test_urgent_cases_reach_moderators_who_are_not_here(world: World) -> None:
    """Those who may decide: about a moderator, admins."""
    moderator, subject = await world.person(role="admin"), await world.person(role="moderator")
    colleague, post = await world.person(role="moderator"), await world.post(subject)
    await report(world, await world.person(), post, "spam")
    await world.work("call_moderators")
    assert await world.news(moderator, "notification:new") == []
    await report(world, await world.person(), post, "threat")
    assert await world.work("call_moderators", times=2) == 1
    (told,) = await world.news(moderator, "notification:new")
    assert (told["notification"]["kind"], told["notification"]["post_id"]) == ("case", None)
    for other in (subject, colleague):
        assert await world.news(other, "notification:new") == []
        assert await world.news(other, "moderation:case") == []


async def test_who_reads_a_case_is_noted(world: World) -> None:
    _, post, case = await reported(world)
    moderator = await world.person(role="moderator")
    await review.claim_case(OneCase(case_id=case.id), moderator, world.ports)
    line = list(world.fakes.tables.audit.values())[-1]
    assert (line.action, line.actor_id, line.target_id) == ("moderation.claim", moderator.id, post.id)


async def test_nobody_reaches_through_a_worry_whom_they_cannot_reach(world: World) -> None:
    person, blocked = await world.person(), await world.person()
    await world.block(person, blocked)
    await worry(world, blocked, person)
    assert await world.news(person, "crisis:offer") == []
    assert (await only_case(world)).kind == "risk"


async def test_nobody_sends_a_sign_day_after_day_by_worrying_about_post_after_post(world: World) -> None:
    person, friend = await world.person(), await world.person()
    for _ in range(3):
        post = await world.post(person)
        worried = CreateReport(target="post", target_id=post.id, reason="worried")
        await reports.create_report(worried, friend, world.ports)
        world.clock.advance(days=1)
    assert len(await world.news(person, "crisis:offer")) == 1
    world.clock.advance(days=7)
    await worry(world, friend, person)
    assert len(await world.news(person, "crisis:offer")) == 2


async def test_whose_reports_were_wrong_sends_no_sign_and_calls_nobody(world: World) -> None:
    person, troll, moderator = (
        await world.person(),
        await world.person(),
        await world.person(role="moderator"),
    )
    for _ in range(6):
        await report(world, troll, await world.post(await world.person()), "threat")
        case = list(world.fakes.tables.cases.values())[-1]
        await decide(world, moderator, case, "dismiss")
    await report(world, troll, await world.post(await world.person()), "threat")
    assert list(world.fakes.tables.cases.values())[-1].urgency < cases.URGENT
    assert (await worry(world, troll, person)).worried is not None
    assert await world.news(person, "crisis:offer") == []
    assert list(world.fakes.tables.cases.values())[-1].urgency == cases.MOST_URGENT


@pytest.mark.parametrize("world", [{"worries_per_day": 2}], indirect=True)
async def test_worries_are_counted_by_the_day(world: World) -> None:
    friend = await world.person()
    for _ in range(2):
        await worry(world, friend, await world.person())
    with pytest.raises(RateLimited):
        await worry(world, friend, await world.person())


async def test_the_queue_shows_the_most_urgent_first_and_of_these_the_oldest(world: World) -> None:
    moderator, reporter = await world.person(role="moderator"), await world.person()
    for reason in ("spam", "threat", "worried", "threat"):
        await report(world, reporter, await world.post(await world.person()), reason)
        world.clock.advance(minutes=1)
    first = await cases.read_queue(QueueQuery(), moderator, world.ports, limit=3)
    rest = await cases.read_queue(QueueQuery(cursor=first.next_cursor), moderator, world.ports, limit=3)
    shown = [*first.items, *rest.items]
    assert [case.topics[0] for case in shown] == ["worried", "threat", "threat", "spam"]
    assert shown[1].opened_at < shown[2].opened_at
    assert rest.next_cursor is None


async def test_only_moderators_see_the_queue(world: World) -> None:
    for role in ("user", "helper"):
        with pytest.raises(Forbidden):
            await cases.read_queue(QueueQuery(), await world.person(role=role), world.ports, limit=20)


async def test_two_people_do_not_do_one_case(world: World) -> None:
    _, post, case = await reported(world)
    one, other = await world.person(role="moderator"), await world.person(role="moderator")
    detail = await review.claim_case(OneCase(case_id=case.id), one, world.ports)
    assert detail.written is not None
    assert (detail.written.content, detail.written.blurred) == (post.content, True)
    with pytest.raises(Conflict):
        await review.claim_case(OneCase(case_id=case.id), other, world.ports)
    assert (await cases.read_queue(QueueQuery(), other, world.ports, limit=20)).items == []
    world.clock.advance(seconds=cases.CLAIM_SECONDS)
    assert (await review.claim_case(OneCase(case_id=case.id), other, world.ports)).case.claimed_by_me


async def test_what_a_moderator_held_is_free_when_they_are_none_any_more(world: World) -> None:
    _, _, case = await reported(world)
    one, other, admin = [await world.person(role=role) for role in ("moderator", "moderator", "admin")]
    await review.claim_case(OneCase(case_id=case.id), one, world.ports)
    await roles.change_role(ChangeRole(account_id=one.id, role="helper"), admin, world.ports)
    assert (await decide(world, other, case, "hide")).state == "active"


async def test_past_cases_like_this_one_are_shown(world: World) -> None:
    moderator = await world.person(role="moderator")
    _, _, old = await reported(world)
    await decide(world, moderator, old, "hide")
    await report(world, await world.person(), await world.post(await world.person()))
    new = list(world.fakes.tables.cases.values())[-1]
    detail = await review.claim_case(OneCase(case_id=new.id), moderator, world.ports)
    assert [(one.id, one.outcome) for one in detail.similar] == [(old.id, "hide")]


@pytest.mark.parametrize("world", [{"moderator_break_after_load": 3}], indirect=True)
async def test_a_moderator_is_told_to_take_a_break(world: World) -> None:
    moderator = await world.person(role="moderator")
    await report(world, await world.person(), await world.post(await world.person()), "worried")
    queue = await cases.read_queue(QueueQuery(), moderator, world.ports, limit=20)
    assert (queue.wellbeing.break_due, queue.wellbeing.blurred) == (False, True)
    await decide(world, moderator, await only_case(world), "support")
    after = (await cases.read_queue(QueueQuery(), moderator, world.ports, limit=20)).wellbeing
    assert (after.load, after.break_due, after.team) == (cases.HARD_WEIGHT, True, {moderator.id: 1})


# Decisions.


@pytest.mark.parametrize(("action", "status"), [("hide", "hidden"), ("remove", "removed")])
async def test_hidden_content_is_gone_with_its_points_until_an_appeal_brings_it_back(
    world: World, action: str, status: str
) -> None:
    author, post, case = await reported(world)
    helper, reader, moderator = (
        await world.person(),
        await world.person(),
        await world.person(role="moderator"),
    )
    await world.tap(helper, post)
    await world.work()
    assert await world.points(helper) == 1
    await decide(world, moderator, case, action)
    assert (await world.stored(post.id)).status == status
    assert await world.points(helper) == 0
    with pytest.raises(NotFound):
        await get_post(post.id, reader, world.ports)
    opened = await appeal(world, author)
    with pytest.raises(Forbidden):
        await decide(world, moderator, opened, "restore")
    await decide(world, await world.person(role="moderator"), opened, "restore")
    assert (await get_post(post.id, reader, world.ports)).status == "live"
    assert await world.points(helper) == 1
    assert await world.names(FEED) == ["post:new", "support:changed", "post:removed", "post:new"]
    assert [told["action"] for told in await world.news(author, "moderation:notice")] == [action, "restore"]


async def test_a_response_is_hidden_and_restored_with_its_count(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    answer = await world.answer(helper, post, content=MILD)
    await world.work()
    assert await world.points(helper) == 3
    command = CreateReport(target="response", target_id=answer.id, reason="harassment")
    await reports.create_report(command, author, world.ports)
    await decide(world, await world.person(role="moderator"), await only_case(world), "hide")
    assert ((await world.stored(post.id)).responses, await world.points(helper)) == (0, 0)
    opened = await appeal(world, helper)
    await decide(world, await world.person(role="moderator"), opened, "restore")
    assert ((await world.stored(post.id)).responses, await world.points(helper)) == (1, 3)


async def test_deciding_twice_is_refused_and_applying_twice_changes_nothing(world: World) -> None:
    _, _, case = await reported(world)
    moderator = await world.person(role="moderator")
    decided = await decide(world, moderator, case, "hide")
    before = await world.names(FEED)
    for _ in range(2):
        await enforcement.apply_decision(decided.decision_id, world.ports)
    assert await world.names(FEED) == before
    with pytest.raises(Conflict):
        await decide(world, moderator, case, "remove")


async def test_an_appeal_is_possible_once_and_only_with_its_code(world: World) -> None:
    author, _, case = await reported(world)
    await decide(world, await world.person(role="moderator"), case, "hide")
    await appeal(world, author)
    with pytest.raises(Conflict):
        await appeal(world, author)
    (notice,) = await world.news(author, "moderation:notice")
    wrong = Appeal(decision_id=notice["decision_id"], appeal_code="0" * 32, note="Please.")
    with pytest.raises(NotFound):
        await appeals.appeal(wrong, world.ports)


async def test_what_its_author_took_back_is_not_brought_back(world: World) -> None:
    author, post, case = await reported(world)
    await decide(world, await world.person(role="moderator"), case, "hide")
    opened = await appeal(world, author)
    await world.ports.content.posts.change(post.id, {"status": "removed"})
    await decide(world, await world.person(role="moderator"), opened, "restore")
    assert (await world.stored(post.id)).status == "removed"


async def test_a_label_comes_and_goes(world: World) -> None:
    author, post, case = await reported(world)
    await decide(world, await world.person(role="moderator"), case, "label", label="Talks about overdose")
    assert (await world.stored(post.id)).content_warning == "Talks about overdose"
    await decide(world, await world.person(role="moderator"), await appeal(world, author), "restore")
    assert (await world.stored(post.id)).content_warning is None


async def test_the_muted_may_still_send_an_sos_and_talk_to_those_who_answer(world: World) -> None:
    author, _, case = await reported(world)
    await decide(world, await world.person(role="moderator"), case, "mute", days=3)
    with pytest.raises(Forbidden):
        await world.post(author)
    with pytest.raises(Forbidden):
        await world.answer(author, await world.post(await world.person()))
    with pytest.raises(Forbidden):
        await edit_me(EditAccount(handle="quiet-otter-7"), author, world.ports)
    assert (await edit_me(EditAccount(country="DE"), author, world.ports)).id == author.id
    sos = await world.post(author, type="sos", content="I am about to drink")
    assert (await world.answer(author, sos)).post_id == sos.id
    world.clock.advance(days=3)
    assert (await world.post(author)).author.id == author.id


async def test_a_ban_ends_sessions_after_its_notice_and_runs_out(world: World) -> None:
    author, _, case = await reported(world)
    session = world.fakes.tables.sessions[author.session_id]
    token = world.ports.tokens.issue(author.id, session.id, world.clock())
    await decide(world, await world.person(role="moderator"), case, "ban", days=30)
    with pytest.raises(Unauthenticated):
        await identify(token, world.ports)
    (notice,) = await world.news(author, "moderation:notice")
    assert (notice["action"], bool(notice["until"])) == ("ban", True)
    assert world.fakes.tables.end_reasons[author.session_id] == "banned"
    world.clock.advance(days=30)
    assert [await enforcement.lift_bans(world.ports) for _ in range(2)] == [1, 0]
    assert world.fakes.tables.accounts[author.id].status == "active"


async def another_case(world: World, author: User) -> Case:
    """About another post of the same person."""
    post = await world.post(author)
    await report(world, await world.person(), post)
    return next(case for case in world.fakes.tables.cases.values() if case.target_id == post.id)


async def standing(world: World, user: User) -> Standing:
    return await world.ports.records.standings.get(user.id)


async def test_of_several_mutings_the_one_that_ends_last_holds(world: World) -> None:
    author, _, case = await reported(world)
    other = await another_case(world, author)
    await decide(world, await world.person(role="moderator"), case, "mute", days=30)
    long = (await standing(world, author)).muted_until
    await decide(world, await world.person(role="moderator"), other, "mute", days=1)
    assert (await standing(world, author)).muted_until == long
    await decide(world, await world.person(role="moderator"), await appeal(world, author), "restore")
    assert (await standing(world, author)).muted_until == long


async def test_an_appeal_against_the_longer_muting_leaves_the_shorter(world: World) -> None:
    author, _, case = await reported(world)
    other = await another_case(world, author)
    await decide(world, await world.person(role="moderator"), other, "mute", days=2)
    short = (await standing(world, author)).muted_until
    await decide(world, await world.person(role="moderator"), case, "mute", days=20)
    await decide(world, await world.person(role="moderator"), await appeal(world, author), "restore")
    assert (await standing(world, author)).muted_until == short


async def test_nobody_alone_shortens_a_ban_that_two_decided(world: World) -> None:
    author, _, case = await reported(world)
    other = await another_case(world, author)
    for _ in range(2):
        await decide(world, await world.person(role="moderator"), case, "ban")
    await decide(world, await world.person(role="moderator"), other, "ban", days=1)
    assert (await standing(world, author)).banned_until is None
    world.clock.advance(days=2)
    assert await enforcement.lift_bans(world.ports) == 0
    assert world.fakes.tables.accounts[author.id].status == "banned"


async def test_a_ban_of_two_is_as_long_as_both_say(world: World) -> None:
    author, _, case = await reported(world)
    one, other = await world.person(role="moderator"), await world.person(role="moderator")
    assert (await decide(world, one, case, "ban", days=31)).state == "proposed"
    for days in (32, None):
        with pytest.raises(Invalid):
            await decide(world, other, case, "ban", days=days)
    assert (await decide(world, other, case, "ban", days=31)).state == "active"
    assert world.fakes.tables.accounts[author.id].status == "banned"


@pytest.mark.parametrize("lost", [{"role": "user"}, {"status": "banned"}])
async def test_whoever_is_no_moderator_any_more_agrees_to_nothing(
    world: World, lost: dict[str, object]
) -> None:
    author, _, case = await reported(world)
    one, other, third = [await world.person(role="moderator") for _ in range(3)]
    await decide(world, one, case, "ban")
    await world.ports.records.accounts.update(one.id, lost)
    assert (await decide(world, other, case, "ban")).state == "proposed"
    assert world.fakes.tables.accounts[author.id].status == "active"
    assert (await decide(world, third, case, "ban")).state == "active"


async def test_who_agrees_to_a_ban_sees_how_long_it_is(world: World) -> None:
    _, _, case = await reported(world)
    await decide(world, await world.person(role="moderator"), case, "ban", days=40)
    looked = await review.claim_case(
        OneCase(case_id=case.id), await world.person(role="moderator"), world.ports
    )
    assert [(past.state, past.until is None) for past in looked.decisions] == [("proposed", False)]


async def test_a_colleague_in_danger_is_helped_by_any_moderator(world: World) -> None:
    colleague = await world.person(role="moderator")
    await report(world, await world.person(), await world.post(colleague), "worried")
    helping = await world.person(role="moderator")
    assert (await decide(world, helping, await only_case(world), "support")).state == "active"


async def test_a_dismissed_report_changes_nothing_that_an_appeal_settled(world: World) -> None:
    author, post, case = await reported(world)
    await decide(world, await world.person(role="moderator"), case, "label", label="Talks about food")
    await decide(world, await world.person(role="moderator"), await appeal(world, author), "restore")
    warn = EditWarning(post_id=post.id, content_warning="my own words")
    await edit_warning(warn, author, world.ports)
    # The job of the appeal's decision comes late.
    await world.work("apply_decision", times=2)
    told, heard = await world.names(FEED), await world.news(author, "moderation:notice")
    await report(world, await world.person(), post)
    again = next(one for one in world.fakes.tables.cases.values() if one.closed_at is None)
    await decide(world, await world.person(role="moderator"), again, "dismiss")
    assert (await world.stored(post.id)).content_warning == "my own words"
    assert (await world.names(FEED), await world.news(author, "moderation:notice")) == (told, heard)


async def test_of_two_labels_the_one_that_holds_is_shown(world: World) -> None:
    author, post, case = await reported(world)
    await decide(world, await world.person(role="moderator"), case, "label", label="first")
    first = await appeal(world, author)
    await report(world, await world.person(), post)
    again = next(
        one for one in world.fakes.tables.cases.values() if one.closed_at is None and one.kind == "conduct"
    )
    await decide(world, await world.person(role="moderator"), again, "label", label="second")
    second = await appeal(world, author)
    await decide(world, await world.person(role="moderator"), first, "restore")
    assert (await world.stored(post.id)).content_warning == "second"
    await decide(world, await world.person(role="moderator"), second, "restore")
    assert (await world.stored(post.id)).content_warning is None


async def test_help_for_the_author_does_not_undo_what_was_decided_a_moment_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, post, case = await reported(world)
    await report(world, await world.person(), post, "worried")
    risk = next(one for one in world.fakes.tables.cases.values() if one.kind == "risk")
    with monkeypatch.context() as died:
        died.setattr(enforcement, "apply", _nothing)
        command = Decide(case_id=case.id, action="hide", reason="Please be kind.")
        await deciding.decide(command, await world.person(role="moderator"), world.ports)
    world.clock.advance(seconds=1)
    helping = Decide(case_id=risk.id, action="support")
    await deciding.decide(helping, await world.person(role="moderator"), world.ports)
    await world.work("apply_decision")
    assert (await world.stored(post.id)).status == "hidden"


async def _nothing(*_: object) -> None:
    """A process that died after the commit."""


async def test_nobody_decides_what_they_reported_themselves(world: World) -> None:
    _, post, case = await reported(world)
    judge, other = await world.person(role="moderator"), await world.person(role="admin")
    await report(world, judge, post)
    for action in ("hide", "ban", "dismiss"):
        with pytest.raises(Forbidden):
            await decide(world, judge, case, action)
    with pytest.raises(Forbidden):
        await review.claim_case(OneCase(case_id=case.id), judge, world.ports)
    assert (await decide(world, other, case, "hide")).state == "active"


async def test_whoever_worries_may_be_the_one_who_helps(world: World) -> None:
    author, moderator = await world.person(), await world.person(role="moderator")
    await report(world, moderator, await world.post(author), "worried")
    assert (await decide(world, moderator, await only_case(world), "support")).state == "active"


async def test_an_answer_of_somebody_who_blocked_me_is_not_there_to_report(world: World) -> None:
    author, answerer, blocked = [await world.person() for _ in range(3)]
    response = await world.answer(answerer, await world.post(author))
    await world.block(answerer, blocked)
    command = CreateReport(target="response", target_id=response.id, reason="spam")
    with pytest.raises(NotFound):
        await reports.create_report(command, blocked, world.ports)
    await world.block(blocked, answerer)
    assert await reports.create_report(command, blocked, world.ports)


async def test_a_long_ban_takes_two_people_and_an_appeal_a_third(world: World) -> None:
    author, _, case = await reported(world)
    one, other, third = [await world.person(role="moderator") for _ in range(3)]
    assert (await decide(world, one, case, "ban")).state == "proposed"
    assert world.fakes.tables.accounts[author.id].status == "active"
    with pytest.raises(Forbidden):
        await decide(world, one, case, "ban")
    assert (await decide(world, other, case, "ban")).state == "active"
    assert world.fakes.tables.accounts[author.id].status == "banned"
    opened = await appeal(world, author)
    for moderator in (one, other):
        with pytest.raises(Forbidden):
            await decide(world, moderator, opened, "restore")
    await decide(world, third, opened, "restore")
    assert world.fakes.tables.accounts[author.id].status == "active"


async def test_moderators_are_judged_by_admins_and_nobody_by_themselves(world: World) -> None:
    author, _, case = await reported(world)
    await world.ports.records.accounts.update(author.id, {"role": "moderator"})
    with pytest.raises(Forbidden):
        await decide(world, await world.person(role="moderator"), case, "hide")
    with pytest.raises(Forbidden):
        await decide(world, msgspec.structs.replace(author, role="admin"), case, "dismiss")
    assert (await decide(world, await world.person(role="admin"), case, "hide")).state == "active"


async def test_what_is_about_a_moderator_waits_for_admins_and_is_read_by_them_alone(world: World) -> None:
    author, _, case = await reported(world)
    await world.ports.records.accounts.update(author.id, {"role": "moderator"})
    colleague, admin = await world.person(role="moderator"), await world.person(role="admin")
    with pytest.raises(Forbidden):
        await review.claim_case(OneCase(case_id=case.id), colleague, world.ports)
    for judge, seen in ((colleague, []), (admin, [case.id])):
        queue = await cases.read_queue(QueueQuery(), judge, world.ports, limit=9)
        assert [one.id for one in queue.items] == seen
    assert (await review.claim_case(OneCase(case_id=case.id), admin, world.ports)).case.id == case.id


async def test_nobody_decides_about_what_was_said_to_them(world: World) -> None:
    addressed = await world.person(role="moderator")
    answer = await world.answer(await world.person(), await world.post(addressed), content=VILE)
    await world.work("scan_response")
    case = await only_case(world)
    with pytest.raises(Forbidden):
        await decide(world, addressed, case, "ban", days=1)
    await decide(world, await world.person(role="moderator"), case, "remove")
    stored = await world.ports.content.responses.get(answer.id)
    assert stored is not None
    assert stored.status == "removed"


async def test_an_appeal_is_about_what_a_person_decided_in_the_place_of_moderation(world: World) -> None:
    author = await world.person()
    post = await world.post(author, content=VILE)
    await world.work()
    case, opened = await only_case(world), await appeal(world, author)
    await decide(world, await world.person(role="moderator"), case, "remove")
    await decide(world, await world.person(role="moderator"), opened, "restore")
    assert (await world.stored(post.id)).status == "live"


async def test_an_appeal_is_over_when_moderation_is_overruled_before_anybody_looked(world: World) -> None:
    author = await world.person()
    await world.post(author, content=VILE)
    await world.work()
    case, opened = await only_case(world), await appeal(world, author)
    await decide(world, await world.person(role="moderator"), case, "dismiss")
    with pytest.raises(Conflict):
        await decide(world, await world.person(role="moderator"), opened, "uphold")
    assert [told["action"] for told in await world.news(author, "moderation:notice")] == ["hide", "dismiss"]


async def test_nobody_appeals_who_is_erased(world: World) -> None:
    author, _, case = await reported(world)
    await decide(world, await world.person(role="moderator"), case, "warn")
    (notice,) = await world.news(author, "moderation:notice")
    await world.ports.records.accounts.update(author.id, {"status": "erased"})
    code, note = notice["appeal_code"], "I did not mean it so."
    command = Appeal(decision_id=notice["decision_id"], appeal_code=code, note=note)
    with pytest.raises(NotFound):
        await appeals.appeal(command, world.ports)


@pytest.mark.parametrize("action", ["hide", "remove", "mute", "ban", "warn"])
async def test_nothing_that_silences_follows_from_danger(world: World, action: str) -> None:
    await report(world, await world.person(), await world.post(await world.person()), "worried")
    case, moderator = await only_case(world), await world.person(role="moderator")
    with pytest.raises(Invalid):
        await decide(world, moderator, case, action, days=1)


# Scans and people.


async def test_danger_calls_people_and_touches_nothing_of_the_author(world: World) -> None:
    author, moderator = await world.person(), await world.person(role="moderator")
    post = await world.post(author, content="I want to kill myself tonight, I have the pills here")
    await world.work("scan_post", times=2)
    case = await only_case(world)
    assert (case.kind, case.urgency, case.subject_id) == ("risk", 5, author.id)
    assert (await world.stored(post.id)).status == "live"
    assert await world.news(author, "moderation:notice") == []
    assert [told["case_id"] for told in await world.news(moderator, "moderation:case")] == [case.id]
    assert await world.ports.records.standings.get(author.id) == Standing(account_id=author.id)
    await decide(world, moderator, case, "support")
    assert len(await world.news(author, "crisis:offer")) == 2


async def test_a_vile_warning_does_not_silence_whoever_is_in_danger(world: World) -> None:
    author = await world.person()
    post = await world.post(author, content="I want to kill myself tonight", content_warning=VILE)
    await world.work("scan_post", times=2)
    stored = await world.stored(post.id)
    assert (stored.status, stored.content_warning) == ("live", None)
    assert len(await world.news(author, "crisis:offer")) == 1


async def test_a_person_overrules_the_scan_for_good(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    answer = await world.answer(helper, post, content=VILE)
    await world.work("scan_response")
    case = await only_case(world)
    assert case.topics == ["harassment"]
    await decide(world, await world.person(role="moderator"), case, "dismiss")
    restored = await world.ports.content.responses.get(answer.id)
    assert restored is not None
    assert restored.status == "live"
    await scanning.scan_response(answer.id, world.ports, cause="another")
    again = await world.ports.content.responses.get(answer.id)
    assert again is not None
    assert again.status == "live"


# Trust.


async def test_trust_grows_with_thanks_once_each_and_fades(world: World) -> None:
    helper = await world.person()
    assert await trust.trust_of(helper.id, world.ports) == "new"
    for _ in range(6):
        author = await world.person()
        post = await world.post(author)
        answer = await world.answer(helper, post)
        for _ in range(2):
            await thanks.thank(ThankResponse(response_id=answer.id), author, world.ports)
    await world.work("notify")
    assert await trust.trust_of(helper.id, world.ports) == "trusted"
    assert len(await world.news(helper, "support:thanked")) == 6
    world.clock.advance(days=120)
    assert await trust.trust_of(helper.id, world.ports) == "known"


async def test_one_friend_alone_does_not_make_trust(world: World) -> None:
    helper, friend = await world.person(), await world.person()
    for _ in range(9):
        answer = await world.answer(helper, await world.post(friend))
        await thanks.thank(ThankResponse(response_id=answer.id), friend, world.ports)
    assert await trust.trust_of(helper.id, world.ports) == "known"


async def test_only_the_author_of_the_post_says_thank_you_and_not_to_themselves(world: World) -> None:
    author, helper, other = await world.person(), await world.person(), await world.person()
    post = await world.post(author)
    answer, own = await world.answer(helper, post), await world.answer(author, post)
    for who, what in ((other, answer), (helper, answer), (author, own)):
        with pytest.raises(Forbidden):
            await thanks.thank(ThankResponse(response_id=what.id), who, world.ports)


async def test_new_accounts_share_no_links_except_in_danger(world: World) -> None:
    somebody = await world.person()
    with pytest.raises(Forbidden) as refused:
        await world.post(somebody, content="look at https://pills.example/buy")
    assert refused.value.field == "content"
    assert await world.post(somebody, type="sos", content="please https://where.example/i-am")
    assert await world.post(somebody, content="I want to kill myself https://where.example/i-am")
    world.clock.advance(days=4)
    assert await world.post(somebody, content="this helped me: https://steps.example/today")


async def test_new_accounts_open_one_circle_a_day_and_none_behind_closed_doors(world: World) -> None:
    somebody = await world.person()
    with pytest.raises(Forbidden):
        await create_circle(CreateCircle(name="Just us", is_private=True), somebody, world.ports)


# Roles and the audit log.


async def test_roles_are_given_by_admins_and_never_to_oneself(world: World) -> None:
    admin, somebody = await world.person(role="admin"), await world.person()
    with pytest.raises(Forbidden):
        await roles.change_role(ChangeRole(account_id=admin.id, role="user"), admin, world.ports)
    with pytest.raises(Forbidden):
        await roles.change_role(ChangeRole(account_id=admin.id, role="admin"), somebody, world.ports)
    await roles.change_role(ChangeRole(account_id=somebody.id, role="moderator"), admin, world.ports)
    line = list(world.fakes.tables.audit.values())[-1]
    assert (line.action, line.actor_id, line.details) == (
        "role.changed",
        admin.id,
        {"before": "user", "after": "moderator"},
    )


async def test_the_chain_shows_every_change(world: World) -> None:
    author, _, case = await reported(world)
    await decide(world, await world.person(role="moderator"), case, "hide")
    await appeal(world, author)
    lines = list(world.fakes.tables.audit.values())
    assert {"auth.registered", "moderation.hide", "moderation.appeal"} <= {line.action for line in lines}
    whole = extended(Chain(), lines)
    assert (whole.lines, whole.head, whole.broken_at) == (len(lines), lines[-1].hash, None)
    for at in range(len(lines) - 1):
        changed = [*lines]
        changed[at] = msgspec.structs.replace(changed[at], actor_id="somebody else")
        assert extended(Chain(), changed).broken_at == at + 1
        assert extended(Chain(), [*lines[:at], *lines[at + 1 :]]).broken_at == at + 2
    hidden = next(line for line in lines if line.action == "moderation.hide")
    forged = msgspec.structs.replace(hidden, actor_id="x", hash="")
    forged = msgspec.structs.replace(forged, hash=audit.digest(forged))
    assert extended(Chain(), [forged if line is hidden else line for line in lines]).broken_at is not None
