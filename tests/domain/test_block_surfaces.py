"""Blocked pairs never see each other, on any surface, whatever else happens around them."""

from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain import blocks, discovery, invitations, members, notifications, posts, resume
from domain.accounts import User
from domain.blocks import RemoveBlock
from domain.circles import CircleFilter
from domain.errors import Conflict, NotFound
from domain.invitations import Invite
from domain.posts import PostFilter, PostView, get_post
from domain.responses import post_responses
from domain.rooms import FEED, Position, circle_room, post_room, user_room
from tests.domain.world import World

PEOPLE = 4
PAGE = 50

Deed = tuple[str, int, int]
"""What somebody does, who (by number), and to whom or to which post."""

deeds = st.lists(
    st.tuples(
        st.sampled_from(["post", "circle_post", "answer", "tap", "block", "unblock", "invite"]),
        st.integers(0, PEOPLE - 1),
        st.integers(0, PEOPLE - 1),
    ),
    max_size=25,
)


class Town:
    """Four people in one circle, who do what hypothesis thinks of."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.people: list[User] = []
        self.posts: list[PostView] = []
        self.circle_id = ""
        self.own: dict[str, str] = {}

    async def open(self) -> None:
        self.people = [await self.world.person() for _ in range(PEOPLE)]
        owner, *members = self.people
        self.circle_id = (await self.world.circle(owner, *members)).id
        self.own = {person.id: (await self.world.circle(person)).id for person in self.people}

    async def do(self, deed: Deed) -> None:
        what, who, whom = deed
        person, other = self.people[who], self.people[whom]
        if what in {"post", "circle_post"}:
            circle: dict[str, Any] = {"circle_id": self.circle_id, "visibility": "circle"}
            self.posts.append(await self.world.post(person, **(circle if what == "circle_post" else {})))
        elif what == "block" and person is not other:
            await self.world.block(person, other)
        elif what == "unblock":
            await blocks.remove_block(RemoveBlock(user_id=other.id), person, self.world.ports)
        elif what == "invite" and person is not other:
            await self._invite(person, other)
        elif what in {"answer", "tap"} and self.posts:
            await self._help(what, person, self.posts[whom % len(self.posts)])
        await self.world.work("notify", "set_apart")
        self.world.clock.advance(seconds=1)

    async def settle(self, neighbour: User) -> None:
        """Somebody whom nobody knows taps once on every post: its counts are told as things are."""
        for post in self.posts:
            await self.world.tap(neighbour, post, "stay_strong")
        self.world.clock.advance(seconds=1)

    async def _invite(self, person: User, other: User) -> None:
        command = Invite(circle_id=self.own[person.id], user_id=other.id)
        try:
            await invitations.invite(command, person, self.world.ports)
        except NotFound:
            assert other.id in await self.world.ports.records.blocks.around(person.id)

    async def _help(self, what: str, person: User, post: PostView) -> None:
        try:
            if what == "answer":
                await self.world.answer(person, post)
            else:
                await self.world.tap(person, post)
        except NotFound:
            assert post.author.id in await self.world.ports.records.blocks.around(person.id)


async def surfaces(town: Town, reader: User) -> dict[str, str]:
    """Everything that one person can be shown, as text."""
    ports = town.world.ports
    wanted = PostFilter()
    shown: dict[str, object] = {
        "feed": await posts.feed(wanted, reader, ports, cursor=None, limit=PAGE),
        "circle": await posts.circle_posts(town.circle_id, wanted, reader, ports, cursor=None, limit=PAGE),
        "for me": await posts.feed(PostFilter(sort="for_me"), reader, ports, cursor=None, limit=PAGE),
        "members": await members.list_members(town.circle_id, reader, ports, cursor=None, limit=PAGE),
        "invited to": await invitations.my_invitations(reader, ports, cursor=None, limit=PAGE),
        "invited by": await invitations.list_invitations(
            town.own[reader.id], reader, ports, cursor=None, limit=PAGE
        ),
        "discovered": await discovery.list_circles(CircleFilter(), reader, ports, limit=PAGE),
        "history": await posts.history(reader, ports, cursor=None, limit=PAGE),
        "notifications": await notifications.my_notifications(reader, ports, cursor=None, limit=PAGE),
    }
    for room in (FEED, circle_room(town.circle_id), user_room(reader.id)):
        shown[f"replay of {room}"] = await replay(room, reader, town)
    for post in town.posts:
        if (thread := await thread_of(post, reader, town)) is not None:
            shown[f"thread {post.id}"] = thread
    return {name: str(value) for name, value in shown.items()}


async def replay(room: str, reader: User, town: Town) -> object:
    log = await town.world.ports.rooms.read(room, 0, 1)
    position = Position(epoch=log.epoch, seq=0)
    events = (await resume.room_events(room, position, reader, town.world.ports)).events
    return [bytes(event) for event in events]


async def thread_of(post: PostView, reader: User, town: Town) -> object:
    ports = town.world.ports
    try:
        view = await get_post(post.id, reader, ports)
        answers = await post_responses(post.id, reader, ports, cursor=None, limit=PAGE)
        return view, answers, await replay(post_room(post.id), reader, town)
    except NotFound:
        return None


async def answers_seen(post: PostView, reader: User, town: Town) -> tuple[int, int] | None:
    """How many answers are counted, and how many there are."""
    ports = town.world.ports
    try:
        view = await get_post(post.id, reader, ports)
        page = await post_responses(post.id, reader, ports, cursor=None, limit=PAGE)
    except NotFound:
        return None
    return view.counts.responses, len(page.items)


async def counts_replayed(room: str, reader: User, town: Town) -> dict[str, list[dict[str, int]]]:
    """What the reader is told of quick supports, by post."""
    told: dict[str, list[dict[str, int]]] = {}
    log = await town.world.ports.rooms.read(room, 0, 1)
    position = Position(epoch=log.epoch, seq=0)
    for event in (await resume.room_events(room, position, reader, town.world.ports)).events:
        data = msgspec.json.decode(event)["data"]
        if "counts" in data:
            told.setdefault(data["post_id"], []).append(data["counts"])
    return told


@settings(max_examples=40)
@given(done=deeds)
@example(done=[("post", 0, 0), ("tap", 1, 0), ("block", 2, 1)])
@example(done=[("block", 2, 1), ("post", 0, 0), ("tap", 1, 0), ("unblock", 2, 1)])
async def test_every_count_that_is_told_is_the_one_that_is_shown(done: list[Deed]) -> None:
    town = Town(World(posts_per_hour=1000, new_account_circles_per_day=10, blocks_per_hour=1000))
    await town.open()
    neighbour = await town.world.person()
    await town.world.ports.records.circles.join(town.circle_id, neighbour.id, town.world.clock())
    for deed in done:
        await town.do(deed)
    await town.settle(neighbour)
    await town.world.ports.announcer.drain()
    for reader in town.people:
        for room in (FEED, circle_room(town.circle_id)):
            for post_id, told in (await counts_replayed(room, reader, town)).items():
                shown = (await get_post(post_id, reader, town.world.ports)).counts.supports
                assert told == [shown] * len(told)


@settings(max_examples=60)
@given(done=deeds)
async def test_nothing_of_a_blocked_person_is_on_any_surface(done: list[Deed]) -> None:
    town = Town(World(posts_per_hour=1000, new_account_circles_per_day=10, blocks_per_hour=1000))
    await town.open()
    for deed in done:
        await town.do(deed)
    for reader in town.people:
        apart = await town.world.ports.records.blocks.around(reader.id)
        for name, text in (await surfaces(town, reader)).items():
            for other in apart:
                assert other not in text, name
                theirs = [post.id for post in town.posts if post.author.id == other]
                assert not [id for id in [*theirs, town.own[other]] if id in text], name
        for post in town.posts:
            seen = await answers_seen(post, reader, town)
            assert seen is None or seen[0] == seen[1]


async def test_nobody_blocks_without_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCKS_MAX", 2)
    person, *others = [await world.person() for _ in range(4)]
    for other in (*others[:2], others[0]):
        await world.block(person, other)
    with pytest.raises(Conflict):
        await world.block(person, others[2])
    await blocks.remove_block(RemoveBlock(user_id=others[0].id), person, world.ports)
    await world.block(person, others[2])


async def test_a_block_looks_like_absence_to_both(world: World) -> None:
    blocker, blocked = await world.person(), await world.person()
    post = await world.post(blocker)
    await world.block(blocker, blocked)
    with pytest.raises(NotFound) as refused:
        await get_post(post.id, blocked, world.ports)
    with pytest.raises(NotFound) as missing:
        await get_post("0198a000-0000-7000-8000-000000000000", blocked, world.ports)
    assert refused.value.as_dict() == missing.value.as_dict()
    assert (await blocks.my_blocks(blocked, world.ports)).items == []
    assert [face.id for face in (await blocks.my_blocks(blocker, world.ports)).items] == [blocked.id]
    room = user_room(blocked.id)
    assert await world.names(room) == [blocks.CHANGED]
    position = Position(epoch=(await world.ports.rooms.read(room, 0, 1)).epoch, seq=0)
    assert (await resume.room_events(room, position, blocked, world.ports)).events == []
