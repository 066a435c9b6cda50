"""Reconciliation: what is kept beside the truth is put right, and only when it is really off."""

from msgspec.structs import replace

from domain import reconciliation
from domain.posts import PostView
from domain.responses import Response
from domain.rooms import post_room
from tests.contract.makers import Makers
from tests.domain.world import World


async def test_a_balance_that_is_off_becomes_the_sum_again(world: World) -> None:
    author, helper = await world.person(), await world.person()
    await world.answer(helper, await world.post(author))
    await world.work()
    accounts = world.fakes.tables.accounts
    accounts[helper.id] = replace(accounts[helper.id], strength_points=40)
    assert await reconciliation.reconcile_balances(world.ports) == {helper.id: 37}
    assert accounts[helper.id].strength_points == 3
    assert await reconciliation.reconcile_balances(world.ports) == {}


async def uncounted(world: World, post: PostView) -> Response:
    """A response whose server died before it was counted."""
    return await Makers(world.ports).stored_response(post.id)


async def test_a_drift_that_lasts_is_put_right_and_told(world: World) -> None:
    post = await world.post(await world.person())
    await uncounted(world, post)
    await world.ports.content.posts.count_support(post.id, "been_there", 2)
    assert await reconciliation.suspect_counts(world.ports) == 1
    (job,) = world.owed("recount_post")
    assert job.run_at == world.clock() + reconciliation.RECOUNT_AFTER
    assert await reconciliation.recount_post(**job.args, ports=world.ports)
    stored = await world.stored(post.id)
    assert (stored.responses, stored.supports) == (1, {"been_there": 0})
    assert "post:changed" in await world.names(post_room(post.id))
    assert await reconciliation.suspect_counts(world.ports) == 0


async def test_a_drift_that_was_only_on_its_way_is_left_alone(world: World) -> None:
    post = await world.post(await world.person())
    await uncounted(world, post)
    await reconciliation.suspect_counts(world.ports)
    (job,) = world.owed("recount_post")
    await world.ports.content.posts.count_response(post.id, 1)
    assert not await reconciliation.recount_post(**job.args, ports=world.ports)
    assert (await world.stored(post.id)).responses == 1


async def test_every_page_of_posts_is_looked_at(world: World) -> None:
    author = await world.person(role="admin")
    made = [
        await Makers(world.ports).stored_post(author_id=author.id) for _ in range(reconciliation.PAGE + 1)
    ]
    await Makers(world.ports).stored_response(made[0].id)
    assert await reconciliation.suspect_counts(world.ports) == 1
