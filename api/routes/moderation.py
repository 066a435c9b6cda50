"""What moderators see and do, and how others disagree."""

from api.route import REQUESTS, Routes
from domain import appeals, audit, blocks, cases, deciding, pages, review, roles
from domain.accounts import User
from domain.appeals import Appeal, Appealed
from domain.audit import AuditQuery, LineView
from domain.blocks import Blocked
from domain.cases import OneCase, Queue, QueueQuery
from domain.decisions import Decide, Decided
from domain.pages import Page
from domain.ports import Ports
from domain.review import CaseDetail
from domain.roles import ChangeRole, RoleChanged
from domain.wire import Nothing

routes = Routes()


def size(limit: int | None, ports: Ports) -> int:
    return pages.page_limit(limit, usual=ports.settings.page_size, most=ports.settings.page_size_max)


@routes.signed_in("GET", "/v1/moderation/queue")
async def queue(query: QueueQuery, user: User, ports: Ports) -> Queue:
    """Open cases, the most urgent first and of these the oldest; and how the one who asks is doing."""
    return await cases.read_queue(query, user, ports, limit=size(query.limit, ports))


@routes.signed_in("POST", "/v1/moderation/{case_id}/claim")
async def claim(command: OneCase, user: User, ports: Ports) -> CaseDetail:
    """Takes a case for a quarter of an hour and shows all of it; text stays blurred until asked for."""
    return await review.claim_case(command, user, ports)


@routes.signed_in("POST", "/v1/moderation/{case_id}/release", status=204)
async def release(command: OneCase, user: User, ports: Ports) -> None:
    """Gives a case back; nobody asks why."""
    await cases.release_case(command, user, ports)


@routes.signed_in("POST", "/v1/moderation/{case_id}/decide")
async def decide(command: Decide, user: User, ports: Ports) -> Decided:
    """Decides a case and acts on it. A ban of more than 30 days takes two people."""
    return await deciding.decide(command, user, ports)


@routes.public("POST", "/v1/moderation/appeals", limit=REQUESTS, status=201)
async def appeal(command: Appeal, ports: Ports) -> Appealed:
    """Appeals a decision, once, with the code from its notice; somebody else will look."""
    return await appeals.appeal(command, ports)


@routes.signed_in("POST", "/v1/moderation/roles")
async def change_role(command: ChangeRole, user: User, ports: Ports) -> RoleChanged:
    """Gives an account a role; for admins."""
    return await roles.change_role(command, user, ports)


@routes.signed_in("GET", "/v1/moderation/audit")
async def audit_lines(query: AuditQuery, user: User, ports: Ports) -> Page[LineView]:
    """The audit log, newest first: all of it for admins, what moderation did for moderators."""
    return await audit.read_lines(query, user, ports, limit=size(query.limit, ports))


@routes.signed_in("GET", "/v1/me/blocks")
async def my_blocks(_: Nothing, user: User, ports: Ports) -> Blocked:
    """Whom I blocked; never who blocked me."""
    return await blocks.my_blocks(user, ports)
