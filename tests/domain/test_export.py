"""Export: all that somebody gave, page by page, and nothing of anybody else."""

from typing import Any, get_args

import msgspec
import pytest

from domain import appeals, blocks, deciding, export, notices, pages, reports
from domain.accounts import User
from domain.appeals import Appeal
from domain.blocks import AddBlock
from domain.checkins import RecordCheckIn, record_check_in
from domain.cravings import RecordCraving, record_craving
from domain.decisions import Decide
from domain.errors import Invalid, RateLimited
from domain.export import Export, ExportQuery
from domain.export_sections import SECTIONS
from domain.invitations import Invite, invite
from domain.posts import DeletePost, delete_post
from domain.reports import CreateReport
from domain.support import QuickKind
from domain.trackers import CreateTracker, create_tracker
from tests.domain.world import World


@pytest.fixture
def world() -> World:
    return World(posts_per_hour=1000)


async def page(world: World, user: User, cursor: str | None = None) -> Export:
    return await export.export_me(ExportQuery(cursor=cursor), user, world.ports)


async def exported(world: World, user: User) -> tuple[dict[str, list[Any]], int]:
    """Everything by section as a client would put it together, and on how many pages it was."""
    found: dict[str, list[Any]] = {}
    told, count = await page(world, user), 1
    while True:
        for name, items in told.sections.items():
            found.setdefault(name, []).extend(msgspec.to_builtins(items))
        if told.next_cursor is None:
            return found, count
        told, count = await page(world, user, told.next_cursor), count + 1


async def lived(world: World, user: User, other: User) -> None:
    """A bit of everything."""
    theirs = await world.post(other)
    await world.post(user, content="mine to keep")
    await world.answer(user, theirs, content="mine to say")
    await world.tap(user, theirs)
    circle = await world.circle(user, other)
    await invite(Invite(circle_id=circle.id, uses=3), user, world.ports)
    await blocks.add_block(AddBlock(user_id=(await world.person()).id), user, world.ports)
    tracker = await create_tracker(CreateTracker(category="alcohol"), user, world.ports)
    await record_check_in(RecordCheckIn(tracker_id=tracker.id, note="my morning"), user, world.ports)
    await record_craving(RecordCraving(tracker_id=tracker.id, note="my evening"), user, world.ports)
    report = CreateReport(target="post", target_id=theirs.id, reason="spam", note="my complaint")
    await reports.create_report(report, user, world.ports)
    await world.work("record_activity", "score_support", "notify")


async def test_a_small_account_fits_on_one_page(world: World) -> None:
    user, other = await world.person(handle="quiet-otter"), await world.person()
    await lived(world, user, other)
    found, count = await exported(world, user)
    assert count == 1
    assert found["account"][0]["handle"] == "quiet-otter"
    assert [post["content"] for post in found["posts"]] == ["mine to keep"]
    assert [one["content"] for one in found["responses"]] == ["mine to say"]
    assert [one["kind"] for one in found["supports"]] == ["been_there"]
    assert [one["note"] for one in found["check_ins"]] == ["my morning"]
    assert [one["note"] for one in found["cravings"]] == ["my evening"]
    assert [one["note"] for one in found["reports"]] == ["my complaint"]
    assert [one["role"] for one in found["circles"]] == ["owner"]
    assert [(one["uses_max"], "code_hash" in one) for one in found["invitations"]] == [(3, False)]
    assert [one["category"] for one in found["trackers"]] == ["alcohol"]
    assert [one["current"] for one in found["sessions"]] == [True]
    assert sum(one["change"] for one in found["points"]) == await world.points(user)
    assert len(found["blocks"]) == 1
    assert found["active_days"] == [world.clock().date().isoformat()]
    assert "auth.registered" in [one["action"] for one in found["log"]]


async def test_nothing_that_others_said_is_in_it(world: World) -> None:
    user, other = await world.person(), await world.person()
    await lived(world, user, other)
    mine = await world.post(user)
    await world.answer(other, mine, content="zqx-not-yours")
    await world.work("notify", "score_support")
    found, _ = await exported(world, user)
    assert "zqx-not-yours" not in str(found)
    assert found["notifications"]
    theirs, _ = await exported(world, other)
    assert "mine to keep" not in str(theirs)
    assert "mine to say" not in str(theirs)


async def test_what_was_deleted_and_is_still_stored_is_in_it(world: World) -> None:
    user = await world.person()
    post = await world.post(user, content="taken back")
    await delete_post(DeletePost(post_id=post.id), user, world.ports)
    found, _ = await exported(world, user)
    assert [(one["content"], one["status"]) for one in found["posts"]] == [("taken back", "removed")]


async def test_a_heavy_account_comes_in_pages_that_hold_everything_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ITEMS", 7)
    user, other = await world.person(), await world.person()
    await lived(world, user, other)
    whole, _ = await exported(world, user)
    for number in range(12):
        theirs = await world.post(other)
        await world.answer(user, theirs, content=f"answer {number}")
        for kind in get_args(QuickKind)[: 1 + number % 3]:
            await world.tap(user, theirs, kind)
        tracker = await create_tracker(CreateTracker(category=f"habit_{number}"), user, world.ports)
        await record_check_in(RecordCheckIn(tracker_id=tracker.id), user, world.ports)
        world.clock.advance(seconds=1)
    await world.work("score_support", "notify")
    found, count = await exported(world, user)
    assert count > 5
    assert len(found["responses"]) == len(whole["responses"]) + 12
    assert len(found["supports"]) == len(whole["supports"]) + 24
    assert len(found["check_ins"]) == len(whole["check_ins"]) + 12
    assert len(found["trackers"]) == 13
    for name in ("responses", "check_ins", "trackers"):
        assert len({one["id"] for one in found[name]}) == len(found[name])
    assert len({(one["post_id"], one["kind"]) for one in found["supports"]}) == len(found["supports"])
    assert sum(one["change"] for one in found["points"]) == await world.points(user)


async def test_a_page_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "ITEMS", 7)
    user = await world.person()
    for _ in range(9):
        await world.post(user)
    told, sizes = await page(world, user), []
    while True:
        sizes.append(sum(len(items) for items in told.sections.values()))
        if told.next_cursor is None:
            break
        told = await page(world, user, told.next_cursor)
    assert max(sizes) == 7


async def test_so_many_exports_are_begun_in_an_hour_and_each_may_be_finished(world: World) -> None:
    world = World(exports_per_hour=2)
    user = await world.person()
    cursor = pages.encode_cursor(["posts"])
    for _ in range(2):
        await page(world, user)
    with pytest.raises(RateLimited):
        await page(world, user)
    assert (await page(world, user, cursor)).next_cursor is None
    await page(world, await world.person())


@pytest.mark.parametrize("name", SECTIONS)
async def test_a_cursor_of_another_list_is_refused(name: str, world: World) -> None:
    user = await world.person()
    for position in (["nothing"], [name, {}], [name, "not-an-id", "x", 1], [7], []):
        with pytest.raises(Invalid):
            await page(world, user, pages.encode_cursor(position))  # type: ignore[arg-type]


async def test_what_is_read_by_id_goes_on_behind_an_id_only(world: World) -> None:
    with pytest.raises(Invalid) as refusal:
        await page(world, await world.person(), pages.encode_cursor(["invitations", "not-an-id"]))
    assert refusal.value.field == "cursor"


async def test_a_cursor_shows_nothing_of_somebody_else(world: World) -> None:
    user, other = await world.person(), await world.person()
    await lived(world, other, user)
    for name in SECTIONS:
        told = await page(world, user, pages.encode_cursor([name]))
        assert "mine to" not in str(msgspec.to_builtins(told))
        assert "my " not in str(msgspec.to_builtins(told.sections.get(name)))


async def test_a_decision_is_shown_with_the_appeal_and_without_who_made_it(world: World) -> None:
    user, witness, moderator = [await world.person() for _ in range(3)]
    await world.ports.records.accounts.update(moderator.id, {"role": "moderator"})
    post = await world.post(user)
    report = CreateReport(target="post", target_id=post.id, reason="spam")
    await reports.create_report(report, witness, world.ports)
    (case,) = world.fakes.tables.cases.values()
    by = msgspec.structs.replace(moderator, role="moderator")
    command = Decide(case_id=case.id, action="warn", reason="Please be kind.")
    decided = await deciding.decide(command, by, world.ports)
    code = notices.appeal_code(decided.decision_id, world.ports)
    said = Appeal(decision_id=decided.decision_id, appeal_code=code, note="I was.")
    await appeals.appeal(said, world.ports)
    (shown,) = (await exported(world, user))[0]["decisions"]
    assert (shown["action"], shown["reason"], shown["appeal"]) == ("warn", "Please be kind.", "I was.")
    found, _ = await exported(world, user)
    assert moderator.id not in str(found)
    assert witness.id not in str(found)
