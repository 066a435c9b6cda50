"""What `domain.ports.VoiceNotes` promises, and that nothing is left of a note that went."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorGridFSBucket
from msgspec.structs import replace

from domain.errors import Gone, NotFound
from domain.ids import new_id
from domain.ports import Ports
from domain.voice_notes import VoiceNote
from tests.contract.conftest import Bench
from tests.contract.makers import NOON, Makers

SOUND = bytes(range(256)) * 2000
"""More than one chunk of GridFS."""
LATER = NOON + timedelta(seconds=1)


def claimed_by(note: VoiceNote, answer: str, **fields: Any) -> VoiceNote:
    usual = {"answer": answer, "response_id": new_id(), "post_id": new_id(), "touched_at": LATER}
    return replace(note, **{**usual, **fields})


async def test_a_note_comes_back_as_it_was_stored(ports: Ports, make: Makers) -> None:
    note, notes = make.voice_note(), ports.content.voice_notes
    assert await notes.add(note, SOUND) == note
    assert await notes.get(note.id) == note
    assert await notes.by_client_id(note.author_id, note.client_id) == note
    assert await notes.get(new_id()) is None
    assert await notes.by_client_id(new_id(), note.client_id) is None


async def test_any_part_of_the_sound_is_read(ports: Ports, make: Makers) -> None:
    note, notes = make.voice_note(), ports.content.voice_notes
    await notes.add(note, SOUND)
    size = len(SOUND)
    for start, length in ((0, size), (0, 1), (size - 1, 1), (261_000, 300), (5, 0), (size - 10, 100)):
        assert await notes.read(note.id, start, length) == SOUND[start : start + length]
    with pytest.raises(NotFound):
        await notes.read(new_id(), 0, 10)


async def test_a_client_id_makes_one_note_also_when_tried_at_once(ports: Ports, make: Makers) -> None:
    notes, author_id = ports.content.voice_notes, new_id()
    tries = [make.voice_note(author_id=author_id, client_id="the-same-one") for _ in range(4)]
    stored = await asyncio.gather(*(notes.add(one, SOUND) for one in tries))
    assert len({one.id for one in stored}) == 1
    assert [one.id for one in await notes.of_author(author_id)] == [stored[0].id]
    for other in tries:
        if other.id != stored[0].id:
            with pytest.raises(NotFound):
                await notes.read(other.id, 0, 1)


async def test_one_answer_claims_a_note_and_may_do_so_again(ports: Ports, make: Makers) -> None:
    note, notes = make.voice_note(), ports.content.voice_notes
    await notes.add(note, b"sound")
    tries = [claimed_by(note, answer) for answer in ("one", "one", "two", "three")]
    found = await asyncio.gather(*(notes.claim(one) for one in tries))
    winner = await notes.get(note.id)
    assert winner is not None
    assert winner.state == "claimed"
    assert {(one.answer, one.response_id) for one in found if one} == {(winner.answer, winner.response_id)}
    again = await notes.claim(claimed_by(note, winner.answer or "", touched_at=LATER + timedelta(hours=1)))
    assert again == replace(winner, touched_at=LATER + timedelta(hours=1))
    assert await notes.claim(claimed_by(make.voice_note(), "one")) is None


async def test_what_is_unsettled_is_found_until_it_is_settled_or_dropped(ports: Ports, make: Makers) -> None:
    notes = ports.content.voice_notes
    unused, claimed = make.voice_note(), make.voice_note(touched_at=NOON - timedelta(hours=1))
    for note in (unused, claimed):
        await notes.add(note, b"sound")
    claim = await notes.claim(claimed_by(claimed, "one", touched_at=NOON - timedelta(minutes=1)))
    assert await notes.unsettled(LATER, 10) == [claim, unused]
    assert await notes.unsettled(NOON, 10) == [claim]
    assert await notes.unsettled(LATER, 1) == [claim]
    await notes.settle(claimed.id)
    assert await notes.unsettled(LATER, 10) == [unused]
    assert not await notes.drop(unused.id, NOON)
    assert await notes.drop(unused.id, LATER)
    assert not await notes.drop(unused.id, LATER)
    assert await notes.unsettled(LATER, 10) == []
    assert await notes.get(unused.id) is None
    with pytest.raises(NotFound):
        await notes.read(unused.id, 0, 1)


async def test_a_settled_note_is_claimed_by_nobody_else(ports: Ports, make: Makers) -> None:
    note, notes = make.voice_note(), ports.content.voice_notes
    await notes.add(note, b"sound")
    first = await notes.claim(claimed_by(note, "one"))
    await notes.settle(note.id)
    assert first is not None
    assert await notes.claim(claimed_by(note, "two")) == replace(first, state="answered")


async def test_a_client_id_is_free_again_once_its_note_was_dropped(ports: Ports, make: Makers) -> None:
    note, notes = make.voice_note(), ports.content.voice_notes
    await notes.add(note, b"sound")
    await notes.drop(note.id, LATER)
    again = replace(note, id=new_id())
    assert await notes.add(again, b"sound") == again


async def test_notes_are_forgotten_by_thread_and_by_author(ports: Ports, make: Makers) -> None:
    notes, author_id, post_id = ports.content.voice_notes, new_id(), new_id()
    said, other = make.voice_note(), make.voice_note()
    own = [make.voice_note(author_id=author_id, created_at=NOON + timedelta(hours=n)) for n in range(2)]
    for note in (said, other, *own):
        await notes.add(note, b"sound")
    await notes.claim(claimed_by(said, "one", post_id=post_id))
    await notes.forget_thread(post_id)
    await notes.forget_thread(post_id)
    assert await notes.get(said.id) is None
    assert await notes.of_author(author_id) == own
    assert [await notes.forget(author_id, 1) for _ in range(3)] == [1, 1, 0]
    assert await notes.of_author(author_id) == []
    assert await notes.get(other.id) == other


async def stored(database: Any) -> dict[str, int]:
    names = ("voice_notes", "voice_notes.files", "voice_notes.chunks")
    return {name: await database[name].count_documents({}) for name in names}


async def test_nothing_is_left_in_gridfs_of_notes_that_went_or_were_never_whole(
    real_bench: Bench, mongodb_uri: str
) -> None:
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(mongodb_uri, tz_aware=True)
    database, notes = client.get_default_database(), real_bench.ports.content.voice_notes
    kept, gone, broken = [real_bench.make.voice_note() for _ in range(3)]
    await notes.add(kept, SOUND)
    await notes.add(gone, SOUND)
    await notes.add(broken, SOUND)
    await database["voice_notes"].update_one({"_id": broken.id}, {"$set": {"stored": False}})
    await database["voice_notes.files"].delete_one({"_id": broken.id})
    assert await notes.get(broken.id) is None
    for note in await notes.unsettled(LATER, 10):
        if note.id != kept.id:
            assert await notes.drop(note.id, LATER)
    assert await stored(database) == {"voice_notes": 1, "voice_notes.files": 1, "voice_notes.chunks": 2}
    client.close()


async def test_nothing_is_left_of_a_note_that_was_forgotten_while_it_came(
    real_bench: Bench, mongodb_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An erasure looks for notes; it must not miss a sound that arrives a moment later."""
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(mongodb_uri, tz_aware=True)
    note, notes = real_bench.make.voice_note(), real_bench.ports.content.voice_notes
    upload = AsyncIOMotorGridFSBucket.upload_from_stream_with_id

    async def overtaken(bucket: AsyncIOMotorGridFSBucket, *sound: Any) -> None:
        assert await notes.forget(note.author_id, 10) == 1
        await upload(bucket, *sound)

    monkeypatch.setattr(AsyncIOMotorGridFSBucket, "upload_from_stream_with_id", overtaken)
    with pytest.raises(Gone):
        await notes.add(note, SOUND)
    assert set((await stored(client.get_default_database())).values()) == {0}
    client.close()
