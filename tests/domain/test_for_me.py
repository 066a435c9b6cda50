"""For me: whom I may help comes first, everything comes once, and an SOS never waits behind anything."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import for_me, pages, posts
from domain.accounts import User
from domain.errors import Invalid
from domain.helping import EditHelping, edit_helping
from domain.ids import new_id
from domain.posts import ClosePost, PostFilter, PostView
from domain.trackers import CreateTracker, create_tracker
from tests.domain.world import World

FOR_ME = PostFilter(sort="for_me")


@pytest.fixture(autouse=True)
def _ids_in_the_order_of_their_making(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also within a millisecond."""
    numbers = itertools.count(1)
    monkeypatch.setattr(posts, "new_id", lambda: f"{next(numbers):08x}{new_id()[8:]}")


async def walked(world: World, reader: User, wanted: PostFilter = FOR_ME, *, limit: int = 3) -> list[str]:
    """The ids of the whole feed, page by page."""
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await posts.feed(wanted, reader, world.ports, cursor=cursor, limit=limit)
        seen += [post.id for post in page.items]
        if (cursor := page.next_cursor) is None:
            return seen


async def shelf(world: World, author: User, helper: User) -> dict[str, PostView]:
    """A post of every band, made so that their order in time is another one."""
    made = {
        "closed": await world.post(author, categories=["alcohol"]),
        "sos, long waiting": await world.post(author, type="sos"),
        "answered, common": await world.post(author, categories=["alcohol", "other"]),
        "waiting": await world.post(author, categories=["gambling"]),
        "waiting, common": await world.post(author, categories=["alcohol"]),
        "answered": await world.post(author),
        "sos": await world.post(author, type="sos", categories=["alcohol"], urgency=1),
        "sos, answered": await world.post(author, type="sos"),
    }
    for name in ("answered", "answered, common", "sos, answered"):
        await world.answer(helper, made[name])
    await posts.close_post(ClosePost(post_id=made["closed"].id), author, world.ports)
    return made


ORDER = [
    "sos, long waiting",
    "sos",
    "waiting, common",
    "waiting",
    "answered, common",
    "sos, answered",
    "answered",
    "closed",
]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.parametrize("world", [{"posts_per_hour": 100}], indirect=True)
async def test_bands_come_one_after_the_other_whatever_the_page(world: World, limit: int) -> None:
    author, helper, reader = [await world.person() for _ in range(3)]
    made = await shelf(world, author, helper)
    await create_tracker(CreateTracker(category="alcohol"), reader, world.ports)
    names = {post.id: name for name, post in made.items()}
    assert [names[id] for id in await walked(world, reader, limit=limit)] == ORDER


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"type": "sos"}, ["sos, long waiting", "sos", "sos, answered"]),
    ({"type": "check_in"}, ["waiting, common", "waiting", "answered, common", "answered", "closed"]),
    ({"category": "alcohol"}, ["sos", "waiting, common", "answered, common", "closed"]),
    ({"unanswered": True}, ["sos, long waiting", "sos", "waiting, common", "waiting", "closed"]),
    ({"urgency_min": 5}, ["sos, long waiting", "sos, answered"]),
]


@pytest.mark.parametrize(("asked", "expected"), FILTERS)
@pytest.mark.parametrize("world", [{"posts_per_hour": 100}], indirect=True)
async def test_filters_narrow_the_order_down(
    world: World, asked: dict[str, Any], expected: list[str]
) -> None:
    author, helper, reader = [await world.person() for _ in range(3)]
    names = {post.id: name for name, post in (await shelf(world, author, helper)).items()}
    await create_tracker(CreateTracker(category="alcohol"), reader, world.ports)
    wanted = PostFilter(sort="for_me", **asked)
    assert [names[id] for id in await walked(world, reader, wanted, limit=2)] == expected


async def test_what_is_common_comes_from_trackers_circles_and_helping(world: World) -> None:
    reader = await world.person()
    assert await for_me.common_categories(reader, world.ports) == ()
    await create_tracker(CreateTracker(category="nicotine"), reader, world.ports)
    await world.circle(await world.person(), reader, category="gambling")
    await world.circle(await world.person(), reader, category="general")
    await edit_helping(EditHelping(opted_in=True, categories=["alcohol"]), reader, world.ports)
    assert await for_me.common_categories(reader, world.ports) == ("alcohol", "gambling", "nicotine")


async def test_blocked_people_are_in_no_band(world: World) -> None:
    author, helper, reader = [await world.person() for _ in range(3)]
    await world.post(author, type="sos")
    kept = await world.post(helper)
    await world.block(reader, author)
    assert await walked(world, reader) == [kept.id]


async def test_a_post_that_is_answered_meanwhile_is_not_missed(world: World) -> None:
    author, helper, reader = [await world.person() for _ in range(3)]
    made = [await world.post(author) for _ in range(4)]
    first = await posts.feed(FOR_ME, reader, world.ports, cursor=None, limit=1)
    for post in made:
        await world.answer(helper, post)
    seen = [first.items[0].id]
    cursor = first.next_cursor
    while cursor is not None:
        page = await posts.feed(FOR_ME, reader, world.ports, cursor=cursor, limit=1)
        seen += [post.id for post in page.items]
        cursor = page.next_cursor
    assert set(seen) == {post.id for post in made}


@pytest.mark.parametrize("cursor", [[0, "a"], [7, "a"], [1], ["a", 1], [1, "not an id"], [1, "a", "b"]])
async def test_a_cursor_of_another_list_is_refused(world: World, cursor: list[str | int]) -> None:
    reader = await world.person()
    with pytest.raises(Invalid) as refusal:
        await posts.feed(FOR_ME, reader, world.ports, cursor=pages.encode_cursor(cursor), limit=5)
    assert refusal.value.field == "cursor"


post_kinds = st.lists(
    st.tuples(
        st.sampled_from(["sos", "check_in", "question"]),
        st.sampled_from([[], ["alcohol"], ["gambling"], ["alcohol", "gambling"]]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=8,
)
"""Type, categories, answered, closed."""


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(kinds=post_kinds, limit=st.integers(1, 4))
async def test_every_post_comes_once_and_a_waiting_sos_first(kinds: list[Any], limit: int) -> None:
    world = World(posts_per_hour=100)
    author, helper, reader = [await world.person() for _ in range(3)]
    await create_tracker(CreateTracker(category="alcohol"), reader, world.ports)
    waiting, made = [], []
    for type_, categories, answered, closed in kinds:
        post = await world.post(author, type=type_, categories=categories)
        made.append(post.id)
        if answered:
            await world.answer(helper, post)
        if closed:
            await posts.close_post(ClosePost(post_id=post.id), author, world.ports)
        if type_ == "sos" and not (answered or closed):
            waiting.append(post.id)
    seen = await walked(world, reader, limit=limit)
    assert sorted(seen) == sorted(made)
    assert seen[: len(waiting)] == waiting
