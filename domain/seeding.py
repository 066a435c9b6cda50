"""Seeding: what a fresh installation shows, so that the first minute is not an empty room."""

from typing import NamedTuple

import msgspec

from domain import accounts, appeals, circles, deciding, notices, posts, reports
from domain.accounts import Account, Role, User
from domain.appeals import Appeal
from domain.circles import CreateCircle
from domain.decisions import Decide
from domain.errors import Conflict, NotFound
from domain.ids import derived_id
from domain.ports import Ports
from domain.posts import CreatePost
from domain.reports import CreateReport, ReportReason

OPERATOR, MODERATOR, HELPER, NEWCOMER = "operator", "harbour-watch", "river-helper", "first-day"
GUEST = "loud-guest"


class Seeded(NamedTuple):
    """Handles to log in with; all have the same password."""

    handles: tuple[str, ...]
    created: bool


PEOPLE: tuple[tuple[str, Role, str], ...] = (
    (OPERATOR, "admin", "owl"),
    (HELPER, "helper", "otter"),
    (NEWCOMER, "user", "wren"),
)
MODERATED: tuple[tuple[str, Role, str], ...] = ((MODERATOR, "moderator", "heron"), (GUEST, "user", "fox"))

CIRCLES = (
    CreateCircle(name="First thirty days", description="Early days, one at a time.", category="alcohol"),
    CreateCircle(name="Night watch", description="For when everybody else sleeps.", category="general"),
)

POSTS = (
    CreatePost(
        client_id="seed-victory-1",
        type="victory",
        content="Thirty days today. I did not think I would see this number.",
        categories=["alcohol"],
    ),
    CreatePost(
        client_id="seed-question-1",
        type="question",
        content="What do you do with your hands in the evening, now that there is no glass in them?",
    ),
)


RUDE = CreatePost(
    client_id="seed-rude-1", type="question", content="Why is everybody in here so weak? Just stop whining."
)
BOAST = CreatePost(client_id="seed-boast-1", type="question", content="Who wants my leftover bottles?")
LOW = CreatePost(
    client_id="seed-low-1",
    type="check_in",
    content="Three days without sleep. Nobody would notice if I went.",
)


async def seed(password: str, ports: Ports) -> Seeded:
    """Makes the people, circles, posts and cases of a development installation; each once."""
    handles = (OPERATOR, MODERATOR, HELPER, NEWCOMER)
    by_handle = ports.records.accounts.by_handle
    created = await by_handle(OPERATOR) is None
    if created:
        await _seed_life(password, ports)
    if await by_handle(MODERATOR) is None:
        await _seed_cases(password, ports)
    return Seeded(handles, created)


async def _seed_life(password: str, ports: Ports) -> None:
    hashed = await ports.passwords.hash(password)
    people = [await _person(handle, role, avatar, hashed, ports) for handle, role, avatar in PEOPLE]
    for command in CIRCLES:
        await circles.create_circle(command, _user(people[1]), ports)
    for post, person in zip(POSTS, people[1:], strict=True):
        await posts.create_post(post, _user(person), ports)


async def _seed_cases(password: str, ports: Ports) -> None:
    """Somebody in danger, somebody who is rude, and an appeal: what a moderator may find in the queue."""
    hashed = await ports.passwords.hash(password)
    _, guest = [await _person(handle, role, avatar, hashed, ports) for handle, role, avatar in MODERATED]
    operator, helper, newcomer = [await _person(*one, hashed, ports) for one in PEOPLE]
    await _reported(LOW, newcomer, "worried", helper, ports)
    await _reported(RUDE, guest, "harassment", newcomer, ports)
    case_id = await _reported(BOAST, guest, "selling", newcomer, ports)
    hide = Decide(case_id=case_id, action="hide", reason="Please offer nothing to drink here.")
    decided = await deciding.decide(hide, _user(operator), ports)
    code = notices.appeal_code(decided.decision_id, ports)
    note = "It was a bad joke. There are no bottles."
    await appeals.appeal(Appeal(decision_id=decided.decision_id, appeal_code=code, note=note), ports)


async def _reported(
    command: CreatePost, author: Account, reason: ReportReason, reporter: Account, ports: Ports
) -> str:
    """The id of the case."""
    post = (await posts.create_post(command, _user(author), ports)).post
    report = CreateReport(target="post", target_id=post.id, reason=reason)
    await reports.create_report(report, _user(reporter), ports)
    made = await ports.records.reports.by_reporter(reporter.id, "post", post.id)
    if made is None:
        raise NotFound
    return made.case_id


async def _person(handle: str, role: Role, avatar: str, hashed: str, ports: Ports) -> Account:
    fresh = accounts.new_account(ports, handle=None, avatar=avatar, country=None)
    account = msgspec.structs.replace(
        fresh,
        id=derived_id("seed", handle),
        handle=handle,
        role=role,
        password_hash=hashed,
        recovery_hash=None,
    )
    try:
        await ports.records.accounts.add(account)
    except Conflict:
        return await ports.records.accounts.by_handle(handle) or account
    return account


def _user(account: Account) -> User:
    return User(id=account.id, session_id=account.id, role=account.role)
