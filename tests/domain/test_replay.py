"""Replay: nobody is told again what is gone or reads otherwise now, whatever order it was told in."""

from typing import Any

import msgspec
import pytest

from domain import moderation, resume
from domain.accounts import User
from domain.ids import new_id
from domain.replay import as_it_is
from domain.rooms import FEED, Logged, Position, post_room, user_room
from tests.domain.test_scanning import verdict
from tests.domain.world import World

PHONE, MASKED = "call 0151 555 0100", "call [phone removed]"


def telling(seq: int, event: str, at: str = "", **data: Any) -> Logged:
    body = b'{"room":"feed","seq":%d,' % seq + msgspec.json.encode({"at": at or f"0{seq}", "data": data})[1:]
    return Logged(seq, seq - 1, new_id(), event, "somebody", body)


def said(seq: int, content: str, event: str = "post:new", **fields: Any) -> Logged:
    return telling(seq, event, post={"id": "p", "content": content, "edited_at": None, **fields})


def words(events: Any) -> list[tuple[int, str]]:
    """The seq in the envelope, and what a telling says."""
    told = [msgspec.json.decode(event.body) for event in events]
    return [(one["seq"], one["data"]["post"]["content"]) for one in told]


async def replayed(world: World, room: str, reader: User) -> list[Any]:
    await world.ports.announcer.drain()
    log = await world.ports.rooms.read(room, 0, 1)
    position = Position(epoch=log.epoch, seq=0)
    answer = await resume.room_events(room, position, reader, world.ports)
    assert answer.recovered
    return [msgspec.json.decode(event) for event in answer.events]


def test_a_log_in_which_nothing_changed_is_replayed_as_it_is() -> None:
    events = [said(1, "one"), telling(2, "sos:attention", post_id="p", state="seen")]
    assert as_it_is(events) is events


def test_the_newest_counts_speak_for_those_before_them() -> None:
    events = [telling(seq, "support:changed", post_id="p", counts={"been_there": seq}) for seq in (1, 2)]
    told = [msgspec.json.decode(event.body) for event in as_it_is([said(3, "one"), *events])]
    assert [one["data"].get("counts") for one in told] == [None, {"been_there": 2}, {"been_there": 2}]
    assert [one["seq"] for one in told] == [3, 1, 2]


def test_a_circle_is_replayed_by_the_name_that_it_has_now() -> None:
    names = ("Only for the strong", "A circle without a name")
    events = [
        telling(seq, "circle:changed", circle={"id": "c", "name": name}) for seq, name in enumerate(names, 1)
    ]
    told = [msgspec.json.decode(event.body)["data"]["circle"]["name"] for event in as_it_is(events)]
    assert told == [names[1]] * 2


def test_the_newest_words_speak_for_every_telling_in_its_own_place() -> None:
    events = [said(1, PHONE), said(2, MASKED, "post:changed", edited_at="02")]
    assert words(as_it_is(events)) == [(1, MASKED), (2, MASKED)]


def test_words_that_were_read_before_a_change_and_told_after_it_are_old() -> None:
    events = [said(1, MASKED, "post:changed", edited_at="02"), said(2, PHONE)]
    assert words(as_it_is(events)) == [(1, MASKED), (2, MASKED)]


def test_what_was_composed_before_a_removal_and_told_after_it_is_gone() -> None:
    removed = telling(1, "post:removed", at="05", post_id="p", reason="moderation")
    late, back = (
        telling(2, "post:new", at="04", post={"id": "p"}),
        telling(3, "post:new", at="06", post={"id": "p"}),
    )
    assert as_it_is([removed, late]) == [removed]
    assert as_it_is([removed, back]) == [removed, back]


def test_answers_to_a_removed_post_go_with_it_and_a_removed_answer_alone() -> None:
    one = telling(1, "response:new", response={"id": "r1", "post_id": "p"})
    other = telling(2, "response:new", response={"id": "r2", "post_id": "p"})
    gone = telling(3, "response:removed", post_id="p", response_id="r1", reason="moderation")
    assert as_it_is([one, other, gone]) == [other, gone]
    post = telling(4, "post:removed", post_id="p", reason="moderation")
    assert as_it_is([one, other, gone, post]) == [gone, post]


def test_a_long_replay_is_worked_out_once_and_anew_when_its_log_was_redacted() -> None:
    events = [said(1, "one"), *(telling(seq, "sos:attention", post_id="q") for seq in range(2, 60))]
    changed = [*events, said(60, MASKED, "post:changed", edited_at="02")]
    first = as_it_is(changed)
    assert as_it_is(list(changed)) is first
    assert words([first[0], first[-1]]) == [(1, MASKED), (60, MASKED)]
    redacted = [*events, said(60, "erased", "post:changed", edited_at="02")]
    assert words([as_it_is(redacted)[0]]) == [(1, "erased")]


def test_help_that_was_offered_stays_offered() -> None:
    offer = telling(1, "crisis:offer", post_id="p", crisis={})
    removed = telling(2, "post:removed", post_id="p", reason="deleted")
    assert as_it_is([offer, removed]) == [offer, removed]


@pytest.fixture
def masks(monkeypatch: pytest.MonkeyPatch) -> None:
    one = verdict("mask", labels=("contact_exchange",), masked=MASKED)
    monkeypatch.setattr(moderation, "scan", lambda text, *, context=None: one)


@pytest.mark.usefixtures("masks")
async def test_a_masked_post_is_replayed_masked(world: World) -> None:
    author, reader = await world.person(), await world.person()
    await world.post(author, content=PHONE)
    await world.work("scan_post", times=2)
    told = await replayed(world, FEED, reader)
    assert [one["data"]["post"]["content"] for one in told] == [MASKED, MASKED]
    assert [one["seq"] for one in told] == [1, 2]


@pytest.mark.usefixtures("masks")
async def test_a_masked_answer_is_told_anew_and_replayed_masked(world: World) -> None:
    author, helper = await world.person(), await world.person()
    post = await world.post(author)
    await world.answer(helper, post, content=PHONE)
    await world.work("scan_response", times=2)
    assert await world.names(post_room(post.id)) == ["response:new", "response:changed"]
    for room in (post_room(post.id), user_room(author.id)):
        told = await replayed(world, room, author)
        assert [one["data"]["response"]["content"] for one in told] == [MASKED, MASKED]
