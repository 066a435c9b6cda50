"""Review: everything a moderator needs for one decision, and nothing of it unasked."""

from collections.abc import Sequence

from domain import audit, cases, trust
from domain.accounts import PublicAccount, User, public_accounts
from domain.cases import Case, CaseView, OneCase, Target
from domain.circles import Circle
from domain.clock import rfc3339
from domain.decisions import Decision, possible_actions
from domain.moderation.policy import Trust
from domain.ports import Ports
from domain.posts import PostFilter
from domain.reports import Report
from domain.voice_notes import VoiceNoteView
from domain.wire import View

SIMILAR_MAX = 5
HISTORY_MAX = 10
REPORTS_MAX = 20
SOS_MAX = 20
"""Among so many of somebody's newest SOS one that is not private is looked for."""


class ReportView(View, frozen=True):
    """`weight` from 0 to 1: how far this reporter was right before. Who it was is not shown."""

    reason: str
    note: str
    weight: float
    created_at: str


class PastCase(View, frozen=True):
    """How a case of the same kind ended."""

    id: str
    target: Target
    topics: list[str]
    outcome: str
    closed_at: str


class PastDecision(View, frozen=True):
    """`until` ends a muting or a ban, also one that a colleague has only proposed."""

    id: str
    action: str
    reason: str
    state: str
    at: str
    automatic: bool
    until: str | None = None


class Written(View, frozen=True):
    """What it is about. `blurred`: show the text, or play the voice, only when the moderator asks for it."""

    content: str
    content_warning: str | None
    status: str
    voice_note: VoiceNoteView | None = None
    blurred: bool = True


class CaseDetail(View, frozen=True):
    """`decisions` are of this target, `history` of its author.

    `note` is what an appeal says, `appealed` the id of the decision that it is about.
    """

    case: CaseView
    written: Written | None
    subject: PublicAccount
    trust: Trust
    reports: list[ReportView]
    note: str
    decisions: list[PastDecision]
    history: list[PastDecision]
    similar: list[PastCase]
    actions: list[str]
    appealed: str | None = None


async def claim_case(command: OneCase, user: User, ports: Ports) -> CaseDetail:
    """Takes a case for a quarter of an hour, so that two people do not do one case; noted."""
    async with ports.transaction() as tx:
        case = await cases.claimed(command.case_id, user, tx, ports)
        about = {"target": case.target, "target_id": case.target_id, "case_id": case.id}
        await audit.note("moderation.claim", user.id, tx, ports, **about)
    return await detail(case, user, ports)


async def reread_case(command: OneCase, user: User, ports: Ports) -> CaseDetail:
    """All of a case once more, for who holds it; taking it was noted, and lasts no longer for this."""
    return await detail(await cases.held_case(command.case_id, user, ports), user, ports)


async def detail(case: Case, user: User, ports: Ports) -> CaseDetail:
    records = ports.records
    return CaseDetail(
        case=cases.case_view(case, user, ports.now()),
        written=await written(case, ports),
        subject=(await public_accounts({case.subject_id}, ports))[case.subject_id],
        trust=await trust.trust_of(case.subject_id, ports),
        reports=[report_view(one) for one in await records.reports.of_case(case.id, REPORTS_MAX)],
        note=case.note,
        decisions=past(await records.decisions.of_target(case.target, case.target_id, HISTORY_MAX)),
        history=past(await records.decisions.of_subject(case.subject_id, HISTORY_MAX)),
        similar=[past_case(one) for one in await records.cases.similar(case, SIMILAR_MAX)],
        actions=list(possible_actions(case)),
        appealed=case.decision_id,
    )


async def written(case: Case, ports: Ports) -> Written | None:
    """None for a circle, for what is not there any more, and for an account that is not in danger."""
    if case.target == "post":
        post = await ports.content.posts.get(case.target_id)
        return (
            Written(content=post.content, content_warning=post.content_warning, status=post.status)
            if post
            else None
        )
    if case.target == "circle":
        circle = await ports.records.circles.get(case.target_id)
        return _on_the_door(circle) if circle else None
    if case.target == "response":
        response = await ports.content.responses.get(case.target_id)
        return (
            Written(
                content=response.content,
                content_warning=None,
                status=response.status,
                voice_note=response.voice_note,
            )
            if response
            else None
        )
    return (
        await _newest_sos(case.subject_id, ports) if case.kind == "risk" and case.target == "user" else None
    )


async def _newest_sos(account_id: str, ports: Ports) -> Written | None:
    wanted = PostFilter(author_id=account_id, type="sos")
    found = await ports.content.posts.page(wanted, None, SOS_MAX)
    shown = next((post for post in found if post.visibility != "private"), None)
    if shown is None:
        return None
    return Written(content=shown.content, content_warning=shown.content_warning, status=shown.status)


def _on_the_door(circle: Circle) -> Written:
    """What everybody reads of a circle; private ones too are shown to who has to decide."""
    text = f"{circle.name}\n\n{circle.description}".strip()
    return Written(content=text, content_warning=None, status="private" if circle.is_private else "open")


def report_view(report: Report) -> ReportView:
    return ReportView(
        reason=report.reason, note=report.note, weight=report.weight, created_at=rfc3339(report.created_at)
    )


def past(decisions: Sequence[Decision]) -> list[PastDecision]:
    return [
        PastDecision(
            id=one.id,
            action=one.action,
            reason=one.reason,
            state=one.state,
            at=rfc3339(one.at),
            automatic=one.moderator_id is None,
            until=rfc3339(one.until) if one.until else None,
        )
        for one in decisions
    ]


def past_case(case: Case) -> PastCase:
    return PastCase(
        id=case.id,
        target=case.target,
        topics=case.topics,
        outcome=case.outcome or "",
        closed_at=rfc3339(case.closed_at or case.opened_at),
    )
