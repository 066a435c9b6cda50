"""What an author and a helper do after the first word: each deed answers, is told, and may be sent again."""

from typing import Any

import pytest

from tests.realtime.conftest import Phone, Running, StartPhone

QUESTION = {"client_id": "deeds-post-1", "type": "question", "content": "What helps you at night?"}


@pytest.fixture
async def scene(server: Running, start_phone: StartPhone) -> tuple[Phone, Phone, str]:
    """An author, a helper who has the thread open, and the post's id."""
    author, helper = await start_phone(server), await start_phone(server)
    post_id: str = (await author.ok("post:create", **QUESTION))["post"]["id"]
    for phone in (author, helper):
        await phone.ok("post:open", post_id=post_id)
    return author, helper, post_id


async def answered(helper: Phone, post_id: str) -> str:
    said = {"client_id": "deeds-answer-1", "post_id": post_id, "content": "A warm light, and tea."}
    response_id: str = (await helper.ok("support:respond", **said))["response"]["id"]
    return response_id


async def test_urgency_is_changed_by_the_author_and_told(scene: tuple[Phone, Phone, str]) -> None:
    author, helper, post_id = scene
    answer = await author.ok("post:edit_urgency", post_id=post_id, urgency=4)
    assert (answer["post"]["urgency"], answer["post"]["edited_at"] is None) == (4, False)
    told = await helper.received("post:changed", lambda told: told["data"]["post"]["urgency"] == 4)
    assert told["data"]["post"] == answer["post"]
    refused = await helper.refused("post:edit_urgency", {"post_id": post_id, "urgency": 1})
    assert refused["code"] == "forbidden"


async def test_a_closed_post_takes_no_more_answers_and_closes_once(scene: tuple[Phone, Phone, str]) -> None:
    author, helper, post_id = scene
    first = await author.ok("post:close", post_id=post_id)
    assert await author.ok("post:close", post_id=post_id) == first
    assert first["post"]["status"] == "closed"
    await helper.received("post:changed", lambda told: told["data"]["post"]["status"] == "closed")
    said = {"client_id": "deeds-answer-2", "post_id": post_id, "content": "Too late."}
    assert (await helper.refused("support:respond", said))["code"] == "gone"


async def test_a_deleted_post_is_gone_for_everybody(scene: tuple[Phone, Phone, str]) -> None:
    author, helper, post_id = scene
    answer = await author.ok("post:delete", post_id=post_id)
    assert answer["post"]["status"] == "removed"
    told = await helper.received("post:removed")
    assert told["data"] == {"post_id": post_id, "reason": "deleted"}
    for phone in (author, helper):
        assert (await phone.refused("post:open", {"post_id": post_id}))["code"] == "not_found"


async def test_quick_support_is_taken_back_and_twice_is_once(scene: tuple[Phone, Phone, str]) -> None:
    author, helper, post_id = scene
    tap = {"post_id": post_id, "kind": "been_there"}
    await helper.ok("support:quick", **tap)
    await author.received("support:changed", lambda told: told["data"]["counts"] == {"been_there": 1})
    for _ in range(2):
        assert await helper.ok("support:undo", **tap) == {"counts": {}, "mine": []}
    await author.received("support:changed", lambda told: told["data"]["counts"] == {})


async def test_an_answer_is_thanked_for_by_the_author_alone(scene: tuple[Phone, Phone, str]) -> None:
    author, helper, post_id = scene
    response_id = await answered(helper, post_id)
    thanked = {"post_id": post_id, "response_id": response_id, "thanked": True}
    for _ in range(2):
        assert await author.ok("support:thank", response_id=response_id) == thanked
    assert (await helper.received("support:thanked"))["data"] == thanked
    assert (await helper.refused("support:thank", {"response_id": response_id}))["code"] == "forbidden"
    thread = await author.ok("post:open", post_id=post_id)
    assert [one["thanked"] for one in thread["responses"]["items"]] == [True]


async def test_an_answer_is_taken_back_by_who_gave_it(scene: tuple[Phone, Phone, str]) -> None:
    author, helper, post_id = scene
    response_id = await answered(helper, post_id)
    await author.received("response:new")
    assert (await author.refused("response:delete", {"response_id": response_id}))["code"] == "forbidden"
    await helper.ok("response:delete", response_id=response_id)
    gone = {"post_id": post_id, "response_id": response_id, "reason": "deleted"}
    assert (await author.received("response:removed"))["data"] == gone
    assert (await helper.refused("response:delete", {"response_id": response_id}))["code"] == "not_found"


TARGETS = ["post", "response", "user", "circle"]


@pytest.mark.parametrize("target", TARGETS)
async def test_anything_that_one_sees_can_be_reported_once(
    scene: tuple[Phone, Phone, str], target: str
) -> None:
    author, helper, post_id = scene
    ids: dict[str, Any] = {"post": post_id, "user": author.id}
    if target == "response":
        ids["response"] = await answered(author, post_id)
    if target == "circle":
        ids["circle"] = (await author.ok("circle:create", name="Night watch"))["circle"]["id"]
    report = {"target": target, "target_id": ids[target], "reason": "spam"}
    first = await helper.ok("report:create", **report)
    assert await helper.ok("report:create", **report) == first
    assert (await author.refused("report:create", report))["code"] == "invalid"
