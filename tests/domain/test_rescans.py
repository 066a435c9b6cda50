"""Rescans: what changed rules would do is shown before it is done, and done once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain import moderation, rescans, scanning
from domain.content_warnings import EditWarning, edit_warning
from domain.moderation import Verdict
from tests.domain.test_people import decide, only_case, reported
from tests.domain.test_scanning import verdict
from tests.domain.world import World

Rules = dict[str, Verdict]

STRICT: Rules = {
    "vile": verdict("hide", labels=("harassment",)),
    "doubtful": verdict("hold", labels=("spam",)),
    "number": verdict("mask", labels=("contact_exchange",), masked="[phone removed]"),
    "methods": verdict("show_help", "notify_moderators", "ask_warning_label", labels=("method_seeking",)),
}


@pytest.fixture
def ruled(monkeypatch: pytest.MonkeyPatch) -> Callable[[Rules], None]:
    """From then on each of these words means something, and nothing else does."""

    def change(rules: Rules) -> None:
        nothing = verdict("allow", labels=())
        monkeypatch.setattr(moderation, "scan", lambda text, *, context=None: rules.get(text, nothing))

    return change


async def written(world: World) -> dict[str, str]:
    """A scanned post of each word; their ids."""
    posts = {word: await world.post(await world.person(), content=word) for word in (*STRICT, "fine")}
    await world.work("scan_post")
    return {word: post.id for word, post in posts.items()}


async def statuses(world: World, ids: dict[str, str]) -> dict[str, str]:
    return {word: (await world.stored(id)).status for word, id in ids.items()}


async def test_a_dry_run_shows_each_effect_and_changes_nothing(
    world: World, ruled: Callable[[Rules], None]
) -> None:
    ruled({})
    ids = await written(world)
    answer = await world.answer(await world.person(), await world.post(await world.person()), content="vile")
    ruled(STRICT)
    before, was = world.rows(), await statuses(world, ids)
    found = await rescans.dry_run(world.ports)
    once = dict.fromkeys(("hold", "mask", "ask_for_warning", "offer_help", "call_moderators"), 1)
    assert (found.scanned, found.counts) == (len(ids) + 2, {"hide": 2, **once})
    assert found.samples["hide"] == [f"post:{ids['vile']}", f"response:{answer.id}"]
    assert (world.rows(), await statuses(world, ids)) == (before, was)


async def test_what_was_shown_is_done_by_jobs_once_and_then_nothing_is_left(
    world: World, ruled: Callable[[Rules], None]
) -> None:
    ruled({})
    ids = await written(world)
    ruled(STRICT)
    found = await rescans.dry_run(world.ports)
    assert await rescans.apply(found, "tuesday", world.ports) == len(STRICT)
    await rescans.apply(found, "tuesday", world.ports)
    assert await world.work("rescan_post", times=2) == len(STRICT)
    changed = {"vile": "hidden", "doubtful": "held"}
    assert await statuses(world, ids) == dict.fromkeys(ids, "live") | changed
    assert (await world.stored(ids["number"])).content == "[phone removed]"
    assert (await rescans.dry_run(world.ports)).changes == []


async def test_what_a_person_decided_no_rule_changes(world: World, ruled: Callable[[Rules], None]) -> None:
    ruled({})
    _, post, case = await reported(world, content="vile")
    await decide(world, await world.person(role="moderator"), case, "dismiss")
    ruled(STRICT)
    found = await rescans.dry_run(world.ports)
    assert found.counts == {}
    assert (await world.stored(post.id)).status == "live"


async def test_what_was_withheld_by_mistake_comes_back(world: World, ruled: Callable[[Rules], None]) -> None:
    ruled(STRICT)
    post = await world.post(await world.person(), content="doubtful")
    await world.work("scan_post")
    assert (await only_case(world)).closed_at is None
    ruled({})
    found = await rescans.dry_run(world.ports)
    assert found.counts == {"release": 1}
    await rescans.apply(found, "tuesday", world.ports)
    await world.work("rescan_post", times=2)
    assert ((await world.stored(post.id)).status, (await only_case(world)).outcome) == ("live", "dismiss")


async def test_what_is_older_than_the_window_is_left_alone(
    world: World, ruled: Callable[[Rules], None]
) -> None:
    ruled(STRICT)
    await written(world)
    world.clock.advance(days=2)
    assert (await rescans.dry_run(world.ports, window=timedelta(days=1))).scanned == 0


async def test_a_dry_run_reads_the_warning_as_the_scan_does(
    world: World, ruled: Callable[[Rules], None]
) -> None:
    ruled({})
    vile = await world.post(await world.person(), content="fine", content_warning="vile")
    listed = await world.post(await world.person(), content="fine", content_warning="number")
    await world.work("scan_post")
    ruled(STRICT)
    found = await rescans.dry_run(world.ports)
    assert found.counts == {"hide": 1, "mask": 1}
    await rescans.apply(found, "tuesday", world.ports)
    await world.work("rescan_post")
    assert (await world.stored(vile.id)).status == "hidden"
    assert (await world.stored(listed.id)).content_warning == "[phone removed]"
    assert (await rescans.dry_run(world.ports)).changes == []


async def test_what_people_reported_stays_for_people_when_rules_think_better_of_it(
    world: World, ruled: Callable[[Rules], None]
) -> None:
    ruled({})
    _, post, case = await reported(world, content="doubtful")
    ruled(STRICT)
    await rescans.apply(await rescans.dry_run(world.ports), "tuesday", world.ports)
    await world.work("rescan_post")
    assert (await world.stored(post.id)).status == "held"
    ruled({})
    await rescans.apply(await rescans.dry_run(world.ports), "wednesday", world.ports)
    await world.work("rescan_post", times=2)
    still = await only_case(world)
    assert ((await world.stored(post.id)).status, still.id, still.closed_at) == ("live", case.id, None)


async def test_whoever_is_hidden_already_is_not_told_again_by_another_scan(
    world: World, ruled: Callable[[Rules], None]
) -> None:
    ruled(STRICT)
    author = await world.person()
    post = await world.post(author, content="vile")
    await world.work()
    await scanning.scan_post(post.id, world.ports, cause="tuesday")
    assert [told["action"] for told in await world.news(author, "moderation:notice")] == ["hide"]


async def test_a_warning_that_came_after_a_person_had_judged_is_read(
    world: World, ruled: Callable[[Rules], None]
) -> None:
    ruled(STRICT)
    author, post, case = await reported(world, content="fine")
    await decide(world, await world.person(role="moderator"), case, "dismiss")
    world.clock.advance(minutes=1)
    await edit_warning(EditWarning(post_id=post.id, content_warning="vile"), author, world.ports)
    await world.work("rescan_post")
    stored = await world.stored(post.id)
    assert (stored.status, stored.content_warning) == ("live", None)


async def test_no_scan_masks_what_a_person_let_stand(world: World, ruled: Callable[[Rules], None]) -> None:
    ruled({})
    _, post, case = await reported(world, content="number")
    await decide(world, await world.person(role="moderator"), case, "dismiss")
    ruled(STRICT)
    assert (await rescans.dry_run(world.ports)).changes == []
    await scanning.scan_post(post.id, world.ports, cause="tuesday")
    assert (await world.stored(post.id)).content == "number"
