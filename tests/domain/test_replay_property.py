"""Whatever is said, masked, warned of, hidden and brought back, in any order: replay shows what stands."""

import contextlib
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain import content_warnings, moderation, posts, responses, scanning, visibility
from domain.accounts import User
from domain.content_warnings import EditWarning
from domain.errors import Gone, NotFound
from domain.ids import new_id
from domain.moderation import ScanContext, Verdict
from domain.posts import ClosePost, DeletePost, PostView
from domain.responses import DeleteResponse, ResponseView
from domain.rooms import FEED, post_room, user_room
from tests.domain.test_replay import replayed
from tests.domain.test_scanning import verdict
from tests.domain.world import World

SEEN = {"live", "closed"}
TO_POSTS = ("mask", "warn", "hide", "restore", "close", "delete", "answer")
TO_ANSWERS = ("mask_answer", "hide_answer", "restore_answer", "delete_answer")

Deed = tuple[str, int]

deeds = st.lists(st.tuples(st.sampled_from(("post", *TO_POSTS, *TO_ANSWERS)), st.integers(0, 3)), max_size=20)


def scan(text: str, *, context: ScanContext | None = None) -> Verdict:
    """Finds something to mask until it is masked."""
    masked = f"{text} (masked)"
    known = text.endswith("(masked)")
    return (
        verdict("allow", labels=()) if known else verdict("mask", labels=("contact_exchange",), masked=masked)
    )


class Room:
    """An author, a helper, and what they do; what cannot be done any more is not done."""

    def __init__(self, world: World, author: User, helper: User) -> None:
        self.world, self.author, self.helper = world, author, helper
        self.posts: list[PostView] = []
        self.answers: list[ResponseView] = []

    async def do(self, what: str, number: int) -> None:
        self.world.clock.advance(seconds=1)
        if what == "post":
            self.posts.append(await self.world.post(self.author, content=f"post {len(self.posts)}"))
            return
        things: list[Any] = self.answers if what in TO_ANSWERS else self.posts
        if not things:
            return
        with contextlib.suppress(NotFound, Gone):
            await getattr(self, what)(things[number % len(things)].id)
        await self.world.ports.announcer.drain()

    async def mask(self, id: str) -> None:
        await scanning.scan_post(id, self.world.ports, cause=new_id())

    async def warn(self, id: str) -> None:
        command = EditWarning(post_id=id, content_warning=f"warning {new_id()}")
        await content_warnings.edit_warning(command, self.author, self.world.ports)

    async def hide(self, id: str) -> None:
        await visibility.withhold_post(await self.world.stored(id), "hidden", new_id(), self.world.ports)

    async def restore(self, id: str) -> None:
        post = await self.world.stored(id)
        if post.status == "hidden":
            await visibility.restore_post(post, "live", new_id(), self.world.ports)

    async def close(self, id: str) -> None:
        await posts.close_post(ClosePost(post_id=id), self.author, self.world.ports)

    async def delete(self, id: str) -> None:
        await posts.delete_post(DeletePost(post_id=id), self.author, self.world.ports)

    async def answer(self, id: str) -> None:
        post = next(post for post in self.posts if post.id == id)
        self.answers.append(await self.world.answer(self.helper, post, content=f"answer {len(self.answers)}"))

    async def mask_answer(self, id: str) -> None:
        await scanning.scan_response(id, self.world.ports, cause=new_id())

    async def hide_answer(self, id: str) -> None:
        response = await self.world.ports.content.responses.get(id)
        assert response is not None
        await visibility.withhold_response(response, "hidden", new_id(), self.world.ports)

    async def restore_answer(self, id: str) -> None:
        response = await self.world.ports.content.responses.get(id)
        assert response is not None
        if response.status == "hidden":
            await visibility.restore_response(response, new_id(), self.world.ports)

    async def delete_answer(self, id: str) -> None:
        await responses.delete_response(DeleteResponse(response_id=id), self.helper, self.world.ports)


async def check_stands(told: dict[str, Any], world: World) -> None:
    """Nothing that is gone is told, and nothing in other words than those that stand."""
    data = told["data"]
    if "post" in data:
        post = await world.stored(data["post"]["id"])
        assert post.status in SEEN
        assert (data["post"]["content"], data["post"]["content_warning"]) == (
            post.content,
            post.content_warning,
        )
    if "response" in data:
        response = await world.ports.content.responses.get(data["response"]["id"])
        assert response is not None
        assert (response.status, data["response"]["content"]) == ("live", response.content)


@settings(max_examples=60)
@given(done=deeds)
@example(done=[("post", 0), ("answer", 0), ("hide", 0), ("mask_answer", 0)])
@example(done=[("post", 0), ("answer", 0), ("delete", 0), ("mask_answer", 0)])
@example(done=[("post", 0), ("answer", 0), ("hide", 0), ("mask", 0), ("mask_answer", 0), ("restore", 0)])
async def test_replay_shows_what_stands(done: list[Deed]) -> None:
    world = World(posts_per_hour=1000, responses_per_hour=1000, slowed_posts_per_hour=1000)
    room = Room(world, await world.person(), await world.person())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(moderation, "scan", scan)
        for what, number in done:
            await room.do(what, number)
    rooms = [(FEED, room.helper), (user_room(room.author.id), room.author)]
    seen = [post for post in room.posts if (await world.stored(post.id)).status in SEEN]
    rooms += [(post_room(post.id), room.helper) for post in seen]
    for name, reader in rooms:
        for told in await replayed(world, name, reader):
            await check_stands(told, world)
