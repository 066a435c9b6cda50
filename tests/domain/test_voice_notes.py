"""Voice notes: heard by whoever may see their answer, and by nobody else; gone when their time is over."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain import blocks, care, deciding, reports, responses, review, voice_notes
from domain.accounts import User
from domain.blocks import RemoveBlock
from domain.cases import Case, OneCase
from domain.decisions import Decide
from domain.errors import Conflict, Forbidden, Gone, Invalid, NotFound, RateLimited
from domain.ids import new_id
from domain.ladder import Ladder
from domain.posts import DeletePost, PostView, delete_post
from domain.reports import CreateReport
from domain.responses import DeleteResponse, ResponseView
from domain.rooms import post_room, user_room
from domain.voice_notes import OneVoiceNote, VoiceNote
from tests.domain.world import World
from tests.recordings import different, of_seconds, recording, rewritten

HEARD = rewritten(recording("voice.ogg"))


async def hear(world: World, user: User, note_id: str) -> VoiceNote:
    return await voice_notes.open_voice_note(OneVoiceNote(voice_note_id=note_id), user, world.ports)


async def is_refused(world: World, user: User, note_id: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        await hear(world, user, note_id)


async def report(world: World, reporter: User, answer: ResponseView, reason: Any = "harassment") -> Case:
    command = CreateReport(target="response", target_id=answer.id, reason=reason)
    await reports.create_report(command, reporter, world.ports)
    await world.work()
    (case,) = world.fakes.tables.cases.values()
    return case


async def old_hand(world: World) -> User:
    return await world.person(created_at=world.clock() - timedelta(days=30))


def note_of(answer: ResponseView) -> str:
    assert answer.voice_note is not None
    return answer.voice_note.id


# Uploading.


async def test_only_the_sound_of_a_recording_is_stored(world: World) -> None:
    author = await world.person()
    note = await world.voice_note(author)
    assert (note.content_type, note.bytes) == ("audio/ogg; codecs=opus", len(HEARD.data))
    assert note.duration_seconds == round(HEARD.seconds, 2)
    assert world.fakes.voice_notes.sounds[note.id] == HEARD.data


async def test_a_retried_upload_returns_the_original(world: World) -> None:
    author = await world.person()
    first = await world.voice_note(author, client_id="client-1")
    assert await world.voice_note(author, client_id="client-1", audio=different(2)) == first
    assert await world.voice_note(await world.person(), client_id="client-1") != first
    assert len(world.fakes.voice_notes.notes) == 2


@pytest.mark.parametrize("audio", [b"", b"no sound", of_seconds(61)])
async def test_what_is_no_recording_or_too_long_is_refused(world: World, audio: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        await world.voice_note(await world.person(), audio=audio)
    assert refusal.value.field == "audio"
    assert world.fakes.voice_notes.notes == {}


@pytest.mark.parametrize(
    "world", [{"voice_notes_per_hour": 3, "new_account_voice_notes_per_hour": 1}], indirect=True
)
async def test_new_accounts_speak_less_often_and_no_retry_is_refused(world: World) -> None:
    for user, most in ((await world.person(), 1), (await old_hand(world), 3)):
        for number in range(most):
            await world.voice_note(user, client_id=f"client-{number}")
        await world.voice_note(user, client_id="client-0")
        with pytest.raises(RateLimited):
            await world.voice_note(user)


# Answering.


async def test_a_voice_is_told_like_any_answer_and_shows_what_it_is(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author, type="sos")
    answer = await world.speak(helper, post)
    assert (answer.type, answer.content) == ("voice", "")
    for room in (post_room(post.id), user_room(author.id)):
        told = [event["data"] for event in await world.told(room) if event["event"] == "response:new"]
        shown = told[0]["response"]["voice_note"]
        assert shown == {
            "id": note_of(answer),
            "duration_seconds": round(HEARD.seconds, 2),
            "content_type": HEARD.content_type,
            "bytes": len(HEARD.data),
        }
    assert (await world.stored(post.id)).responses == 1


async def test_a_voice_ends_the_ladder_and_earns_five_points_once(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author, type="sos")
    await world.speak(helper, post)
    await world.speak(helper, post)
    await world.work(times=2)
    ladder: Ladder = world.fakes.tables.ladders[post.id]
    assert (ladder.state, ladder.answered_by) == ("answered", helper.id)
    assert await world.points(helper) == 5
    assert world.owed("scan_response") == []


async def test_a_retried_answer_claims_its_note_once(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post, note = await world.post(author), await world.voice_note(helper)
    fields: dict[str, Any] = {
        "type": "voice",
        "content": "",
        "voice_note_id": note.id,
        "client_id": "answer-1",
    }
    tries = await asyncio.gather(*(world.answer(helper, post, **fields) for _ in range(5)))
    assert len({one.id for one in tries}) == 1
    assert (await world.stored(post.id)).responses == 1
    with pytest.raises(Conflict) as refusal:
        await world.answer(helper, post, **{**fields, "client_id": "answer-2"})
    assert refusal.value.field == "voice_note_id"


async def test_an_answer_that_died_after_its_claim_is_made_by_its_retry(world: World) -> None:
    helper = await world.person()
    post, note = await world.post(await world.person()), await world.voice_note(helper)
    stored = await world.stored(post.id)
    claimed = await voice_notes.claim_voice_note(note.id, "answer-1", stored, helper, world.ports)
    fields: dict[str, Any] = {"type": "voice", "content": "", "voice_note_id": note.id}
    answer = await world.answer(helper, post, client_id="answer-1", **fields)
    assert answer.id == claimed.response_id
    other = await world.post(await world.person())
    with pytest.raises(Conflict):
        await world.answer(helper, other, client_id="answer-2", **fields)


async def test_only_ones_own_note_can_be_said(world: World) -> None:
    post, helper = await world.post(await world.person()), await world.person()
    foreign = await world.voice_note(await world.person())
    for note_id in (foreign.id, new_id()):
        with pytest.raises(Invalid) as refusal:
            await world.answer(helper, post, type="voice", content="", voice_note_id=note_id)
        assert refusal.value.field == "voice_note_id"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "voice", "content": ""}, "voice_note_id"),
        ({"type": "text", "content": "Hi", "voice_note_id": new_id()}, "voice_note_id"),
        ({"type": "voice", "content": "Hi", "voice_note_id": new_id()}, "content"),
    ],
)
async def test_an_answer_is_a_text_or_a_voice(world: World, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await world.answer(await world.person(), await world.post(await world.person()), **fields)
    assert refusal.value.field == field


async def test_the_muted_are_silent_with_their_voice_too(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post, note = await world.post(author), await world.voice_note(helper)
    async with world.ports.transaction() as tx:
        await tx.standings.update(helper.id, {"muted_until": world.clock() + timedelta(days=1)})
    with pytest.raises(Forbidden):
        await world.answer(helper, post, type="voice", content="", voice_note_id=note.id)
    await world.speak(helper, await world.post(helper, type="sos"))


# Hearing.


async def test_before_it_is_in_an_answer_only_its_author_hears_it(world: World) -> None:
    author = await world.person()
    note = await world.voice_note(author)
    assert (await hear(world, author, note.id)).id == note.id
    for role in ("user", "moderator", "admin"):
        await is_refused(world, await world.person(role=role), note.id, NotFound)
    await is_refused(world, author, new_id(), NotFound)


async def test_whoever_sees_the_post_hears_the_answer(world: World) -> None:
    owner, member, stranger = [await world.person() for _ in range(3)]
    circle = await world.circle(owner, member)
    seen: list[tuple[dict[str, Any], set[str]]] = [
        ({}, {owner.id, member.id, stranger.id}),
        ({"circle_id": circle.id, "visibility": "circle"}, {owner.id, member.id}),
        ({"visibility": "private"}, {owner.id}),
    ]
    for fields, hearers in seen:
        note_id = note_of(await world.speak(owner, await world.post(owner, **fields)))
        for user in (owner, member, stranger):
            if user.id in hearers:
                assert (await hear(world, user, note_id)).id == note_id
            else:
                await is_refused(world, user, note_id, NotFound)


async def test_blocked_people_do_not_hear_each_other(world: World) -> None:
    author, helper, reader = [await world.person() for _ in range(3)]
    note_id = note_of(await world.speak(helper, await world.post(author)))
    await world.block(helper, reader)
    await is_refused(world, reader, note_id, NotFound)
    await world.block(author, helper)
    await is_refused(world, author, note_id, NotFound)
    await hear(world, helper, note_id)
    await blocks.remove_block(RemoveBlock(user_id=helper.id), author, world.ports)
    await hear(world, author, note_id)


async def test_a_deleted_answer_is_not_heard_any_more_and_its_points_are_gone(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    answer = await world.speak(helper, post)
    await world.work()
    assert await world.points(helper) == 5
    await responses.delete_response(DeleteResponse(response_id=answer.id), helper, world.ports)
    await world.work()
    assert await world.points(helper) == 0
    for user in (author, helper):
        await is_refused(world, user, note_of(answer), Gone)


async def test_with_its_post_an_answer_is_gone(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    answer = await world.speak(helper, post)
    await delete_post(DeletePost(post_id=post.id), author, world.ports)
    for user in (author, await world.person()):
        await is_refused(world, user, note_of(answer), NotFound)


# Moderators.


async def test_a_moderator_hears_what_they_hold_a_case_about_and_the_log_says_so(world: World) -> None:
    author, helper = await world.person(), await old_hand(world)
    holder, colleague = await world.person(role="moderator"), await world.person(role="moderator")
    circle = await world.circle(author, helper)
    post = await world.post(author, circle_id=circle.id, visibility="circle")
    answer = await world.speak(helper, post)
    case = await report(world, author, answer)
    await is_refused(world, holder, note_of(answer), NotFound)
    detail = await review.claim_case(OneCase(case_id=case.id), holder, world.ports)
    assert detail.written is not None
    assert (detail.written.voice_note, detail.written.blurred) == (answer.voice_note, True)
    await hear(world, holder, note_of(answer))
    line = list(world.fakes.tables.audit.values())[-1]
    assert (line.action, line.actor_id, line.target_id) == ("moderation.listen", holder.id, answer.id)
    await is_refused(world, colleague, note_of(answer), NotFound)
    await responses.delete_response(DeleteResponse(response_id=answer.id), helper, world.ports)
    await hear(world, holder, note_of(answer))
    world.clock.advance(minutes=16)
    await is_refused(world, holder, note_of(answer), NotFound)


async def test_a_reported_voice_of_a_new_account_waits_until_somebody_has_listened(world: World) -> None:
    author, helper = await world.person(), await world.person()
    moderator = await world.person(role="moderator")
    post = await world.post(author)
    answer = await world.speak(helper, post)
    await world.work()
    case = await report(world, author, answer)
    await world.work()
    await is_refused(world, author, note_of(answer), Gone)
    await hear(world, helper, note_of(answer))
    assert (await world.points(helper), (await world.stored(post.id)).responses) == (0, 0)
    assert [notice["action"] for notice in await world.news(helper, "moderation:notice")] == ["hold"]
    await deciding.decide(Decide(case_id=case.id, action="dismiss"), moderator, world.ports)
    await world.work()
    await hear(world, author, note_of(answer))
    assert (await world.points(helper), (await world.stored(post.id)).responses) == (5, 1)


async def unheld(world: World, helper: User, post: PostView, reason: str) -> None:
    reporter = await world.person()
    answer = await world.speak(helper, post)
    await report(world, reporter, answer, reason)
    await hear(world, reporter, note_of(answer))


async def test_a_report_holds_nothing_of_known_people_or_of_those_in_danger(world: World) -> None:
    await unheld(world, await old_hand(world), await world.post(await world.person()), "harassment")
    world.fakes.tables.cases.clear()
    await unheld(world, await world.person(), await world.post(await world.person()), "worried")
    world.fakes.tables.cases.clear()
    sender = await world.person()
    await unheld(world, sender, await world.post(sender, type="sos"), "harassment")


# The end of a note.


async def test_a_note_goes_with_its_post(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    answer = await world.speak(helper, post)
    world.clock.advance(hours=2)
    await voice_notes.sweep_voice_notes(world.ports)
    world.clock.advance(days=31)
    await care.expire_content(world.ports)
    assert world.fakes.voice_notes.sounds == world.fakes.voice_notes.notes == {}
    stored = await world.ports.content.responses.get(answer.id)
    assert stored is not None
    assert (stored.status, stored.voice_note) == ("expired", None)
    await is_refused(world, author, note_of(answer), NotFound)


async def test_the_sweep_takes_what_no_answer_has_and_nothing_else(world: World) -> None:
    helper = await world.person()
    post = await world.post(await world.person())
    unused, lost = await world.voice_note(helper), await world.voice_note(helper)
    await voice_notes.claim_voice_note(lost.id, "answer-1", await world.stored(post.id), helper, world.ports)
    kept = note_of(await world.speak(helper, post))
    world.clock.advance(seconds=3600)
    assert await voice_notes.sweep_voice_notes(world.ports) == 0
    fresh = await world.voice_note(helper)
    world.clock.advance(seconds=1)
    assert await voice_notes.sweep_voice_notes(world.ports) == 2
    assert set(world.fakes.voice_notes.notes) == {kept, fresh.id}
    assert (await hear(world, helper, kept)).state == "answered"
    await is_refused(world, helper, unused.id, NotFound)


async def test_a_note_that_outlived_its_post_is_swept(world: World) -> None:
    post = await world.post(await world.person())
    await world.speak(await world.person(), post)
    await world.ports.content.posts.expire(post.id)
    world.clock.advance(hours=2)
    assert await voice_notes.sweep_voice_notes(world.ports) == 1
