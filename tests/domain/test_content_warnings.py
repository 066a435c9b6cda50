"""Content warnings: asked for gently, given by the author, kept when a moderator gave them."""

from typing import Any

import pytest

from domain import content_warnings, moderation
from domain.content_warnings import EditWarning
from domain.errors import Forbidden, NotFound, RateLimited
from domain.notices import PLEASE_WARN
from domain.posts import PostView, get_post
from domain.rooms import FEED
from tests.domain.test_people import appeal, decide, reported
from tests.domain.test_scanning import verdict
from tests.domain.world import World

SWEARING, METHODS = ("profanity",), ("method_seeking",)


async def warn(
    world: World, user: Any, post: PostView, warning: str | None = "talks about methods"
) -> PostView:
    command = EditWarning(post_id=post.id, content_warning=warning)
    answer = await content_warnings.edit_warning(command, user, world.ports)
    await world.ports.announcer.drain()
    return answer.post


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch) -> None:
    one = verdict("ask_warning_label", labels=SWEARING)
    monkeypatch.setattr(moderation, "scan", lambda text, *, context=None: one)


@pytest.mark.usefixtures("asks")
async def test_an_author_is_asked_once_and_others_see_the_warning_that_is_given(world: World) -> None:
    author, reader = await world.person(), await world.person()
    post = await world.post(author)
    await world.work("scan_post", times=2)
    (notice,) = await world.news(author, "moderation:notice")
    assert (notice["action"], notice["target_id"], notice["reason"]) == ("ask_warning", post.id, PLEASE_WARN)
    assert notice["appeal_code"] is None
    await world.work("notify")
    (told,) = await world.news(author, "notification:new")
    assert (told["notification"]["kind"], told["notification"]["post_id"]) == ("moderation", post.id)
    assert (await warn(world, author, post)).content_warning == "talks about methods"
    changed = (await world.told(FEED))[-1]
    assert (changed["event"], changed["data"]["post"]["content_warning"]) == (
        "post:changed",
        "talks about methods",
    )
    assert (await get_post(post.id, reader, world.ports)).content_warning == "talks about methods"
    await world.work("rescan_post")
    assert len(await world.news(author, "moderation:notice")) == 1


async def test_whoever_may_be_in_danger_is_asked_in_the_app_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = verdict("show_help", "ask_warning_label", labels=METHODS)
    monkeypatch.setattr(moderation, "scan", lambda text, *, context=None: one)
    author = await world.person()
    await world.post(author)
    await world.work("scan_post", "notify")
    (notice,) = await world.news(author, "moderation:notice")
    assert notice["action"] == "ask_warning"
    assert world.owed("notify") == []
    assert await world.news(author, "notification:new") == []


@pytest.mark.usefixtures("asks")
async def test_whoever_sends_an_sos_or_gave_a_warning_is_asked_for_nothing(world: World) -> None:
    author = await world.person()
    await world.post(author, type="sos")
    await world.post(author, content_warning="methods")
    await world.work("scan_post")
    assert await world.news(author, "moderation:notice") == []


async def test_a_warning_is_scanned_like_any_other_text(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = await world.person()
    post = await world.post(author)
    await world.work("scan_post")
    masked = verdict("mask", labels=("contact_exchange",), masked="call [phone removed]")

    def scan(text: str, *, context: Any = None) -> Any:
        return masked if text.startswith("call") else verdict("allow", labels=())

    monkeypatch.setattr(moderation, "scan", scan)
    await warn(world, author, post, "call 0151 555 0100")
    await world.work("rescan_post", times=2)
    assert (await world.stored(post.id)).content_warning == "call [phone removed]"
    assert (await world.told(FEED))[-1]["data"]["post"]["content_warning"] == "call [phone removed]"


async def test_a_warning_is_taken_away_again(world: World) -> None:
    author = await world.person()
    post = await world.post(author, content_warning="relapse")
    assert (await warn(world, author, post, None)).content_warning is None


async def test_a_moderators_warning_stays_until_an_appeal_takes_it_back(world: World) -> None:
    author, post, case = await reported(world)
    await decide(world, await world.person(role="moderator"), case, "label", label="Talks about overdose")
    with pytest.raises(Forbidden):
        await warn(world, author, post, None)
    await decide(world, await world.person(role="moderator"), await appeal(world, author), "restore")
    assert (await warn(world, author, post, "my own words")).content_warning == "my own words"


async def test_nobody_warns_of_the_posts_of_others_or_of_what_is_hidden(world: World) -> None:
    author, other = await world.person(), await world.person()
    post = await world.post(author)
    with pytest.raises(Forbidden):
        await warn(world, other, post)
    await world.ports.content.posts.change(post.id, {"status": "hidden"})
    for user in (author, other):
        with pytest.raises(NotFound):
            await warn(world, user, post)


@pytest.mark.parametrize("world", [{"posts_per_hour": 2}], indirect=True)
async def test_warnings_are_edited_only_so_often(world: World) -> None:
    author = await world.person()
    post = await world.post(author)
    for number in range(2):
        await warn(world, author, post, f"warning {number}")
    with pytest.raises(RateLimited):
        await warn(world, author, post)
