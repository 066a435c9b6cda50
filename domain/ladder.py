"""The SOS ladder: an SOS that nobody answers is taken to more and more people until somebody does.

A row in PostgreSQL is the truth: how far the ladder is, whom it asked, who answered. Each step is a job of
its own; `tend` makes up for steps that were missed, and asks those who came or got a hand free since. The
oldest comes first, so that a busy night starves nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from domain import cases, events, matching, notifications, rooms
from domain.cases import Case
from domain.clock import rfc3339
from domain.errors import DomainError
from domain.events import Event
from domain.ids import derived_id
from domain.jobs import Job
from domain.matching import Need
from domain.moderation import language
from domain.ports import Ports, Records
from domain.wire import View

if TYPE_CHECKING:
    from domain.accounts import User
    from domain.posts import Post

State = Literal["open", "answered", "over"]
Audience = Literal["helpers", "opted_in", "moderators"]
AttentionState = Literal["seen", "writing", "answered", "widened"]


class Step(NamedTuple):
    number: int
    after: timedelta
    to: Audience


STEPS = (
    Step(1, timedelta(seconds=60), "helpers"),
    Step(2, timedelta(minutes=3), "opted_in"),
    Step(3, timedelta(minutes=8), "moderators"),
)
"""Helpers are those who are here and ask to be told; the opted-in are asked wherever they are."""
UNANSWERED = "unanswered_sos"
"""The topic of a case about an SOS that nobody answered and no moderator could be asked about."""
TENDED_FOR = timedelta(hours=24)
TENDED_LIMIT = 1_000
CANDIDATES_LIMIT = 10_000
SEEN_EVERY = timedelta(seconds=1)
WRITING_EVERY = timedelta(seconds=10)
STEPS_TO: dict[str, Audience] = {step.to: step.to for step in STEPS}
KNOWN_CATEGORIES = frozenset(
    {"alcohol", "drugs", "opioids", "cannabis", "stimulants", "nicotine", "gambling", "gaming", "food", "sex"}
)
"""Categories are free words; metrics know these and call the rest `other`."""


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `sos_ladders`. `circle_id`: only its members are asked. `step` is the last one taken."""

    post_id: str
    author_id: str
    circle_id: str | None
    categories: list[str]
    started_at: datetime
    step: int = 0
    state: State = "open"
    answered_at: datetime | None = None
    answered_by: str | None = None
    answer_ref: str | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody an SOS was taken to; `left_at` since they went away without an answer."""

    account_id: str
    step: int
    asked_at: datetime
    left_at: datetime | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An open ladder as operators see it: whom it `asked`, who of them have `left`, how many have looked."""

    post_id: str
    categories: list[str]
    in_circle: bool
    started_at: datetime
    step: int
    asked: int
    left: int
    seen: int


class Unanswered(NamedTuple):
    """SOS that nobody has answered yet, `TENDED_LIMIT` at most, and how long the oldest has waited."""

    open: int
    oldest_seconds: float


class AnswerTimes(NamedTuple):
    """The SOS of some time: how many were answered, half and nine in ten of these within so many seconds,
    how many ended without an answer."""

    answered: int
    half_seconds: float | None
    most_seconds: float | None
    unanswered: int


class Answered(NamedTuple):
    """An SOS whose first human response came after `seconds`."""

    categories: list[str]
    seconds: float


class Noted(NamedTuple):
    """What was recorded, to be announced after the commit."""

    told: list[Event]
    owed: list[Job]


class Attention(View, frozen=True):
    """Data of `sos:attention`: `count` people have seen it, write, answered it, or were asked (`to`)."""

    post_id: str
    state: AttentionState
    to: Audience | None
    count: int


def category_of(categories: Sequence[str]) -> str:
    return next((one for one in categories if one in KNOWN_CATEGORIES), "other")


def climbs(post: Post) -> bool:
    """An SOS beyond the hourly limit calls no helpers; a private one is for nobody else."""
    return post.type == "sos" and post.amplified and post.visibility != "private"


async def start(post: Post, tx: Records) -> list[Job]:
    """The row of a new SOS; returns the jobs of its steps."""
    if not climbs(post):
        return []
    ladder = Ladder(
        post_id=post.id,
        author_id=post.author_id,
        circle_id=post.circle_id if post.visibility == "circle" else None,
        categories=post.categories,
        started_at=post.created_at,
    )
    await tx.ladders.start(ladder)
    return [climb_job(post, step) for step in STEPS]


def climb_job(post: Post, step: Step) -> Job:
    return Job(
        name="climb",
        args={"post_id": post.id, "step": str(step.number)},
        key=f"climb:{post.id}:{step.number}",
        lane="urgent",
        run_at=post.created_at + step.after,
    )


async def climb(post_id: str, number: int, ports: Ports) -> None:
    """Takes one step, unless it was taken or somebody answered."""
    ladder = await ports.records.ladders.get(post_id)
    if ladder is None or ladder.state != "open" or ladder.step >= number:
        return
    if post := await _asking_post(ladder, ports):
        step = STEPS[number - 1]
        wanted = await _wanted(post, step.to, await ports.presence.helping(), ports)
        await _widen(post, step, wanted, ports, advance=True)


async def _asking_post(ladder: Ladder, ports: Ports) -> Post | None:
    """The post while it may be shown; the ladder of one that is closed or gone is over."""
    post = await ports.content.posts.get(ladder.post_id)
    too_old = ports.now() - ladder.started_at > TENDED_FOR
    if post is None or too_old or post.status in {"closed", "removed", "expired"}:
        await ports.records.ladders.close(ladder.post_id)
        return None
    return post if post.status == "live" else None


async def _wanted(
    post: Post, to: Audience, here: Sequence[str], ports: Ports, *, asked_already: int = 0
) -> list[str]:
    candidates = await ports.records.ladders.candidates(post.id, to, here, ports.now(), CANDIDATES_LIMIT)
    if to == "moderators":
        return matching.on_call(candidates)
    thanked = await ports.content.responses.thanked_counts([one.account_id for one in candidates])
    return matching.chosen(candidates, need_of(post), thanked, asked_already=asked_already)


def need_of(post: Post) -> Need:
    spoken = language.detect(post.content)
    return Need(post.categories, None if spoken == "und" else spoken)


async def _widen(post: Post, step: Step, wanted: Sequence[str], ports: Ports, *, advance: bool) -> None:
    """Asks in one transaction with the step: whoever comes second finds it taken."""
    at = ports.now()
    async with ports.transaction() as tx:
        if advance and not await tx.ladders.advance(post.id, step.number):
            return
        asked = await tx.ladders.ask(post.id, step.number, wanted, at)
        if not asked and not advance:
            return
        told = widened_event(post, step, len(asked), at)
        owed = await events.record(told, ask_jobs(post, [one for one in wanted if one in asked]), tx)
        called = await _call_case(post, at, tx) if step.to == "moderators" and not asked else Noted([], [])
    ports.announcer.announce(told, *called.told, jobs=[*owed, *called.owed])


async def _call_case(post: Post, at: datetime, tx: Records) -> Noted:
    """Where no moderator may be asked, in a circle that none of them is in, the queue says that somebody has
    to look.
    """
    case = Case(
        id=derived_id("case", post.id, UNANSWERED),
        kind="risk",
        target="post",
        target_id=post.id,
        subject_id=post.author_id,
        topics=[UNANSWERED],
        urgency=cases.URGENT,
        opened_at=at,
    )
    opened = await cases.open_case(case, tx)
    return Noted(opened.told, opened.owed)


def widened_event(post: Post, step: Step, count: int, at: datetime) -> Event:
    refs = {"post_id": post.id, "state": "widened", "to": step.to, "count": str(count)}
    id = derived_id("sos:attention", post.id, "widened", str(step.number), rfc3339(at))
    return Event(id=id, name="sos:attention", at=at, refs=refs, actor=post.author_id)


def ask_jobs(post: Post, account_ids: Sequence[str]) -> list[Job]:
    """The best first; whoever was notified of this SOS before is not again."""
    return notifications.fan_out_jobs("sos", post.id, account_ids, post_id=post.id, actor_id=post.author_id)


async def unanswered(ports: Ports) -> Unanswered:
    found = await ports.records.ladders.open(TENDED_LIMIT)
    oldest = (ports.now() - found[0].started_at).total_seconds() if found else 0.0
    return Unanswered(len(found), oldest)


async def tend(ports: Ports) -> None:
    """Looks after every open ladder, the oldest first; one that fails keeps nobody from the others."""
    here = frozenset(await ports.presence.helping())
    failures: list[Exception] = []
    for ladder in await ports.records.ladders.open(TENDED_LIMIT):
        try:
            await _tend(ladder, here, ports)
        except DomainError:
            raise
        except Exception as error:  # noqa: BLE001  (it is raised when all others had their turn)
            failures.append(error)
    if failures:
        raise failures[0]


async def _tend(ladder: Ladder, here: frozenset[str], ports: Ports) -> None:
    due = [step for step in STEPS if ports.now() - ladder.started_at >= step.after]
    for step in due:
        await climb(ladder.post_id, step.number, ports)
    post = await _asking_post(ladder, ports)
    if due and post is not None:
        await _hand_over(post, here, ports)


async def _hand_over(post: Post, here: frozenset[str], ports: Ports) -> None:
    """Helpers who left do not count any more; those who came or got a hand free are asked."""
    asked = [one for one in await ports.records.ladders.asked(post.id) if one.left_at is None]
    gone = [one.account_id for one in asked if one.step == 1 and one.account_id not in here]
    if gone:
        await ports.records.ladders.leave(post.id, gone, ports.now())
    still = len(asked) - len(gone)
    wanted = await _wanted(post, "helpers", list(here), ports, asked_already=still)
    if wanted:
        await _widen(post, STEPS[0], wanted, ports, advance=False)


async def note_answer(post: Post, account_id: str, ref: str, at: datetime, tx: Records) -> Noted:
    """Ends the ladder with its first human response (`ref`), in the transaction of that response."""
    if post.type != "sos" or account_id == post.author_id:
        return Noted([], [])
    if not await tx.ladders.answer(post.id, account_id, ref, at):
        return Noted([], [])
    told = Event(
        id=derived_id("sos:attention", post.id, "answered", ref),
        name="sos:attention",
        at=at,
        refs={"post_id": post.id, "state": "answered"},
        # It says nothing of who answered, and is not for those who may not see the post.
        actor=post.author_id,
    )
    return Noted([told], await events.record(told, [measure_job(post.id)], tx))


def measure_job(post_id: str) -> Job:
    """It repeats: the first answer may be taken back before it is measured."""
    return Job(
        name="measure_answer",
        args={"post_id": post_id},
        key=f"measure_answer:{post_id}",
        lane="bulk",
        repeats=True,
    )


async def measure_answer(post_id: str, ports: Ports) -> Answered | None:
    """How long the first human response took; once for each SOS."""
    return await ports.records.ladders.measure(post_id)


async def note_withdrawal(post_id: str, ref: str, tx: Records) -> list[Job]:
    """The answer that ended the ladder is gone: whether another one stands is for the job to see."""
    if not await tx.ladders.reopen(post_id, ref):
        return []
    return await tx.jobs.add([revisit_job(post_id)])


async def note_parting(one: str, other: str, now: datetime, tx: Records) -> list[Job]:
    """Two people do not see each other any more: an answer of one to the SOS of the other helps nobody."""
    reopened = await tx.ladders.reopen_between(one, other, now - TENDED_FOR)
    return await tx.jobs.add([revisit_job(post_id) for post_id in reopened]) if reopened else []


def revisit_job(post_id: str) -> Job:
    return Job(
        name="revisit_sos",
        args={"post_id": post_id},
        key=f"revisit_sos:{post_id}",
        lane="urgent",
        repeats=True,
    )


async def revisit(post_id: str, ports: Ports) -> None:
    """Lets another answer that stands end the ladder, or goes on climbing at once; also where it was over,
    because moderation had removed the post that is back now.
    """
    post = await ports.content.posts.get(post_id)
    if post is not None and post.status == "live":
        await ports.records.ladders.resume(post_id, ports.now() - TENDED_FOR)
    ladder = await ports.records.ladders.get(post_id)
    if ladder is None or post is None or ladder.state != "open":
        return
    standing = await _standing_answer(post, ports)
    if standing is None:
        await _tend(ladder, frozenset(await ports.presence.helping()), ports)
        return
    async with ports.transaction() as tx:
        noted = await note_answer(post, *standing, ports.now(), tx)
    ports.announcer.announce(*noted.told, jobs=noted.owed)


async def _standing_answer(post: Post, ports: Ports) -> tuple[str, str] | None:
    """Who answered, of those whom the author sees, and the response or support with which."""
    without = {post.author_id, *await ports.records.blocks.around(post.author_id)}
    said = await ports.content.responses.page(post.id, None, 1, without=without)
    if said:
        return said[0].author_id, said[0].id
    given = [tap for tap in await ports.content.supports.given_to(post.id) if tap[0] not in without]
    return (given[0][0], support_ref(post.id, *given[0])) if given else None


def support_ref(post_id: str, giver_id: str, kind: str) -> str:
    """Names a quick support in jobs, in the ledger and here."""
    return derived_id("support", post_id, giver_id, kind)


async def note_seen(post_id: str, user: User, ports: Ports) -> None:
    """Somebody opened the thread of an open SOS; told at most once a second."""
    async with ports.transaction() as tx:
        if not await tx.ladders.see(post_id, user.id):
            return
        told = _gathered(post_id, "seen", SEEN_EVERY, ports.now())
        await events.record(told, [], tx)
    ports.announcer.announce(told)


async def note_writing(post_id: str, user: User, ports: Ports) -> None:
    """Somebody is writing in the thread of an open SOS: a reason to hold on."""
    ladder = await ports.records.ladders.get(post_id)
    if ladder is None or ladder.state != "open" or ladder.author_id == user.id:
        return
    gathered = _gathered(post_id, "writing", WRITING_EVERY, ports.now())
    told = msgspec.structs.replace(gathered, at=ports.now())
    async with ports.transaction() as tx:
        await events.record(told, [], tx)
    ports.announcer.announce(told)


def _gathered(post_id: str, state: AttentionState, every: timedelta, now: datetime) -> Event:
    """The event of the present stretch of time, told at its end, which all that happens in it share."""
    start = datetime.min.replace(tzinfo=now.tzinfo)
    stretch = (now - start) // every
    return Event(
        id=derived_id("sos:attention", post_id, state, str(stretch)),
        name="sos:attention",
        at=start + (stretch + 1) * every,
        refs={"post_id": post_id, "state": state},
    )


@events.composes("sos:attention")
async def compose_attention(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    """Told in the thread and to the author; being asked and being answered also where the post lives."""
    post = await ports.content.posts.get(event.refs["post_id"])
    ladder = await ports.records.ladders.get(event.refs["post_id"])
    if post is None or ladder is None or post.status not in {"live", "closed"}:
        return None
    told = await _attention(event, ladder, ports)
    thread = [rooms.post_room(post.id), rooms.user_room(post.author_id)]
    if told is None or told.state in {"seen", "writing"}:
        return None if told is None else (thread, told)
    return [*thread, *post.rooms], told


async def _attention(event: Event, ladder: Ladder, ports: Ports) -> Attention | None:
    """None for what is no longer so: an answer that was taken back, attention to what was answered."""
    match event.refs["state"]:
        case "widened":
            to, count = STEPS_TO[event.refs["to"]], int(event.refs["count"])
            return Attention(post_id=ladder.post_id, state="widened", to=to, count=count)
        case "seen":
            count = await ports.records.ladders.seen(ladder.post_id)
            return Attention(post_id=ladder.post_id, state="seen", to=None, count=count)
        case "answered" if ladder.state == "answered":
            return Attention(post_id=ladder.post_id, state="answered", to=None, count=1)
        case "writing" if ladder.state == "open":
            return Attention(post_id=ladder.post_id, state="writing", to=None, count=1)
    return None
