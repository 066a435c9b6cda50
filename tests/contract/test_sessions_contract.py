"""What `domain.ports.Sessions` promises."""

import asyncio
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from domain.accounts import User
from domain.clock import utc_now
from domain.ids import new_id
from domain.ports import Ports, Use
from domain.sessions import EndedSession, RefreshToken
from tests.contract.deadline import DEADLINE_SECONDS
from tests.contract.makers import Makers

LOOK_SECONDS = 0.2
"""How long something that must wait is given to prove that it does not."""


async def test_an_open_session_names_its_user(ports: Ports, make: Makers) -> None:
    account = await make.account(role="helper", country="DE", timezone="Europe/Berlin")
    session = await make.session(account.id)
    assert await ports.records.sessions.user_of(session.id) == User(
        id=account.id, session_id=session.id, role="helper", country="DE", timezone="Europe/Berlin"
    )
    assert await ports.records.sessions.user_of(new_id()) is None


@pytest.mark.parametrize("status", ["banned", "erased"])
async def test_nobody_is_behind_a_session_of_a_banned_or_erased_account(
    status: str, ports: Ports, make: Makers
) -> None:
    account = await make.account()
    session = await make.session(account.id)
    await ports.records.accounts.update(account.id, {"status": status})
    assert await ports.records.sessions.user_of(session.id) is None


async def test_an_ended_session_keeps_its_first_reason(ports: Ports, make: Makers) -> None:
    account = await make.account()
    session, other = await make.session(account.id), await make.session(account.id)
    start = utc_now()
    await ports.records.sessions.end(session.id, "reuse", start)
    await ports.records.sessions.end(session.id, "logged_out", start + timedelta(seconds=1))
    assert await ports.records.sessions.user_of(session.id) is None
    assert await ports.records.sessions.user_of(other.id) is not None
    ended = EndedSession(session.id, account.id, "reuse", start)
    assert await ports.records.sessions.ended_since(start) == [ended]
    assert await ports.records.sessions.ended_since(start + timedelta(milliseconds=1)) == []


async def test_all_sessions_of_one_account_end_together(ports: Ports, make: Makers) -> None:
    account, stranger = await make.account(), await make.account()
    mine = [await make.session(account.id) for _ in range(3)]
    theirs = await make.session(stranger.id)
    now = utc_now()
    await ports.records.sessions.end_all(account.id, "password_changed", now)
    ended = await ports.records.sessions.ended_since(now)
    assert {(one.session_id, one.account_id, one.reason) for one in ended} == {
        (session.id, account.id, "password_changed") for session in mine
    }
    assert await ports.records.sessions.user_of(theirs.id) is not None


async def test_open_sessions_are_listed_last_used_first(ports: Ports, make: Makers) -> None:
    account, stranger = await make.account(), await make.account()
    first, second, ended = [await make.session(account.id) for _ in range(3)]
    await make.session(stranger.id)
    sessions, now = ports.records.sessions, utc_now()
    await sessions.end(ended.id, "logged_out", now)
    late, early = now + timedelta(seconds=1), now - timedelta(days=1)
    await sessions.note_uses([Use(first.id, late, "ios", "1.2"), Use(ended.id, late), Use(new_id(), late)])
    await sessions.note_uses([Use(first.id, early)])
    await sessions.note_uses([])
    found = await sessions.open(account.id, now - timedelta(days=1), 10)
    assert [one.id for one in found] == [first.id, second.id]
    assert (found[0].platform, found[0].app_version) == ("ios", "1.2")
    assert found[0].last_used_at == late
    assert found[1].last_used_at == second.created_at
    assert [one.id for one in await sessions.open(account.id, now, 10)] == [first.id]
    assert [one.id for one in await sessions.open(account.id, now - timedelta(days=1), 1)] == [first.id]


async def test_noting_a_use_waits_for_nobody(ports: Ports, make: Makers) -> None:
    """Else a ban and a crowd of connects could wait for each other."""
    session = await make.session((await make.account()).id)
    async with ports.transaction() as tx:
        await tx.sessions.end(session.id, "logged_out", utc_now())
        async with asyncio.timeout(DEADLINE_SECONDS):
            await ports.records.sessions.note_uses([Use(session.id, utc_now())])


async def test_only_ones_own_open_session_can_be_ended(ports: Ports, make: Makers) -> None:
    account, stranger = await make.account(), await make.account()
    session = await make.session(account.id)
    sessions, now = ports.records.sessions, utc_now()
    assert not await sessions.end_own(stranger.id, session.id, "logged_out", now)
    assert await sessions.user_of(session.id) is not None
    assert await sessions.end_own(account.id, session.id, "logged_out", now)
    assert not await sessions.end_own(account.id, session.id, "logged_out", now)
    assert await sessions.user_of(session.id) is None


async def test_a_refresh_token_tells_of_its_use_and_keeps_the_first(ports: Ports, make: Makers) -> None:
    token = await make.refresh_token(await make.session((await make.account()).id))
    now = utc_now()
    async with ports.transaction() as tx:
        assert await tx.sessions.lock_refresh(token.token_hash) == token
        await tx.sessions.mark_used(token.token_hash, now)
        await tx.sessions.mark_used(token.token_hash, now + timedelta(seconds=5))
    async with ports.transaction() as tx:
        used = await tx.sessions.lock_refresh(token.token_hash)
        assert await tx.sessions.lock_refresh(b"unknown") is None
    assert used is not None
    assert (used.used_at, used.session_ended) == (now, False)


async def exchanged(token: RefreshToken, at: datetime, ports: Ports) -> RefreshToken:
    """What a token was exchanged for."""
    given = replace(token, token_hash=new_id().encode(), given_for=token.token_hash)
    await ports.records.sessions.mark_used(token.token_hash, at)
    await ports.records.sessions.add_refresh(given)
    return given


async def uses(ports: Ports, *tokens: RefreshToken) -> list[datetime | None]:
    found = [await ports.records.sessions.get_refresh(token.token_hash) for token in tokens]
    return [token and token.used_at for token in found]


async def test_a_token_is_exchanged_again_until_something_was_made_of_it(ports: Ports, make: Makers) -> None:
    first, bystander = [
        await make.refresh_token(await make.session((await make.account()).id)) for _ in range(2)
    ]
    sessions, noon, later = ports.records.sessions, utc_now(), utc_now() + timedelta(hours=1)
    assert not await sessions.exchange_again(first.token_hash, later)
    lost, in_parallel = [await exchanged(first, noon, ports) for _ in range(2)]
    assert await sessions.exchange_again(first.token_hash, later)
    assert await uses(ports, first, lost, in_parallel, bystander) == [later, noon, noon, None]
    arrived = await exchanged(first, later, ports)
    await exchanged(arrived, later, ports)
    assert not await sessions.exchange_again(first.token_hash, later + timedelta(hours=1))
    assert await uses(ports, first, lost, arrived) == [later, noon, later]
    assert await sessions.get_refresh(arrived.token_hash) == replace(arrived, used_at=later)


async def test_a_refresh_token_is_looked_at_without_holding_it(ports: Ports, make: Makers) -> None:
    session = await make.session((await make.account()).id)
    token = await make.refresh_token(session)
    async with ports.transaction() as tx:
        assert await tx.sessions.lock_refresh(token.token_hash) == token
        assert await tx.sessions.get_refresh(token.token_hash) == token
    await ports.records.sessions.end(session.id, "logged_out", utc_now())
    ended = await ports.records.sessions.get_refresh(token.token_hash)
    assert ended is not None
    assert (ended.session_ended, ended.end_reason) == (True, "logged_out")
    assert await ports.records.sessions.get_refresh(b"unknown") is None


async def test_a_refresh_token_tells_of_the_end_of_its_session(ports: Ports, make: Makers) -> None:
    account = await make.account()
    ended, banned = await make.session(account.id), await make.session((await make.account()).id)
    tokens = [await make.refresh_token(ended), await make.refresh_token(banned)]
    await ports.records.sessions.end(ended.id, "logged_out", utc_now())
    await ports.records.accounts.update(banned.account_id, {"status": "banned"})
    async with ports.transaction() as tx:
        found = [await tx.sessions.lock_refresh(token.token_hash) for token in tokens]
    assert [token.session_ended for token in found if token] == [True, True]


async def test_a_locked_token_waits_for_the_transaction_before_it(ports: Ports, make: Makers) -> None:
    token = await make.refresh_token(await make.session((await make.account()).id))

    async def use_is_seen() -> bool:
        async with ports.transaction() as tx:
            found = await tx.sessions.lock_refresh(token.token_hash)
            return found is not None and found.used_at is not None

    async with ports.transaction() as tx:
        await tx.sessions.lock_refresh(token.token_hash)
        second = asyncio.create_task(use_is_seen())
        await asyncio.wait({second}, timeout=LOOK_SECONDS)
        assert not second.done()
        await tx.sessions.mark_used(token.token_hash, utc_now())
    assert await second


async def test_what_nobody_can_use_any_more_is_pruned(ports: Ports, make: Makers) -> None:
    account = await make.account()
    ended, lapsed, used = [await make.session(account.id) for _ in range(3)]
    expiry = (await make.refresh_token(used)).expires_at
    sessions, later = ports.records.sessions, utc_now() + timedelta(seconds=1)
    await sessions.end(ended.id, "logged_out", utc_now())
    assert await sessions.prune_lapsed(lapsed.created_at, 10) == 0
    assert await sessions.prune_lapsed(later, 10) == 1
    assert await sessions.user_of(lapsed.id) is None
    assert await sessions.user_of(used.id) is not None
    assert await sessions.prune_ended(utc_now() - timedelta(days=1), 10) == 0
    assert await sessions.prune_ended(later, 10) == 1
    assert await sessions.ended_since(utc_now() - timedelta(days=1)) == []
    assert await sessions.prune_refresh(expiry, 10) == 0
    assert await sessions.prune_refresh(expiry + timedelta(seconds=1), 10) == 1
    assert await sessions.prune_lapsed(later, 10) == 1
