"""Whatever people do with a circle, one after the other, it stays whole."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.circle_life import DEEDS, Deed, begun
from tests.domain.world import World

PEOPLE = 5
deeds = st.lists(
    st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, PEOPLE - 1), st.integers(0, PEOPLE - 1)),
    max_size=25,
)


@settings(max_examples=120)
@given(done=deeds)
async def test_a_circle_stays_whole_whatever_is_done(done: list[Deed]) -> None:
    world = World()
    life = await begun(world.ports, [await world.person() for _ in range(PEOPLE)])
    for deed in done:
        await life.do(deed)
        await life.check()
