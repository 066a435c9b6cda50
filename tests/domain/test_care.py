"""Care for data: what was said goes when its time is over; that help was given stays."""

from datetime import timedelta

import pytest

from domain import care, posts, responses, sessions
from domain.errors import NotFound, Unauthenticated
from domain.invitations import Invite, invite
from domain.rooms import FEED, post_room
from domain.sessions import Refresh, RegisterAnonymous
from tests.domain.world import World


async def test_expired_content_is_gone_and_its_counts_are_kept(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author, content="I almost drank.", content_warning="relapse")
    answer = await world.answer(helper, post)
    await world.tap(helper, post)
    await world.work()
    world.clock.advance(days=world.ports.settings.post_expiry_days)
    assert await care.expire_content(world.ports) == 1
    stored = await world.stored(post.id)
    assert (stored.status, stored.content, stored.content_warning) == ("expired", "", None)
    assert (stored.responses, stored.supports) == (1, {"been_there": 1})
    said = await world.ports.content.responses.get(answer.id)
    assert said is not None
    assert (said.status, said.content) == ("expired", "")
    assert await world.ports.content.supports.kinds_of(post.id, helper.id) == []
    assert await world.points(helper) == 4


async def test_nobody_sees_an_expired_post_any_more(world: World) -> None:
    author, other = await world.person(), await world.person()
    post = await world.post(author)
    world.clock.advance(days=31)
    await care.expire_content(world.ports)
    for user in (author, other):
        with pytest.raises(NotFound):
            await posts.get_post(post.id, user, world.ports)
    assert (await posts.history(author, world.ports, cursor=None, limit=20)).items == []
    for room in (FEED, post_room(post.id)):
        gone = (await world.told(room))[-1]
        assert (gone["event"], gone["data"]) == ("post:removed", {"post_id": post.id, "reason": "expired"})


async def test_expiring_again_changes_nothing(world: World) -> None:
    post = await world.post(await world.person())
    world.clock.advance(days=31)
    await care.expire_content(world.ports)
    before = world.rows()
    assert await care.expire_content(world.ports) == 0
    assert world.rows() == before
    assert await world.names(post_room(post.id)) == ["post:removed"]


async def test_what_was_removed_is_emptied_without_a_word(world: World) -> None:
    author = await world.person()
    post = await world.post(author)
    await posts.remove_post(await world.stored(post.id), world.ports)
    world.clock.advance(days=31)
    await care.expire_content(world.ports)
    assert (await world.stored(post.id)).content == ""
    assert (await world.names(FEED)).count("post:removed") == 1


async def test_what_is_not_due_stays(world: World) -> None:
    post = await world.post(await world.person())
    world.clock.advance(days=29)
    assert await care.expire_content(world.ports) == 0
    assert (await world.stored(post.id)).content == post.content


async def test_a_removed_response_stays_removed(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    answer = await world.answer(helper, post)
    command = responses.DeleteResponse(response_id=answer.id)
    await responses.delete_response(command, helper, world.ports)
    world.clock.advance(days=31)
    await care.expire_content(world.ports)
    said = await world.ports.content.responses.get(answer.id)
    assert said is not None
    assert (said.status, said.content) == ("removed", "")


async def test_sessions_that_nobody_can_use_are_forgotten(world: World) -> None:
    registered = await sessions.register_anonymous(RegisterAnonymous(), world.ports)
    await world.person()
    world.clock.advance(seconds=world.ports.settings.refresh_token_seconds)
    kept = await sessions.register_anonymous(RegisterAnonymous(), world.ports)
    assert await care.prune_sessions(world.ports) == 0
    world.clock.time += timedelta(days=1, seconds=1)
    assert await care.prune_sessions(world.ports) == 4
    assert list(world.fakes.tables.sessions) == [
        session.id
        for session in world.fakes.tables.sessions.values()
        if session.account_id == kept.account.id
    ]
    assert await care.prune_sessions(world.ports) == 0
    with pytest.raises(Unauthenticated):
        await sessions.refresh(Refresh(refresh_token=registered.tokens.refresh_token), world.ports)


async def test_an_ended_session_is_kept_for_a_month(world: World) -> None:
    user = await world.person()
    await sessions.log_out(user, world.ports)
    world.clock.advance(days=30)
    await care.prune_sessions(world.ports)
    assert list(world.fakes.tables.sessions) == [user.session_id]
    world.clock.advance(seconds=1)
    await care.prune_sessions(world.ports)
    assert list(world.fakes.tables.sessions) == []


async def test_an_invitation_is_forgotten_a_week_after_its_end(world: World) -> None:
    owner = await world.person()
    circle = await world.circle(owner)
    await invite(Invite(circle_id=circle.id, expires_in_hours=1), owner, world.ports)
    world.clock.advance(days=7)
    assert await care.prune_invitations(world.ports) == 0
    world.clock.advance(hours=2)
    assert await care.prune_invitations(world.ports) == 1
    assert await care.prune_invitations(world.ports) == 0


async def test_who_was_asked_about_an_sos_and_who_looked_is_forgotten_a_week_later(world: World) -> None:
    author, helper = await world.person(), await world.person()
    over, waiting = await world.post(author, type="sos"), await world.post(author, type="sos")
    for post in (over, waiting):
        await world.ports.records.ladders.ask(post.id, 1, [helper.id], world.clock())
        await world.ports.records.ladders.see(post.id, helper.id)
    await world.tap(helper, over)
    world.clock.advance(days=7)
    assert await care.prune_attention(world.ports) == 0
    world.clock.advance(seconds=1)
    assert await care.prune_attention(world.ports) == 2
    assert [await world.ports.records.ladders.seen(post.id) for post in (over, waiting)] == [0, 1]
    assert await world.ports.records.ladders.asked(over.id) == []
