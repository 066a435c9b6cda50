"""Somebody does everything there is to do, and is erased: nothing names them or holds their words."""

from typing import Any

from domain import (
    blocks,
    checkins,
    circles,
    cravings,
    deciding,
    devices,
    erasure,
    helping,
    invitations,
    preferences,
    presence,
    reports,
    sessions,
    support,
    thanks,
    trackers,
)
from domain.accounts import User
from domain.blocks import AddBlock
from domain.checkins import RecordCheckIn
from domain.circles import CreateCircle, JoinCircle
from domain.cravings import RecordCraving
from domain.decisions import Decide
from domain.devices import RegisterDevice
from domain.erasure import EraseMe
from domain.helping import EditHelping
from domain.ids import new_id
from domain.invitations import Invite
from domain.posts import PostView
from domain.preferences import SetPreferences
from domain.presence import SetPresence
from domain.reports import CreateReport
from domain.responses import Respond, respond
from domain.support import GiveSupport
from domain.thanks import ThankResponse
from domain.trackers import CreateTracker
from tests.workers.stage import Stage

WORDS = "zqx"
"""In everything that the person writes."""
RUN_OUT = {"jobs", "outbox"}
"""Ids in there go with their rows, within days; those in rooms, with the removals that name who did them."""
KEPT = {"audit"}
HANDLE = f"{WORDS}-quiet-otter"


async def speak(user: User, other: User, theirs: PostView, stage: Stage) -> PostView:
    ports = stage.ports
    mine = await stage.post(user, f"{WORDS} I am about to drink.", type="sos", categories=["alcohol"])
    await stage.post(user, f"{WORDS} for me alone.", visibility="private")
    await stage.answer(user, theirs, f"{WORDS} you are not alone.")
    note = await stage.voice_note(user)
    voice = Respond(client_id=new_id(), type="voice", post_id=theirs.id, voice_note_id=note)
    await respond(voice, user, ports)
    await support.give_support(GiveSupport(post_id=theirs.id, kind="been_there"), user, ports)
    answer = await stage.answer(other, mine, "I am here.")
    await thanks.thank(ThankResponse(response_id=answer.id), user, ports)
    return mine


async def live(user: User, other: User, stage: Stage) -> None:
    ports = stage.ports
    tracker = await trackers.create_tracker(CreateTracker(category="alcohol"), user, ports)
    moment: Any = {"tracker_id": tracker.id, "note": f"{WORDS} hard morning"}
    await checkins.record_check_in(RecordCheckIn(**moment), user, ports)
    await cravings.record_craving(RecordCraving(**moment), user, ports)
    await devices.register_device(RegisterDevice(platform="ios", token="ab" * 32), user, ports)
    await preferences.set_preferences(SetPreferences(push_per_day=3), user, ports)
    await helping.edit_helping(EditHelping(opted_in=True), user, ports)
    await presence.set_presence(SetPresence(status="helping"), user, ports)
    await blocks.add_block(AddBlock(user_id=(await stage.person()).id), user, ports)
    await blocks.add_block(AddBlock(user_id=user.id), await stage.person(), ports)
    owned = (await circles.create_circle(CreateCircle(name="Early mornings"), user, ports)).circle
    await invitations.invite(Invite(circle_id=owned.id, user_id=other.id), user, ports)
    theirs = (await circles.create_circle(CreateCircle(name="Late evenings"), other, ports)).circle
    await circles.join_circle(JoinCircle(circle_id=theirs.id), user, ports)
    await stage.post(user, f"{WORDS} to a circle.", circle_id=theirs.id, visibility="circle")


async def judge(user: User, other: User, mine: PostView, theirs: PostView, stage: Stage) -> None:
    """They report and are reported, and a moderator decides about them."""
    report: Any = {"target": "post", "target_id": theirs.id, "reason": "spam", "note": f"{WORDS} not nice"}
    await reports.create_report(CreateReport(**report), user, stage.ports)
    await reports.create_report(
        CreateReport(**{**report, "target_id": mine.id, "note": ""}), other, stage.ports
    )
    about_them: Any = {"target": "user", "target_id": user.id, "reason": "spam"}
    await reports.create_report(CreateReport(**about_them), other, stage.ports)
    moderator = await stage.person(role="moderator")
    queue = await stage.ports.records.cases.queue(moderator.id, stage.clock(), kind=None, after=None, limit=9)
    case = next(one for one in queue if one.target_id == user.id)
    decision = Decide(case_id=case.id, action="warn", reason=f"You said {WORDS}.")
    await deciding.decide(decision, moderator, stage.ports)


async def test_nothing_names_an_erased_person_or_holds_their_words(stage: Stage) -> None:
    code = sessions.new_recovery_code()
    user = await stage.person(recovery_hash=sessions.recovery_hash(code), handle=HANDLE)
    other = await stage.person()
    theirs = await stage.post(other)
    mine = await speak(user, other, theirs, stage)
    await live(user, other, stage)
    await stage.work()
    await judge(user, other, mine, theirs, stage)
    await stage.work()
    before = await stage.stored()
    assert sum(user.id in str(rows) for rows in before.values()) > len(RUN_OUT | KEPT)
    receipt = await erasure.erase_me(EraseMe(recovery_code=code), user, stage.ports)
    stage.clock.advance(minutes=20)
    await stage.work()
    found = await stage.ports.records.erasures.get(receipt.receipt_id)
    assert found is not None
    assert found.completed_at is not None
    await stage.ports.announcer.drain()
    after = {name: str(rows) for name, rows in (await stage.stored()).items()}
    assert [name for name, rows in after.items() if WORDS in rows] == []
    named = {name for name, rows in after.items() if user.id in name + rows} - RUN_OUT - KEPT
    assert {name for name in named if not name.startswith("room:")} == set()
    assert user.id not in str(named)
