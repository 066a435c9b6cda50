"""Reports: somebody says that something is wrong, or that somebody worries them."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from domain import access, cases, crisis, events, limits, listening
from domain.accounts import User
from domain.cases import Case, Target
from domain.crisis import Worried
from domain.errors import Conflict, Invalid, NotFound, RateLimited
from domain.events import Event
from domain.ids import derived_id, new_id
from domain.ports import Ports, Records
from domain.posts import Post
from domain.text import storable_text
from domain.trust import trust_of
from domain.wire import Command, Id, View

ReportReason = Literal[
    "worried",
    "threat",
    "harassment",
    "encourages_harm",
    "sexual",
    "selling",
    "contact_details",
    "reveals_identity",
    "spam",
    "dangerous_advice",
    "impersonation",
    "other",
]
"""`worried` is about a person in danger and accuses nobody."""

URGENCY: dict[ReportReason, int] = {
    "worried": 5,
    "threat": 4,
    "encourages_harm": 4,
    "sexual": 4,
    "reveals_identity": 4,
    "harassment": 3,
    "selling": 3,
    "dangerous_advice": 3,
    "contact_details": 2,
    "impersonation": 2,
    "spam": 1,
    "other": 1,
}
WITHOUT_CREDIT = 0.2
"""Whose reports weigh less calls nobody at once and sends no offer. People still look."""
OFFERS_APART = 7 * limits.DAY
"""In seconds. One person's worry about another sends an offer once in this while."""
WEIGHT_OF_TRUST = {"new": 0.5, "known": 1.0, "trusted": 1.25}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `reports`; (reporter, target) is unique. `weight` is the reporter's credibility then.

    Without a reporter it is that of somebody who erased their account.
    """

    id: str
    case_id: str
    reporter_id: str | None
    target: Target
    target_id: str
    reason: str
    note: str
    weight: float
    created_at: datetime


class Record(msgspec.Struct, frozen=True):
    """How earlier reports of one person ended."""

    upheld: int
    dismissed: int


class CreateReport(Command, frozen=True):
    target: Target
    target_id: Id
    reason: ReportReason
    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class Reported(View, frozen=True):
    """`crisis` and `worried` support the one who worries about somebody."""

    report_id: str
    crisis: crisis.CrisisResources | None
    worried: Worried | None = None


async def create_report(command: CreateReport, user: User, ports: Ports) -> Reported:
    """One per person and target: a second one answers the first. The reported never learn by whom."""
    note = storable_text(command.note, "note")
    subject_id = await subject_of(command, user, ports)
    if subject_id == user.id:
        raise Invalid("This is your own.", field="target_id")
    known = await ports.records.reports.by_reporter(user.id, command.target, command.target_id)
    report_id = known.id if known else await _stored(command, note, subject_id, user, ports)
    if command.reason != "worried":
        return Reported(report_id=report_id, crisis=None)
    if known is not None and known.reason != "worried":
        await _worry_too(command, subject_id, user, ports)
    return Reported(
        report_id=report_id,
        crisis=crisis.resources_for(user.country),
        worried=crisis.WORRIED_ABOUT_SOMEONE,
    )


async def subject_of(command: CreateReport, user: User, ports: Ports) -> str:
    """Whose conduct or danger it is about, or `not_found` for what the reporter could not have seen."""
    if command.target == "user":
        account = await ports.records.accounts.get(command.target_id)
        return account.id if account else _missing()
    if command.target == "circle":
        return await _owner(command.target_id, user, ports)
    if command.target == "response":
        response = await ports.content.responses.get(command.target_id)
        if response is None or response.status != "live":
            raise NotFound
        await _check_seen(await ports.content.posts.get(response.post_id), user, ports)
        if response.author_id in await _hidden_from(user, ports):
            raise NotFound
        return response.author_id
    post = await _check_seen(await ports.content.posts.get(command.target_id), user, ports)
    return post.author_id


def _missing() -> str:
    raise NotFound


async def _owner(circle_id: str, user: User, ports: Ports) -> str:
    circles = ports.records.circles
    access.sees_circle(await circles.get(circle_id), await circles.role_of(circle_id, user.id))
    return await circles.owner_of(circle_id) or _missing()


async def _check_seen(post: Post | None, user: User, ports: Ports) -> Post:
    """Whoever blocked the author may still report; whoever was blocked learns nothing."""
    if post is None:
        raise NotFound
    role = await ports.records.circles.role_of(post.circle_id, user.id) if post.circle_id else None
    if not access.sees_post(post, user.id, role=role, blocked=await _hidden_from(user, ports)):
        raise NotFound
    return post


async def _hidden_from(user: User, ports: Ports) -> frozenset[str]:
    """Those who blocked this user, and whom this user did not block."""
    return await ports.records.blocks.around(user.id) - set(await ports.records.blocks.made_by(user.id))


async def _stored(command: CreateReport, note: str, subject_id: str, user: User, ports: Ports) -> str:
    """Of two tries at the same moment the second answers the first."""
    try:
        return await _report(command, note, subject_id, user, ports)
    except Conflict:
        known = await ports.records.reports.by_reporter(user.id, command.target, command.target_id)
        if known is None:
            raise
        return known.id


async def _report(command: CreateReport, note: str, subject_id: str, user: User, ports: Ports) -> str:
    await limits.check("reports", user.id, ports.settings.reports_per_day, limits.DAY, ports)
    if command.reason == "worried":
        await limits.check("worries", user.id, ports.settings.worries_per_day, limits.DAY, ports)
    weight = await credibility(user, ports)
    case = new_case(command, subject_id, weight, ports)
    offers = await _may_offer(command, subject_id, weight, user, ports)
    async with ports.transaction() as tx:
        opened = await cases.open_case(case, tx)
        report = Report(
            id=new_id(),
            case_id=opened.case.id,
            reporter_id=user.id,
            target=command.target,
            target_id=command.target_id,
            reason=command.reason,
            note=note,
            weight=weight,
            created_at=ports.now(),
        )
        await tx.reports.add(report)
        offered = await _offer_help(subject_id, user, tx, ports) if offers else []
        owed = [*opened.owed, *await tx.jobs.add(listening.jobs_of(opened.case))]
    ports.announcer.announce(*opened.told, *offered, jobs=owed)
    return report.id


async def _worry_too(command: CreateReport, subject_id: str, user: User, ports: Ports) -> None:
    """Whoever reported something else about it before is heard all the same when they worry; it counts for
    nothing but the danger.
    """
    await limits.check("worries", user.id, ports.settings.worries_per_day, limits.DAY, ports)
    case = msgspec.structs.replace(new_case(command, subject_id, 0.0, ports), reports=0)
    offers = await _may_offer(command, subject_id, await credibility(user, ports), user, ports)
    async with ports.transaction() as tx:
        opened = await cases.open_case(case, tx)
        offered = await _offer_help(subject_id, user, tx, ports) if offers else []
    ports.announcer.announce(*opened.told, *offered, jobs=opened.owed)


async def _may_offer(command: CreateReport, subject_id: str, weight: float, user: User, ports: Ports) -> bool:
    """Nobody sends another an anonymous sign day after day by worrying about one post after the other."""
    if command.reason != "worried" or weight < WITHOUT_CREDIT:
        return False
    try:
        await limits.check("worry_offers", f"{user.id}:{subject_id}", 1, OFFERS_APART, ports)
    except RateLimited:
        return False
    return True


async def _offer_help(subject_id: str, user: User, tx: Records, ports: Ports) -> list[Event]:
    """Whoever others worry about is offered help, once a day however many worry, and not told of them.

    Nobody can send a sign through this to a person who blocked them, or whom they blocked.
    """
    if user.id in await tx.blocks.around(subject_id):
        return []
    day = ports.now().date().isoformat()
    offer = Event(
        id=derived_id("crisis:offer", subject_id, day),
        name="crisis:offer",
        at=ports.now(),
        refs={"account_id": subject_id},
    )
    await events.record(offer, [], tx)
    return [offer]


def new_case(command: CreateReport, subject_id: str, weight: float, ports: Ports) -> Case:
    return Case(
        id=new_id(),
        kind="risk" if command.reason == "worried" else "conduct",
        target=command.target,
        target_id=command.target_id,
        subject_id=subject_id,
        topics=[command.reason],
        urgency=_urgency(command.reason, weight),
        opened_at=ports.now(),
        weight=weight,
        reports=1,
    )


def _urgency(reason: ReportReason, weight: float) -> int:
    """Danger is urgent whoever tells of it."""
    if reason == "worried" or weight >= WITHOUT_CREDIT:
        return URGENCY[reason]
    return min(URGENCY[reason], cases.URGENT - 1)


async def credibility(user: User, ports: Ports) -> float:
    """0 to 1: the share of this person's reports that were right, begun at one of two, times their trust."""
    record = await ports.records.reports.record_of(user.id)
    right = (record.upheld + 1) / (record.upheld + record.dismissed + 2)
    return round(min(1.0, right * WEIGHT_OF_TRUST[await trust_of(user.id, ports)]), 3)
