"""Every registered job, run twice on real stores: the second time changes nothing."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

import pytest

import workers.retention  # noqa: F401  (registers its job)
from domain import (
    activity,
    checkins,
    devices,
    enforcement,
    erasure,
    notifications,
    presence,
    reports,
    sessions,
    support,
    trackers,
)
from domain.accounts import User
from domain.cases import Case
from domain.checkins import RecordCheckIn
from domain.circles import CreateCircle, create_circle
from domain.clock import rfc3339, utc_now
from domain.decisions import Action, Decision
from domain.devices import RegisterDevice
from domain.erasure import EraseMe
from domain.ids import new_id
from domain.invitations import Invite, invite
from domain.jobs import Job, JobFilter, Outcome
from domain.posts import PostView
from domain.presence import SetPresence
from domain.reconciliation import Drift
from domain.reports import CreateReport
from domain.streaks import Streak
from domain.support import UndoSupport
from domain.trackers import CreateTracker, Tracker
from tests.workers.stage import Stage
from workers import jobs
from workers.job import KINDS

Setting = Callable[[Stage], Awaitable[dict[str, str]]]
"""Brings about that the job has something to do; returns the job's arguments."""

CASES: dict[str, Setting] = {}
JOBS = sorted(name for name, kind in KINDS.items() if kind.function.__module__.startswith("workers."))


def case(setting: Setting) -> Setting:
    CASES[setting.__name__] = setting
    return setting


@case
async def scan_post(stage: Stage) -> dict[str, str]:
    post = await stage.post(await stage.person(), "I want to kill myself tonight, I have the pills here")
    return {"post_id": post.id}


@case
async def scan_response(stage: Stage) -> dict[str, str]:
    post = await stage.post(await stage.person())
    answer = await stage.answer(await stage.person(), post, "kill yourself, nobody wants you here")
    return {"response_id": answer.id}


@case
async def record_activity(stage: Stage) -> dict[str, str]:
    user = await stage.person()
    return {"account_id": user.id, "kind": "post", "ref": new_id(), "at": rfc3339(stage.clock())}


@case
async def notify(stage: Stage) -> dict[str, str]:
    author = await stage.person()
    post = await stage.post(author)
    return {"account_id": author.id, "kind": "response", "event_id": new_id(), "post_id": post.id}


@case
async def notify_many(stage: Stage) -> dict[str, str]:
    author, helpers = await stage.person(), [await stage.person() for _ in range(3)]
    post = await stage.post(author, type="sos")
    ids = [helper.id for helper in helpers]
    (job,) = notifications.fan_out_jobs("sos", post.id, ids, post_id=post.id, actor_id=author.id)
    return job.args


@case
async def push(stage: Stage) -> dict[str, str]:
    user = await stage.person()
    await devices.register_device(RegisterDevice(platform="ios", token="ab" * 32), user, stage.ports)
    await notifications.notify(user.id, "milestone", new_id(), None, stage.ports)
    (told,) = await stage.ports.records.notifications.page(user.id, None, 2, without=[])
    return {"notification_id": told.id}


@case
async def prune_notifications(stage: Stage) -> dict[str, str]:
    await notifications.notify((await stage.person()).id, "digest", new_id(), None, stage.ports)
    stage.clock.advance(days=91)
    return {}


@case
async def prune_devices(stage: Stage) -> dict[str, str]:
    user = await stage.person()
    await devices.register_device(RegisterDevice(platform="ios", token="ab" * 32), user, stage.ports)
    await sessions.log_out(user, stage.ports)
    return {}


@case
async def score_support(stage: Stage) -> dict[str, str]:
    post, helper = await stage.post(await stage.person()), await stage.person()
    ref = await stage.tap(helper, post)
    return {"post_id": post.id, "giver_id": helper.id, "kind": "been_there", "ref": ref}


@case
async def reverse_points(stage: Stage) -> dict[str, str]:
    args = await score_support(stage)
    await stage.run("score_support", args)
    await stage.ports.content.supports.remove(args["post_id"], args["giver_id"], args["kind"])
    return {"post_id": args["post_id"], "ref": args["ref"]}


async def waiting_sos(stage: Stage) -> PostView:
    """An SOS that nobody has answered for a minute, and a helper who is here."""
    post = await stage.post(await stage.person(), "I am about to drink.", type="sos", categories=["alcohol"])
    helper = await stage.person()
    await stage.ports.presence.touch([helper.id])
    await presence.set_presence(SetPresence(status="helping"), helper, stage.ports)
    stage.clock.advance(seconds=60)
    return post


@case
async def climb(stage: Stage) -> dict[str, str]:
    return {"post_id": (await waiting_sos(stage)).id, "step": "1"}


@case
async def tend_ladders(stage: Stage) -> dict[str, str]:
    await waiting_sos(stage)
    return {}


@case
async def revisit_sos(stage: Stage) -> dict[str, str]:
    post, first = await waiting_sos(stage), await stage.person()
    await stage.tap(first, post)
    await stage.answer(await stage.person(), post)
    await support.undo_support(UndoSupport(post_id=post.id, kind="been_there"), first, stage.ports)
    return {"post_id": post.id}


@case
async def measure_answer(stage: Stage) -> dict[str, str]:
    post = await waiting_sos(stage)
    await stage.tap(await stage.person(), post)
    return {"post_id": post.id}


@case
async def follow_up(stage: Stage) -> dict[str, str]:
    return {"post_id": (await waiting_sos(stage)).id, "number": "0"}


@case
async def restore_points(stage: Stage) -> dict[str, str]:
    args = await reverse_points(stage)
    await stage.run("reverse_points", args)
    giver = await stage.person()
    post = await stage.ports.content.posts.get(args["post_id"])
    assert post is not None
    answer = await stage.make.stored_response(post.id, author_id=giver.id)
    given = {"post_id": post.id, "giver_id": giver.id, "kind": "text", "ref": answer.id}
    await stage.run("score_support", given)
    for status in ("hidden", "live"):
        before = "live" if status == "hidden" else "hidden"
        await stage.ports.content.responses.change(answer.id, {"status": status}, status=before)
        if status == "hidden":
            await stage.run("reverse_points", {"post_id": post.id, "ref": answer.id})
    return {"post_id": post.id, "ref": answer.id}


async def decided(stage: Stage, action: Action, **fields: Any) -> Decision:
    """A decision that is recorded, and of which nothing has followed yet."""
    author = await stage.person()
    post = await stage.post(author)
    about: Any = {"target": "post", "target_id": post.id, "subject_id": author.id, "topics": ["spam"]}
    case = Case(id=new_id(), kind="conduct", urgency=1, opened_at=stage.clock(), **about)
    decision = Decision(
        id=new_id(), case_id=case.id, moderator_id=None, action=action, at=stage.clock(), **about, **fields
    )
    async with stage.ports.transaction() as tx:
        await tx.cases.open(case)
        await tx.decisions.add(decision)
        await enforcement.sanction(decision, tx)
    return decision


@case
async def apply_decision(stage: Stage) -> dict[str, str]:
    return {"decision_id": (await decided(stage, "hide")).id}


@case
async def lift_bans(stage: Stage) -> dict[str, str]:
    await decided(stage, "ban", until=stage.clock() + timedelta(days=1))
    stage.clock.advance(days=2)
    return {}


@case
async def rescan_post(stage: Stage) -> dict[str, str]:
    return {**await scan_post(stage), "cause": new_id()}


@case
async def rescan_response(stage: Stage) -> dict[str, str]:
    return {**await scan_response(stage), "cause": new_id()}


@case
async def reconcile_points(stage: Stage) -> dict[str, str]:
    await stage.person(strength_points=7)
    return {}


@case
async def reconcile_counts(stage: Stage) -> dict[str, str]:
    await stage.make.stored_response((await stage.post(await stage.person())).id)
    return {}


@case
async def recount_post(stage: Stage) -> dict[str, str]:
    post = await stage.post(await stage.person())
    await stage.make.stored_response(post.id)
    return {"post_id": post.id, "drift": Drift(1, {}).text}


@case
async def expire_content(stage: Stage) -> dict[str, str]:
    post = await stage.post(await stage.person())
    await stage.answer(await stage.person(), post)
    await stage.speak(await stage.person(), post)
    stage.clock.advance(days=31)
    return {}


@case
async def sweep_voice_notes(stage: Stage) -> dict[str, str]:
    helper = await stage.person()
    await stage.voice_note(helper)
    await stage.speak(helper, await stage.post(await stage.person()))
    stage.clock.advance(hours=2)
    return {}


@case
async def hold_unheard(stage: Stage) -> dict[str, str]:
    helper, reporter = await stage.person(), await stage.person()
    answer = await stage.speak(helper, await stage.post(await stage.person()))
    command = CreateReport(target="response", target_id=answer.id, reason="threat")
    await reports.create_report(command, reporter, stage.ports)
    (row,) = await stage.ports.jobs.find(JobFilter(name="hold_unheard"))
    return row.args


@case
async def prune_sessions(stage: Stage) -> dict[str, str]:
    await stage.person()
    stage.clock.advance(days=31)
    return {}


@case
async def prune_invitations(stage: Stage) -> dict[str, str]:
    owner = await stage.person()
    circle = (await create_circle(CreateCircle(name="Night watch"), owner, stage.ports)).circle
    await invite(Invite(circle_id=circle.id), owner, stage.ports)
    stage.clock.advance(days=31)
    return {}


@case
async def prune_attention(stage: Stage) -> dict[str, str]:
    helper, author = await stage.person(), await stage.person()
    post = await stage.post(author, type="sos")
    await stage.ports.records.ladders.ask(post.id, 1, [helper.id], stage.clock())
    await stage.ports.records.ladders.see(post.id, helper.id)
    await stage.answer(helper, post)
    stage.clock.advance(days=8)
    return {}


@case
async def prune_jobs(stage: Stage) -> dict[str, str]:
    job = Job("notify", {}, "notify:old")
    long_ago = utc_now() - timedelta(days=40)
    await stage.ports.jobs.add([job])
    await stage.ports.jobs.settle([Outcome(job, "done", 1, "worker", long_ago, long_ago)])
    return {}


@case
async def erase_account(stage: Stage) -> dict[str, str]:
    """Late enough that the account goes as well."""
    user, other = await stage.person(), await stage.person()
    post, theirs = await stage.post(user), await stage.post(other)
    await stage.answer(other, post)
    await stage.answer(user, theirs)
    await stage.tap(user, theirs)
    receipt_id = await erasing(user, stage)
    stage.clock.advance(minutes=20)
    return {"receipt_id": receipt_id}


async def erasing(user: User, stage: Stage) -> str:
    code = sessions.new_recovery_code()
    await stage.ports.records.accounts.update(user.id, {"recovery_hash": sessions.recovery_hash(code)})
    return (await erasure.erase_me(EraseMe(recovery_code=code), user, stage.ports)).receipt_id


@case
async def check_erasures(stage: Stage) -> dict[str, str]:
    await erasing(await stage.person(), stage)
    stage.clock.advance(hours=2)
    return {}


async def tracked(stage: Stage, user: User) -> Tracker:
    made = await trackers.create_tracker(CreateTracker(category="alcohol"), user, stage.ports)
    return await trackers.own_tracker(made.id, user, stage.ports)


def to_monday_morning(stage: Stage) -> date:
    """Moves on to the next Monday, nine o'clock; the Monday of the week before."""
    now = stage.clock()
    ahead = timedelta(days=7 - now.weekday())
    stage.clock.time = (now + ahead).replace(hour=9, minute=5)
    return (now + ahead - timedelta(days=7)).date()


@case
async def send_digests(stage: Stage) -> dict[str, str]:
    await tracked(stage, await stage.person())
    to_monday_morning(stage)
    return {}


@case
async def send_digest(stage: Stage) -> dict[str, str]:
    user = await stage.person()
    await activity.record_activity(user.id, "check_in", new_id(), stage.clock(), stage.ports)
    return {"account_id": user.id, "monday": to_monday_morning(stage).isoformat()}


@case
async def set_apart(stage: Stage) -> dict[str, str]:
    helper, other = await stage.person(), await stage.person()
    await stage.tap(helper, await stage.post(await stage.person()))
    return {"one": helper.id, "other": other.id}


@case
async def echo(stage: Stage) -> dict[str, str]:
    author = await stage.person()
    post = await stage.post(author)
    await stage.ports.content.posts.change(post.id, {"status": "hidden"})
    refs = {"post_id": post.id, "reason": "moderation"}
    return {"name": "post:removed", "event_id": new_id(), "author_id": author.id, **refs}


@case
async def call_moderators(stage: Stage) -> dict[str, str]:
    await stage.person(role="moderator")
    return {"case_id": (await decided(stage, "hide")).case_id, "event_id": new_id()}


@case
async def celebrate(stage: Stage) -> dict[str, str]:
    user = await stage.person()
    tracker = await tracked(stage, user)
    await checkins.record_check_in(RecordCheckIn(tracker_id=tracker.id), user, stage.ports)
    return {"tracker_id": tracker.id, "days": "1", "event_id": new_id()}


@case
async def recount_streaks(stage: Stage) -> dict[str, str]:
    return {}


@case
async def recount_streaks_page(stage: Stage) -> dict[str, str]:
    tracker = await tracked(stage, await stage.person())
    await stage.ports.records.trackers.keep(tracker.id, Streak(total_days=7))
    return {"after": "", "week": "2026-02-01"}


@case
async def sweep_check_ins(stage: Stage) -> dict[str, str]:
    tracker = await tracked(stage, await stage.person())
    command = RecordCheckIn(tracker_id=tracker.id)
    uncounted = checkins.new_check_in(new_id(), "check_in", command, tracker, stage.clock())
    await stage.ports.content.checkins.add(uncounted)
    stage.clock.advance(minutes=1)
    return {}


def test_every_job_has_a_case() -> None:
    assert jobs.__all__
    assert sorted(CASES) == JOBS


@pytest.mark.parametrize("name", JOBS)
async def test_a_job_run_twice_changes_nothing_the_second_time(name: str, stage: Stage) -> None:
    args = await CASES[name](stage)
    await stage.ports.announcer.drain()
    before = await stage.stored()
    await stage.run(name, args)
    once = await stage.stored()
    assert once != before
    stage.clock.advance(seconds=2)
    await stage.run(name, args)
    assert await stage.stored() == once
