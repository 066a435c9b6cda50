"""Erasure: what goes at once, what goes by and by, what stays with others, and what is left to show."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from domain import (
    accounts,
    audit,
    blocks,
    deciding,
    erasure,
    erasure_steps,
    posts,
    reports,
    responses,
    sessions,
    thanks,
)
from domain.accounts import EditAccount, User
from domain.blocks import AddBlock
from domain.checkins import RecordCheckIn, record_check_in
from domain.cravings import RecordCraving, record_craving
from domain.decisions import Decide
from domain.erasure import EraseMe, OneReceipt, Receipt
from domain.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unavailable
from domain.invitations import Invite, invite
from domain.ports import Ports
from domain.posts import PostFilter, PostView
from domain.reports import CreateReport
from domain.rooms import FEED, circle_room, post_room, user_room
from domain.sessions import ChangePassword, Recover
from domain.thanks import ThankResponse
from domain.trackers import CreateTracker, create_tracker
from domain.voice_notes import OneVoiceNote, open_voice_note
from tests.domain.world import World
from tests.fakes.outage import without_content, without_rooms

CODE = sessions.new_recovery_code()
SECRET = "zqx-what-i-said"


@pytest.fixture
def world() -> World:
    return World()


async def somebody(world: World, **fields: Any) -> User:
    """Whose recovery code is `CODE`."""
    return await world.person(recovery_hash=sessions.recovery_hash(CODE), **fields)


async def erased(world: World, user: User) -> Receipt:
    receipt = await erasure.erase_me(EraseMe(recovery_code=CODE), user, world.ports)
    await world.ports.announcer.drain()
    return receipt


async def completed(world: World, receipt: Receipt) -> Receipt:
    """After all its jobs."""
    for wait in (erasure.FIRST_AFTER, erasure.STRAGGLERS_AFTER, erasure.settled_after(world.ports)):
        world.clock.advance(seconds=wait.total_seconds())
        await world.work("erase_account", times=2)
    return await erasure.get_receipt(OneReceipt(receipt_id=receipt.receipt_id), world.ports)


async def feed(world: World, reader: User) -> list[str]:
    page = await posts.feed(PostFilter(), reader, world.ports, cursor=None, limit=50)
    return [post.id for post in page.items]


async def thread(world: World, post: PostView, reader: User) -> list[str]:
    page = await responses.post_responses(post.id, reader, world.ports, cursor=None, limit=50)
    return [response.id for response in page.items]


@pytest.mark.parametrize(
    "proof",
    [
        EraseMe(),
        EraseMe(current_password="not it"),
        EraseMe(recovery_code="ABCD-EFGH"),
        EraseMe(current_password="a long password", recovery_code="ABCD-EFGH"),
    ],
)
async def test_without_the_right_proof_nothing_happens(proof: EraseMe, world: World) -> None:
    user = await somebody(world)
    await sessions.change_password(ChangePassword(new_password="a long password"), user, world.ports)
    before = world.rows()
    with pytest.raises(Forbidden) as refusal:
        await erasure.erase_me(proof, user, world.ports)
    assert refusal.value.field in {"current_password", "recovery_code"}
    assert world.rows() == before
    account = await world.ports.records.accounts.get(user.id)
    assert account is not None
    assert account.status == "active"


async def test_an_account_without_a_password_is_not_opened_by_an_empty_one(world: World) -> None:
    user = await somebody(world)
    for proof in (EraseMe(), EraseMe(current_password="")):
        with pytest.raises(Forbidden):
            await erasure.erase_me(proof, user, world.ports)


async def test_the_password_is_proof_as_well(world: World) -> None:
    user = await somebody(world)
    await sessions.change_password(ChangePassword(new_password="a long password"), user, world.ports)
    receipt = await erasure.erase_me(EraseMe(current_password="a long password"), user, world.ports)
    assert receipt.state == "running"


async def test_the_account_is_closed_at_once(world: World) -> None:
    user = await somebody(world, handle="quiet-otter", country="DE")
    await erased(world, user)
    assert await world.ports.records.sessions.user_of(user.session_id) is None
    ended = await world.ports.records.sessions.ended_since(world.clock())
    assert {one.reason for one in ended if one.account_id == user.id} == {"erased"}
    with pytest.raises(Unauthenticated):
        await sessions.recover(Recover(handle="quiet-otter", recovery_code=CODE), world.ports)
    account = await world.ports.records.accounts.get(user.id)
    assert account is not None
    assert (account.country, account.recovery_hash, account.status) == (None, None, "erased")
    assert account.handle != "quiet-otter"


async def test_what_was_said_is_gone_before_the_answer(world: World) -> None:
    user, other = await somebody(world), await world.person()
    mine, theirs = await world.post(user, content=SECRET), await world.post(other)
    said = await world.answer(user, theirs, content=SECRET)
    await world.answer(other, mine)
    await world.tap(user, theirs)
    await erasure.erase_me(EraseMe(recovery_code=CODE), user, world.ports)
    assert await feed(world, other) == [theirs.id]
    with pytest.raises(NotFound):
        await posts.get_post(mine.id, other, world.ports)
    assert await thread(world, theirs, other) == []
    seen = await posts.get_post(theirs.id, other, world.ports)
    assert (seen.counts.responses, seen.counts.supports) == (0, {})
    removed = [told for told in await world.told(FEED) if told["event"] == "post:removed"]
    assert [told["data"] for told in removed] == [{"post_id": mine.id, "reason": "deleted"}]
    gone = [
        told["data"] for told in await world.told(post_room(theirs.id)) if told["event"] == "response:removed"
    ]
    assert [one["response_id"] for one in gone] == [said.id]
    assert await world.news(other, "response:removed") == gone


async def test_nothing_of_it_is_left_in_any_room(world: World) -> None:
    user, other = await somebody(world, handle="zqx-what-i-said-too"), await world.person()
    circle = await world.circle(other, user)
    await world.post(user, content=SECRET)
    await world.post(user, content=SECRET, circle_id=circle.id, visibility="circle")
    theirs = await world.post(other)
    await world.answer(user, theirs, content=SECRET)
    rooms = [FEED, circle_room(circle.id), post_room(theirs.id), user_room(other.id), user_room(user.id)]
    assert SECRET in str([await world.told(room) for room in rooms])
    await completed(world, await erased(world, user))
    for room in rooms:
        log = await world.ports.rooms.read(room, 0, 1000)
        assert SECRET.encode() not in b"".join(event.body for event in log.events)
        assert user.id not in {event.actor for event in log.events if event.event == "post:new"}


async def test_a_store_that_is_away_leaves_the_rest_to_the_job(world: World) -> None:
    user, other = await somebody(world), await world.person()
    post = await world.post(user, content=SECRET)
    receipt = await erasure.erase_me(EraseMe(recovery_code=CODE), user, without_content(world.ports))
    assert (await world.stored(post.id)).content == SECRET
    assert (await completed(world, receipt)).erased["posts"] == 1
    assert (await world.stored(post.id)).content == ""
    assert await feed(world, other) == []


async def test_without_the_room_logs_the_words_are_gone_all_the_same(world: World) -> None:
    user, other = await somebody(world), await world.person()
    mine, theirs = await world.post(user, content=SECRET), await world.post(other)
    said = await world.answer(user, theirs, content=SECRET)
    await erasure.erase_me(EraseMe(recovery_code=CODE), user, without_rooms(world.ports))
    response = await world.ports.content.responses.get(said.id)
    assert response is not None
    assert ((await world.stored(mine.id)).content, response.content) == ("", "")
    assert await thread(world, theirs, other) == []


@pytest.mark.parametrize("dying", erasure_steps.STEPS)
async def test_an_erasure_that_dies_in_any_step_is_finished_by_the_next(
    dying: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, other = await somebody(world), await world.person()
    await world.post(user, content=SECRET)
    await world.answer(user, await world.post(other), content=SECRET)
    receipt = await erased(world, user)
    step, tries = erasure_steps.STEPS[dying], []

    async def dies_once(whose: erasure_steps.Whose, limit: int, ports: Ports) -> int:
        taken = await step(whose, limit, ports)
        tries.append(taken)
        if len(tries) == 1:
            raise Unavailable
        return taken

    monkeypatch.setattr(erasure_steps, "STEPS", {**erasure_steps.STEPS, dying: dies_once})
    with pytest.raises(Unavailable):
        await erasure.erase_account(receipt.receipt_id, world.ports)
    assert (await completed(world, receipt)).state == "complete"
    assert await world.ports.records.accounts.get(user.id) is None
    assert len(tries) > 1


async def test_a_change_that_was_on_its_way_gives_no_face_back(world: World) -> None:
    user = await world.person(recovery_hash=sessions.recovery_hash(CODE))
    await erasure.erase_me(EraseMe(recovery_code=CODE), user, world.ports)
    closed = world.fakes.tables.accounts[user.id]
    with pytest.raises(Unauthenticated):
        await accounts.edit_me(EditAccount(handle="still-here", country="DE"), user, world.ports)
    assert world.fakes.tables.accounts[user.id] == closed


async def test_asking_twice_at_once_answers_one_receipt(world: World) -> None:
    user = await somebody(world)
    account = await world.ports.records.accounts.get(user.id)
    assert account is not None
    first, owed = await erasure._record(account, world.ports)
    again, none = await erasure._record(account, world.ports)
    assert (again, len(owed), none) == (first, 3, [])
    assert await world.ports.records.erasures.unfinished(10) == [first]


async def test_a_complete_erasure_leaves_a_receipt_that_names_nobody(world: World) -> None:
    user, other = await somebody(world), await world.person()
    await world.post(user)
    await world.answer(user, await world.post(other))
    tracker = await create_tracker(CreateTracker(category="alcohol"), user, world.ports)
    await record_check_in(RecordCheckIn(tracker_id=tracker.id, note=SECRET), user, world.ports)
    await record_craving(RecordCraving(tracker_id=tracker.id, note=SECRET), user, world.ports)
    await blocks.add_block(AddBlock(user_id=(await world.person()).id), user, world.ports)
    receipt = await completed(world, await erased(world, user))
    assert receipt.state == "complete"
    assert receipt.completed_at is not None
    counts = {"posts": 1, "responses": 1, "check_ins": 1, "cravings": 1, "trackers": 1, "blocks": 1}
    assert counts.items() <= receipt.erased.items()
    assert await world.ports.records.accounts.get(user.id) is None
    kept = [
        rows for name, rows in vars(world.fakes.tables).items() if name not in {"audit", "jobs", "outbox"}
    ]
    assert user.id not in str(kept)
    assert SECRET not in str(kept)
    assert user.id not in str(vars(world.fakes.posts))
    assert user.id not in str(vars(world.fakes.responses))


async def test_it_is_not_complete_while_a_token_of_the_account_may_live(world: World) -> None:
    receipt = await erased(world, await somebody(world))
    world.clock.advance(seconds=world.ports.settings.access_token_seconds)
    await world.work("erase_account")
    shown = await erasure.get_receipt(OneReceipt(receipt_id=receipt.receipt_id), world.ports)
    assert shown.state == "running"


async def test_what_was_still_on_its_way_goes_as_well(world: World) -> None:
    user, other = await somebody(world), await world.person()
    receipt = await erased(world, user)
    late = await world.post(user)
    assert await feed(world, other) == [late.id]
    world.clock.advance(seconds=erasure.STRAGGLERS_AFTER.total_seconds())
    await world.work("erase_account")
    assert await feed(world, other) == []
    assert (await completed(world, receipt)).erased["posts"] == 1


async def test_those_who_helped_keep_their_points_and_their_thanks(world: World) -> None:
    user, helper = await somebody(world), await world.person()
    post = await world.post(user, type="sos")
    answer = await world.answer(helper, post)
    await thanks.thank(ThankResponse(response_id=answer.id), user, world.ports)
    await world.work("score_support")
    points = await world.points(helper)
    assert points > 0
    given = await world.ports.records.ledger.help_counts(helper.id)
    await completed(world, await erased(world, user))
    await world.work("reverse_points", "score_support")
    assert await world.points(helper) == points
    assert await world.ports.records.ledger.help_counts(helper.id) == given
    horizon = world.clock() - timedelta(days=1)
    assert len(await world.ports.records.thanks.of_helper(helper.id, horizon, 10)) == 1


async def test_help_that_was_given_stays_given(world: World) -> None:
    user, other = await somebody(world), await world.person()
    await world.answer(user, await world.post(other))
    await world.work("score_support")
    received = (await world.ports.records.ledger.help_counts(other.id)).received
    assert received == 1
    await completed(world, await erased(world, user))
    assert (await world.ports.records.ledger.help_counts(other.id)).received == received


async def test_an_sos_whose_only_answer_is_erased_is_taken_on(world: World) -> None:
    user, other = await somebody(world), await world.person()
    sos = await world.post(other, type="sos")
    await world.answer(user, sos)
    ladder = await world.ports.records.ladders.get(sos.id)
    assert ladder is not None
    assert ladder.state == "answered"
    await erased(world, user)
    ladder = await world.ports.records.ladders.get(sos.id)
    assert ladder is not None
    assert ladder.state == "open"


async def test_circles_are_left_and_handed_over_and_empty_ones_are_closed(world: World) -> None:
    user, other = await somebody(world), await world.person()
    shared = await world.circle(user, other)
    world.clock.advance(days=4)
    alone = await world.circle(user)
    joined = await world.circle(other, user)
    await completed(world, await erased(world, user))
    assert await world.ports.records.circles.owner_of(shared.id) == other.id
    assert await world.ports.records.circles.get(alone.id) is None
    left = await world.ports.records.circles.get(joined.id)
    assert left is not None
    assert left.member_count == 1
    (told,) = [one for one in await world.told(circle_room(joined.id)) if one["data"].get("action") == "left"]
    assert told["data"]["member"]["handle"] == "somebody"


async def test_invitations_go_and_nobody_reads_any_more_by_whom_they_were(world: World) -> None:
    user, other = await somebody(world), await world.person()
    shared, theirs = await world.circle(user, await world.person()), await world.circle(other)
    await invite(Invite(circle_id=shared.id, user_id=other.id), user, world.ports)
    await invite(Invite(circle_id=shared.id, uses=5), user, world.ports)
    await invite(Invite(circle_id=theirs.id, user_id=user.id), other, world.ports)
    assert len(await world.news(other, "circle:invited")) == 1
    await completed(world, await erased(world, user))
    assert world.fakes.tables.invitations == {}
    assert user.id not in str(await world.told(user_room(other.id)))


async def test_a_case_about_the_person_is_over(world: World) -> None:
    user, witness, moderator = (
        await somebody(world),
        await world.person(),
        await world.person(role="moderator"),
    )
    post = await world.post(user)
    report = CreateReport(target="post", target_id=post.id, reason="spam")
    await reports.create_report(report, witness, world.ports)
    (case,) = await world.ports.records.cases.queue(
        moderator.id, world.clock(), kind=None, after=None, limit=9
    )
    await erased(world, user)
    assert (
        await world.ports.records.cases.queue(moderator.id, world.clock(), kind=None, after=None, limit=9)
        == []
    )
    with pytest.raises(Conflict):
        await deciding.decide(Decide(case_id=case.id, action="dismiss"), moderator, world.ports)
    assert (await world.ports.records.reports.record_of(witness.id)).upheld == 0


async def test_the_audit_log_keeps_its_chain(world: World) -> None:
    user = await somebody(world)
    await completed(world, await erased(world, user))
    lines = await world.ports.records.audit.after(0, 1000)
    chain = audit.extended(audit.Chain(), lines)
    assert (chain.lines, chain.broken_at) == (len(lines), None)
    assert [one.action for one in lines if one.actor_id == user.id] == ["auth.registered", "auth.erased"]
    done = next(one for one in lines if one.action == "auth.erasure_completed")
    assert done.actor_id == audit.SYSTEM


async def test_a_stuck_erasure_is_given_again_and_a_late_one_is_counted(world: World) -> None:
    receipt = await erased(world, await somebody(world))
    assert await erasure.check_erasures(world.ports) == erasure.Unfinished(1, 0)
    world.fakes.queue.held.clear()
    world.clock.advance(hours=25)
    assert await erasure.check_erasures(world.ports) == erasure.Unfinished(1, 1)
    assert await world.work("erase_account") == 1
    assert await erasure.check_erasures(world.ports) == erasure.Unfinished(0, 0)
    shown = await erasure.get_receipt(OneReceipt(receipt_id=receipt.receipt_id), world.ports)
    assert shown.state == "complete"


async def test_an_unknown_receipt_is_not_there(world: World) -> None:
    with pytest.raises(NotFound):
        await erasure.get_receipt(OneReceipt(receipt_id="0" * 32), world.ports)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"receipt_id": "0" * 31}, OneReceipt)


async def test_voices_are_erased_with_their_account_and_with_the_posts_they_answered(world: World) -> None:
    user, other, reader = await somebody(world), await world.person(), await world.person()
    own, elsewhere = await world.post(user), await world.post(other)
    await world.voice_note(user)
    await world.speak(user, elsewhere)
    answer = await world.speak(other, own)
    kept = await world.speak(other, elsewhere)
    receipt = await completed(world, await erased(world, user))
    assert receipt.erased["voice_notes"] == 2
    assert kept.voice_note is not None
    assert answer.voice_note is not None
    assert set(world.fakes.voice_notes.sounds) == {kept.voice_note.id}
    heard = OneVoiceNote(voice_note_id=kept.voice_note.id)
    assert (await open_voice_note(heard, reader, world.ports)).id == kept.voice_note.id
    with pytest.raises(NotFound):
        await open_voice_note(OneVoiceNote(voice_note_id=answer.voice_note.id), other, world.ports)
