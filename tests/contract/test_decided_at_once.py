"""What is decided about one person or text at the same moment: the decisions agree, and so does what is seen.

A deed of somebody else is done in the middle of another one, at the place where it hurts most.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from domain import appeals, deciding, enforcement, erasure, moderation, notices, posts, reports, scanning
from domain import sessions as logins
from domain.accounts import User
from domain.appeals import Appeal
from domain.clock import utc_now
from domain.decisions import Action, Decide, Decided
from domain.erasure import EraseMe
from domain.ids import new_id
from domain.moderation import Verdict
from domain.ports import Ports
from domain.posts import CreatePost
from domain.reports import CreateReport
from domain.rooms import FEED
from domain.sessions import RegisterAnonymous

Deed = Callable[[], Awaitable[object]]
PAIRS = 4
"""Real stores decide who is first: more than one try leaves little to luck."""


async def person(ports: Ports, **fields: Any) -> User:
    registered = await logins.register_anonymous(RegisterAnonymous(), ports)
    if fields:
        await ports.records.accounts.update(registered.account.id, fields)
    return await logins.identify(registered.tokens.access_token, ports)


async def said(author: User, ports: Ports) -> str:
    command = CreatePost(client_id=new_id(), type="check_in", content="Day 30.")
    return (await posts.create_post(command, author, ports)).post.id


async def reported(target: Any, target_id: str, ports: Ports) -> str:
    """The id of the case."""
    reporter = await person(ports)
    command = CreateReport(target=target, target_id=target_id, reason="spam")
    await reports.create_report(command, reporter, ports)
    made = await ports.records.reports.by_reporter(reporter.id, target, target_id)
    assert made is not None
    return made.case_id


async def decided(case_id: str, action: Action, ports: Ports, **fields: Any) -> str:
    """The id of the decision; of another moderator each time."""
    moderator = await person(ports, role="moderator")
    return (await decide(case_id, action, moderator, ports, **fields)).decision_id


async def decide(case_id: str, action: Action, moderator: User, ports: Ports, **fields: Any) -> Decided:
    command = Decide(case_id=case_id, action=action, **{"reason": "Please be kind.", **fields})
    return await deciding.decide(command, moderator, ports)


async def appealed(decision_id: str, ports: Ports) -> str:
    """The id of the case."""
    code = notices.appeal_code(decision_id, ports)
    command = Appeal(decision_id=decision_id, appeal_code=code, note="I did not mean it so.")
    return (await appeals.appeal(command, ports)).case_id


async def status_of(post_id: str, ports: Ports) -> str:
    post = await ports.content.posts.get(post_id)
    assert post is not None
    return post.status


async def account_status(user: User, ports: Ports) -> str:
    account = await ports.records.accounts.get(user.id)
    assert account is not None
    return account.status


async def told_last(ports: Ports) -> str:
    await ports.announcer.drain()
    return (await ports.rooms.read(FEED, 0, 100)).events[-1].event


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Does a deed once, in the middle of what uses `rows`: before a call that is `meant`, or after it."""

    def put(
        rows: object, method: str, deed: Deed, meant: Callable[..., bool], *, after: bool = False
    ) -> None:
        asked = getattr(rows, method)

        async def call(*args: Any, **options: Any) -> Any:
            if not meant(*args):
                return await asked(*args, **options)
            monkeypatch.setattr(rows, method, asked)
            answer = await asked(*args, **options) if after else None
            await deed()
            return answer if after else await asked(*args, **options)

        monkeypatch.setattr(rows, method, call)

    return put


@pytest.fixture
def vile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is scanned is to be hidden."""
    found = Verdict(("harassment",), {"harassment": 0.95}, (), "hide", ("hide",), None, "en")
    monkeypatch.setattr(moderation, "scan", lambda text, *, context=None: found)


def second_call() -> Callable[..., bool]:
    """A scan looks at what was decided when it reads, and when it acts."""
    calls = iter((False, True))
    return lambda *_: next(calls)


@pytest.mark.usefixtures("vile")
async def test_two_scans_at_the_same_moment_decide_once(ports: Ports, between: Callable[..., None]) -> None:
    author = await person(ports)
    post_id = await said(author, ports)
    between(
        ports.records.decisions,
        "of_target",
        lambda: scanning.scan_post(post_id, ports, cause="tuesday"),
        second_call(),
        after=True,
    )
    await scanning.scan_post(post_id, ports)
    made = await ports.records.decisions.of_subject(author.id, 9)
    assert [(one.action, one.state) for one in made] == [("hide", "active")]
    assert await status_of(post_id, ports) == "hidden"


@pytest.mark.usefixtures("vile")
async def test_what_a_person_decides_while_a_scan_is_at_work_stands(
    ports: Ports, between: Callable[..., None]
) -> None:
    post_id = await said(await person(ports), ports)
    case_id = await reported("post", post_id, ports)
    between(
        ports.records.decisions,
        "of_target",
        lambda: decided(case_id, "dismiss", ports),
        second_call(),
        after=True,
    )
    await scanning.scan_post(post_id, ports)
    made = await ports.records.decisions.of_target("post", post_id, 9)
    assert [one.action for one in made] == ["dismiss"]
    assert await status_of(post_id, ports) == "live"


@pytest.mark.usefixtures("vile")
async def test_hands_that_hide_slowly_do_not_outlast_a_dismissal(
    ports: Ports, between: Callable[..., None]
) -> None:
    author = await person(ports)
    post_id = await said(author, ports)

    async def dismissed() -> None:
        (made,) = await ports.records.decisions.of_subject(author.id, 9)
        await decided(made.case_id, "dismiss", ports)

    between(ports.content.posts, "change", dismissed, lambda _, changes: changes.get("status") == "hidden")
    await scanning.scan_post(post_id, ports)
    assert await status_of(post_id, ports) == "live"
    assert await told_last(ports) == "post:new"


async def test_hands_that_restore_slowly_do_not_bring_back_what_was_hidden_anew(
    ports: Ports, between: Callable[..., None]
) -> None:
    post_id = await said(await person(ports), ports)
    hidden = await decided(await reported("post", post_id, ports), "hide", ports)
    appeal_id = await appealed(hidden, ports)
    case = await ports.records.cases.get(appeal_id)
    assert case is not None
    again = reports.new_case(
        CreateReport(target="post", target_id=post_id, reason="threat"), case.subject_id, 1.0, ports
    )

    async def hidden_anew() -> None:
        async with ports.transaction() as tx:
            await tx.cases.open(again)
        await decided(again.id, "hide", ports)

    between(ports.content.posts, "change", hidden_anew, lambda _, changes: changes.get("status") == "live")
    await decided(appeal_id, "restore", ports)
    assert await status_of(post_id, ports) == "hidden"
    assert await told_last(ports) == "post:removed"


async def test_of_two_bans_at_the_same_moment_the_longer_holds(ports: Ports) -> None:
    judges = [await person(ports, role="moderator") for _ in range(2)]
    for _ in range(PAIRS):
        author = await person(ports)
        cases = [await reported("post", await said(author, ports), ports) for _ in judges]
        bans = zip(cases, judges, (20, 3), strict=True)
        await asyncio.gather(*(decide(id, "ban", judge, ports, days=days) for id, judge, days in bans))
        until = (await ports.records.standings.get(author.id)).banned_until
        assert until is not None
        assert until > utc_now() + timedelta(days=19)


async def test_a_ban_in_the_moment_when_the_one_before_ends_holds(ports: Ports) -> None:
    judge = await person(ports, role="moderator")
    for _ in range(PAIRS):
        author = await person(ports)
        case_id = await reported("post", await said(author, ports), ports)
        await ports.records.standings.update(author.id, {"banned_until": utc_now() - timedelta(seconds=1)})
        await ports.records.accounts.update(author.id, {"status": "banned"})
        await asyncio.gather(
            decide(case_id, "ban", judge, ports, days=3), enforcement.lift_if_over(author.id, ports)
        )
        assert await account_status(author, ports) == "banned"


async def test_whoever_erases_the_account_while_they_are_banned_is_erased(ports: Ports) -> None:
    judge = await person(ports, role="moderator")
    for _ in range(PAIRS):
        registered = await logins.register_anonymous(RegisterAnonymous(), ports)
        author = await logins.identify(registered.tokens.access_token, ports)
        case_id = await reported("post", await said(author, ports), ports)
        await asyncio.gather(
            decide(case_id, "ban", judge, ports, days=3),
            erasure.erase_me(EraseMe(recovery_code=registered.recovery_code), author, ports),
            return_exceptions=True,
        )
        assert await account_status(author, ports) == "erased"
