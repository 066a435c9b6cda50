"""Cases: what waits for a moderator, who looks at it, and how that person fares.

One open case per target and kind. `risk`: somebody may be in danger; such a case brings help and can silence
nobody. `conduct`: what somebody did to others. `appeal`: a decision that its author disagrees with.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple

import msgspec

from domain import access, events, notifications, pages, rooms
from domain.accounts import Account, Role, User
from domain.clock import rfc3339
from domain.errors import Conflict, Forbidden, Gone, NotFound
from domain.events import Event
from domain.ids import derived_id
from domain.jobs import Job
from domain.notifications import About
from domain.pages import Cursor
from domain.ports import Ports, Records
from domain.wire import Command, Id, View

CaseKind = Literal["risk", "conduct", "appeal"]
Target = Literal["post", "response", "user", "circle"]

MOST_URGENT, URGENT = 5, 4
"""Moderators hear of an urgent case at once; the others wait in the queue."""
MANY = 2.0
"""Reports of this much credibility together make a case more urgent by one."""
CLAIM_SECONDS = 15 * 60
LOAD_WINDOW = timedelta(hours=1)
HARD_WEIGHT = 3
"""A case of danger, or of sexual or violent content, costs its reader as much as three others."""
HARD_TOPICS = frozenset(
    {"self_harm_risk", "overdose_risk", "method_seeking", "sexual_or_grooming", "worried", "sexual", "threat"}
)
BREAK_MINUTES = 10


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `cases`. `topics` are labels of scans and reasons of reports, `weight` their credibility."""

    id: str
    kind: CaseKind
    target: Target
    target_id: str
    subject_id: str
    topics: list[str]
    urgency: int
    opened_at: datetime
    weight: float = 0.0
    reports: int = 0
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    barred: list[str] = []
    decision_id: str | None = None
    note: str = ""
    outcome: str | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None


class Load(msgspec.Struct, frozen=True):
    """What one moderator closed in a while; `hard` of the `cases` are of the kind that stays with people."""

    moderator_id: str
    cases: int
    hard: int


class QueueQuery(Command, frozen=True):
    """`mine`: only what the one who asks holds."""

    kind: CaseKind | None = None
    mine: bool = False
    limit: int | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=pages.CURSOR_CHARACTERS_MAX)] | None = None


class OneCase(Command, frozen=True):
    case_id: Id


class CaseView(View, frozen=True):
    """A case in the queue: enough to choose by, and nothing that somebody wrote.

    `held_until` ends the claim of the one who asks; null for what they do not hold.
    """

    id: str
    kind: CaseKind
    target: Target
    target_id: str
    topics: list[str]
    urgency: int
    reports: int
    opened_at: str
    claimed_by_me: bool
    hard: bool
    held_until: str | None = None


class Wellbeing(View, frozen=True):
    """For the person who looks: content stays blurred until they ask, and a break is due in time.

    `team` is how many cases each colleague closed in the last hour, so that nobody carries it alone.
    """

    blurred: bool
    closed_last_hour: int
    load: int
    break_due: bool
    break_minutes: int
    team: dict[str, int]


class Queue(View, frozen=True):
    items: list[CaseView]
    next_cursor: str | None
    wellbeing: Wellbeing


class CaseOpened(View, frozen=True):
    """Data of `moderation:case`: something urgent waits. What, only the queue says."""

    case_id: str
    kind: CaseKind
    urgency: int


def joined(case: Case, new: Case) -> Case:
    """An open case with what came to it. Credible people who agree make it more urgent by one."""
    weight = case.weight + new.weight
    urgency = max(case.urgency, new.urgency) + (case.weight < MANY <= weight)
    return msgspec.structs.replace(
        case,
        topics=sorted({*case.topics, *new.topics}),
        urgency=min(MOST_URGENT, urgency),
        weight=weight,
        reports=case.reports + new.reports,
    )


class Opened(NamedTuple):
    """The open case of a target and kind, and what to announce after the commit."""

    case: Case
    told: list[Event]
    owed: list[Job]


async def open_case(case: Case, tx: Records) -> Opened:
    """Opens it, or adds what is new to the one that is open. An urgent one calls moderators, once for each
    urgency it reaches.
    """
    opened = await tx.cases.open(case)
    if opened.urgency < URGENT:
        return Opened(opened, [], [])
    event = Event(
        id=derived_id("moderation:case", opened.id, str(opened.urgency)),
        name="moderation:case",
        at=case.opened_at,
        refs={"case_id": opened.id},
    )
    owed = await events.record(event, [call_job(event)], tx)
    return Opened(opened, [event], owed)


def call_job(opened: Event) -> Job:
    args = {"case_id": opened.refs["case_id"], "event_id": opened.id}
    return Job(name="call_moderators", args=args, key=f"call_moderators:{opened.id}", lane="urgent")


async def call_moderators(case_id: str, event_id: str, ports: Ports) -> None:
    """Notifies those who are not here to hear of an urgent case; the notification says nothing of it."""
    case = await ports.records.cases.get(case_id)
    if case is not None and case.closed_at is None:
        about = About(kind="case", event_id=event_id)
        called = (await callable_for(case, ports))[: notifications.FAN_OUT_CHUNK]
        await notifications.notify_many(about, called, ports, push_lane="default")


async def callable_for(case: Case, ports: Ports) -> list[str]:
    """Every moderator but those whose own conduct it is about, or who may not decide it."""
    judged = "user" if case.kind == "risk" else await role_of(case.subject_id, ports.records)
    judges = sorted(role for role in access.MODERATORS if access.may_judge(role, judged))
    moderators = await ports.records.accounts.with_roles(judges)
    return [id for id in moderators if id != case.subject_id and id not in case.barred]


async def role_of(account_id: str, records: Records) -> Role:
    account = await records.accounts.get(account_id)
    return account.role if account is not None else "user"


@events.composes("moderation:case")
async def compose_opened(event: Event, ports: Ports) -> tuple[list[str], object] | None:
    case = await ports.records.cases.get(event.refs["case_id"])
    if case is None or case.closed_at is not None:
        return None
    heard = [rooms.user_room(id) for id in await callable_for(case, ports)]
    return heard, CaseOpened(case_id=case.id, kind=case.kind, urgency=case.urgency)


async def read_queue(query: QueueQuery, user: User, ports: Ports, *, limit: int) -> Queue:
    """The most urgent first, of these the oldest; without what a colleague is looking at."""
    access.check_moderator(user)
    found = await ports.records.cases.queue(
        user.id,
        ports.now(),
        kind=query.kind,
        mine=query.mine,
        colleagues=access.may_judge(user.role, "moderator"),
        after=pages.decode_cursor(query.cursor),
        limit=limit + 1,
    )
    more = pages.encode_cursor(place(found[limit - 1])) if len(found) > limit else None
    return Queue(
        items=[case_view(case, user, ports.now()) for case in found[:limit]],
        next_cursor=more,
        wellbeing=await wellbeing(user, ports),
    )


def place(case: Case) -> Cursor:
    """Where a case stands in the queue; time in microseconds."""
    return [case.urgency, int(case.opened_at.timestamp() * 1_000_000), case.id]


def is_hard(case: Case) -> bool:
    return case.kind == "risk" or bool(HARD_TOPICS & set(case.topics))


def is_held(case: Case, user: User, now: datetime) -> bool:
    """Whether this moderator took the case and the claim has not run out."""
    return case.claimed_by == user.id and case.claimed_until is not None and case.claimed_until > now


def case_view(case: Case, user: User, now: datetime) -> CaseView:
    held_until = case.claimed_until if is_held(case, user, now) else None
    return CaseView(
        id=case.id,
        kind=case.kind,
        target=case.target,
        target_id=case.target_id,
        topics=case.topics,
        urgency=case.urgency,
        reports=case.reports,
        opened_at=rfc3339(case.opened_at),
        claimed_by_me=held_until is not None,
        hard=is_hard(case),
        held_until=rfc3339(held_until) if held_until else None,
    )


async def wellbeing(user: User, ports: Ports) -> Wellbeing:
    loads = await ports.records.cases.loads(ports.now() - LOAD_WINDOW, sorted(HARD_TOPICS))
    mine = next((load for load in loads if load.moderator_id == user.id), Load(user.id, 0, 0))
    weight = mine.cases + (HARD_WEIGHT - 1) * mine.hard
    return Wellbeing(
        blurred=True,
        closed_last_hour=mine.cases,
        load=weight,
        break_due=weight >= ports.settings.moderator_break_after_load,
        break_minutes=BREAK_MINUTES,
        team={load.moderator_id: load.cases for load in loads},
    )


async def claimed(case_id: str, user: User, records: Records, ports: Ports) -> Case:
    """The case, held by this moderator from now on; refuses those who may not decide it or came second."""
    case = await _decidable(case_id, user, records, ports)
    now = ports.now()
    held = await records.cases.claim(case.id, user.id, now, now + timedelta(seconds=CLAIM_SECONDS))
    if held is None:
        raise Conflict("Somebody else is on this case, or it is done.")
    return held


async def held_case(case_id: str, user: User, ports: Ports) -> Case:
    """The case that this moderator took; `gone` once it is decided, `conflict` when they do not hold it."""
    case = await _decidable(case_id, user, ports.records, ports)
    if case.closed_at is not None:
        raise Gone("This case is decided.")
    if not is_held(case, user, ports.now()):
        raise Conflict("You do not hold this case. Take it before you look at it.")
    return case


async def _decidable(case_id: str, user: User, records: Records, ports: Ports) -> Case:
    access.check_moderator(user)
    case = await records.cases.get(case_id)
    if case is None:
        raise NotFound
    check_may_decide(case, user)
    await check_reach(case, user, records)
    await check_not_reporter(case, user, records)
    await check_not_addressed(case, user, ports)
    return case


async def held_subject(account_id: str, tx: Records) -> Account | None:
    """Whom something is decided about, held until the end of the transaction; None once they are erased."""
    account = await tx.accounts.lock(account_id)
    return None if account is None or account.status == "erased" else account


def appeal_id(decision_id: str) -> str:
    return derived_id("appeal", decision_id)


async def close_appeal(decision_id: str, at: datetime, tx: Records) -> None:
    """What was taken back is not for anybody to look at any more."""
    await tx.cases.close(appeal_id(decision_id), "overturned", None, at)


def check_may_decide(case: Case, user: User) -> None:
    """Nobody decides about themselves, and nobody twice."""
    if case.subject_id == user.id:
        raise Forbidden("This case is about you.")
    if user.id in case.barred:
        raise Forbidden("Somebody else has to look at this case.")


async def check_reach(case: Case, user: User, records: Records) -> None:
    """Moderators are judged by admins; anybody may help a colleague in danger."""
    if case.kind != "risk" and not access.may_judge(user.role, await role_of(case.subject_id, records)):
        raise Forbidden("Only an admin decides about a moderator.")


async def check_not_reporter(case: Case, user: User, records: Records) -> None:
    """Nobody decides what they reported themselves. Whoever worried about a person may help them."""
    report = await records.reports.by_reporter(user.id, case.target, case.target_id)
    if case.kind != "risk" and report is not None and report.reason != "worried":
        raise Forbidden("You reported this. Somebody else has to look at it.")


async def check_not_addressed(case: Case, user: User, ports: Ports) -> None:
    """Nobody decides about what was said in answer to them."""
    if case.kind == "risk" or case.target != "response":
        return
    response = await ports.content.responses.get(case.target_id)
    post = await ports.content.posts.get(response.post_id) if response is not None else None
    if post is not None and post.author_id == user.id:
        raise Forbidden("This was said to you. Somebody else has to look at it.")


async def release_case(command: OneCase, user: User, ports: Ports) -> None:
    """Gives a claimed case back unread or undecided; nobody asks why."""
    access.check_moderator(user)
    if not await ports.records.cases.release(command.case_id, user.id):
        raise NotFound
