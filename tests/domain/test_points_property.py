"""Whatever is given, taken back, withheld and brought back in whatever order: points end as what stands."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain import support, visibility
from domain.accounts import User
from domain.errors import DomainError
from domain.ids import new_id
from domain.posts import PostView
from domain.support import GiveSupport, QuickKind, UndoSupport
from tests.domain.world import World

KINDS: tuple[QuickKind, ...] = ("been_there", "stay_strong")
STEPS = ("give", "undo", "answer", "withhold_answer", "restore_answer", "withhold", "restore", "work")


class Helping:
    """One post, one helper, and what happens between them; what is refused changes nothing."""

    def __init__(self, world: World, post: PostView, helper: User) -> None:
        self.world = world
        self.post = post
        self.helper = helper
        self.answer_id: str | None = None

    async def give(self, kind: QuickKind) -> None:
        command = GiveSupport(post_id=self.post.id, kind=kind)
        await support.give_support(command, self.helper, self.world.ports)

    async def undo(self, kind: QuickKind) -> None:
        command = UndoSupport(post_id=self.post.id, kind=kind)
        await support.undo_support(command, self.helper, self.world.ports)

    async def answer(self, _: QuickKind) -> None:
        if self.answer_id is None:
            self.answer_id = (await self.world.answer(self.helper, self.post)).id

    async def withhold_answer(self, _: QuickKind) -> None:
        response = await self.world.ports.content.responses.get(self.answer_id or "")
        if response is not None and response.status == "live":
            await visibility.withhold_response(response, "held", new_id(), self.world.ports)

    async def restore_answer(self, _: QuickKind) -> None:
        response = await self.world.ports.content.responses.get(self.answer_id or "")
        if response is not None and response.status == "held":
            await visibility.restore_response(response, new_id(), self.world.ports)

    async def withhold(self, _: QuickKind) -> None:
        post = await self.world.stored(self.post.id)
        if post.status == "live":
            await visibility.withhold_post(post, "held", new_id(), self.world.ports)

    async def restore(self, _: QuickKind) -> None:
        post = await self.world.stored(self.post.id)
        if post.status == "held":
            await visibility.restore_post(post, "live", new_id(), self.world.ports)

    async def work(self, _: QuickKind) -> None:
        await self.world.work()

    async def worth(self) -> int:
        """Of what is in sight at the end."""
        if (await self.world.stored(self.post.id)).status != "live":
            return 0
        taps = await self.world.ports.content.supports.kinds_of(self.post.id, self.helper.id)
        said = await self.world.ports.content.responses.said_by(self.helper.id, self.post.id)
        return len(taps) + 3 * len(said)


GIVEN_AGAIN = ("give", "work", "undo", "work", "give")
HELD_BEFORE_IT_WAS_SCORED = ("answer", "withhold_answer", "work", "restore_answer")


@example(steps=[(step, "been_there") for step in GIVEN_AGAIN])
@example(steps=[(step, "been_there") for step in HELD_BEFORE_IT_WAS_SCORED])
@settings(max_examples=60)
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(KINDS)), max_size=14))
async def test_points_end_as_what_stands_is_worth(steps: list[tuple[str, QuickKind]]) -> None:
    world = World()
    helping = Helping(world, await world.post(await world.person()), await world.person())
    for name, kind in steps:
        try:
            await getattr(helping, name)(kind)
        except DomainError:
            continue
        world.clock.advance(seconds=1)
    while await world.work():
        pass
    assert await world.points(helping.helper) == await helping.worth()
