"""The moderators' pages. Every one asks the use case that REST asks, so the same rules hold."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec

from api.download import Download
from api.moderation.decision_form import DecisionForm, command_of, meanings, proposals
from api.routes.voice_notes import sound_of
from api.site.desk import Moved, Pages, Shown, Visit
from domain import accounts, cases, deciding, pages, review, voice_notes
from domain.cases import CaseKind, OneCase, QueueQuery, Wellbeing
from domain.decisions import ALONE_DAYS_MAX, APPEALABLE, Action, DecisionState
from domain.errors import Conflict, Invalid
from domain.review import CaseDetail
from domain.voice_notes import OneVoiceNote
from domain.wire import Command, Id

Here = Visit[None]
PAGES: Pages[None] = Pages()


class QueuePage(Command, frozen=True):
    """`did` and `state` tell what the moderator did on the page before."""

    kind: CaseKind | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=pages.CURSOR_CHARACTERS_MAX)] | None = None
    did: Action | Literal["release"] | None = None
    state: DecisionState | None = None


class Take(Command, frozen=True):
    """`anyway`: although a break is due."""

    case_id: Id
    anyway: Literal["yes"] | None = None


class Break(Command, frozen=True):
    """`case_id` is what the moderator was about to take."""

    case_id: Id


@PAGES.on("GET", "/moderation/")
async def show_queue(page: QueuePage, visit: Here) -> Shown:
    return await queue_of(page, visit)


@PAGES.on("GET", "/moderation/queue/{kind}")
async def show_kind(page: QueuePage, visit: Here) -> Shown:
    return await queue_of(page, visit)


async def queue_of(page: QueuePage, visit: Here) -> Shown:
    settings = visit.ports.settings
    query = QueueQuery(kind=page.kind, cursor=page.cursor)
    queue = await cases.read_queue(query, visit.user, visit.ports, limit=settings.page_size)
    held = await cases.read_queue(
        QueueQuery(mine=True), visit.user, visit.ports, limit=settings.page_size_max
    )
    data = {
        "page": page,
        "queue": queue,
        "mine": held.items,
        "team": await team_of(queue.wellbeing, visit),
    }
    return Shown("queue", data, ("mine", "waiting", "load"))


async def team_of(wellbeing: Wellbeing, visit: Here) -> list[tuple[str, int]]:
    """Who closed how many cases in the last hour, by handle; whoever did most comes first."""
    people = await accounts.public_accounts(set(wellbeing.team), visit.ports)
    carried = sorted(wellbeing.team.items(), key=lambda one: (-one[1], one[0]))
    return [(people[id].handle, closed) for id, closed in carried]


@PAGES.on("POST", "/moderation/cases/{case_id}/claim")
async def take_case(command: Take, visit: Here) -> Moved:
    wellbeing = await cases.wellbeing(visit.user, visit.ports)
    if wellbeing.break_due and command.anyway is None:
        return Moved(f"/moderation/break?{urlencode({'case_id': command.case_id})}")
    await review.claim_case(OneCase(case_id=command.case_id), visit.user, visit.ports)
    return Moved(address_of(command.case_id))


@PAGES.on("GET", "/moderation/break")
async def suggest_break(command: Break, visit: Here) -> Shown:
    wellbeing = await cases.wellbeing(visit.user, visit.ports)
    return Shown("break", {"case_id": command.case_id, "wellbeing": wellbeing})


@PAGES.on("POST", "/moderation/cases/{case_id}/release")
async def give_back(command: OneCase, visit: Here) -> Moved:
    await cases.release_case(command, visit.user, visit.ports)
    return Moved("/moderation/?did=release")


@PAGES.on("GET", "/moderation/cases/{case_id}")
async def show_case(command: OneCase, visit: Here) -> Shown:
    """Looking takes nothing: a case is shown to who holds it, others are asked to take it first."""
    try:
        detail = await review.reread_case(command, visit.user, visit.ports)
    except Conflict as error:
        return Shown("not_held", {"case_id": command.case_id, "error": error}, status=error.http_status)
    return Shown("case", shown_of(detail, DecisionForm(case_id=command.case_id)))


@PAGES.on("POST", "/moderation/cases/{case_id}/decide")
async def decide(form: DecisionForm, visit: Here) -> Shown | Moved:
    """What is wrong with the form is said on the page, which keeps what was written."""
    try:
        command = command_of(form)
        decided = await deciding.decide(command, visit.user, visit.ports)
    except Invalid as error:
        detail = await review.reread_case(OneCase(case_id=form.case_id), visit.user, visit.ports)
        return Shown("case", shown_of(detail, form, error), status=error.http_status)
    return Moved(f"/moderation/?{urlencode({'did': command.action, 'state': decided.state})}")


@PAGES.on("GET", "/moderation/voice-notes/{voice_note_id}")
async def play(query: OneVoiceNote, visit: Here) -> Download:
    return sound_of(await voice_notes.open_voice_note(query, visit.user, visit.ports), visit.ports)


def shown_of(detail: CaseDetail, form: DecisionForm, error: Invalid | None = None) -> dict[str, Any]:
    return {
        "detail": detail,
        "form": form,
        "error": error,
        "means": meanings(detail.case),
        "proposals": proposals(detail),
        "alone_days_max": ALONE_DAYS_MAX,
        "needs_reason": [action for action in detail.actions if action in APPEALABLE],
    }


def address_of(case_id: str) -> str:
    return f"/moderation/cases/{case_id}"
