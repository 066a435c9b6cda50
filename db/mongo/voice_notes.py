"""Voice notes in MongoDB: a document each, and its sound in GridFS under the same id.

The document is written first and says `stored` last, so that whatever dies in between is found by the sweep.
"""

from contextlib import suppress
from datetime import datetime

import msgspec
from gridfs.errors import NoFile
from motor.motor_asyncio import AsyncIOMotorGridFSBucket
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from db.mongo.database import Document, Mongo, reachable
from domain.errors import Gone, NotFound
from domain.voice_notes import VoiceNote

BUCKET = "voice_notes"
CLAIM_FIELDS = ("answer", "response_id", "post_id", "touched_at")


class VoiceNoteDocuments:
    def __init__(self, database: Mongo) -> None:
        self._notes = database["voice_notes"]
        self._sounds = AsyncIOMotorGridFSBucket(database, BUCKET)

    async def add(self, note: VoiceNote, audio: bytes) -> VoiceNote:
        """Of two at the same moment the second makes room again for the first. A note that was forgotten
        while its sound was on the way takes the sound along: nothing else would lead to it."""
        with reachable():
            await self._notes.insert_one(document_of(note))
            await self._sounds.upload_from_stream_with_id(note.id, note.id, audio)
        try:
            with reachable():
                result = await self._notes.update_one({"_id": note.id}, {"$set": {"stored": True}})
        except DuplicateKeyError:
            await self._delete(note.id)
            original = await self.by_client_id(note.author_id, note.client_id)
            if original is None:
                raise
            return original
        if not result.matched_count:
            await self._delete(note.id)
            raise Gone
        return note

    async def get(self, id: str) -> VoiceNote | None:
        return await self._one({"_id": id})

    async def by_client_id(self, author_id: str, client_id: str) -> VoiceNote | None:
        return await self._one({"author_id": author_id, "client_id": client_id})

    async def _one(self, query: Document) -> VoiceNote | None:
        with reachable():
            found = await self._notes.find_one({**query, "stored": True})
        return note_of(found) if found else None

    async def read(self, id: str, start: int, size: int) -> bytes:
        try:
            with reachable():
                sound = await self._sounds.open_download_stream(id)
                sound.seek(start)
                return bytes(await sound.read(size))
        except NoFile:
            raise NotFound from None

    async def claim(self, claimed: VoiceNote) -> VoiceNote | None:
        changes = {name: getattr(claimed, name) for name in CLAIM_FIELDS}
        unused = {"_id": claimed.id, "stored": True, "state": "unused"}
        again = {"_id": claimed.id, "stored": True, "state": "claimed", "answer": claimed.answer}
        with reachable():
            result = await self._notes.update_one(unused, {"$set": {**changes, "state": "claimed"}})
            if not result.matched_count:
                await self._notes.update_one(again, {"$set": {"touched_at": claimed.touched_at}})
        return await self.get(claimed.id)

    async def unsettled(self, before: datetime, limit: int) -> list[VoiceNote]:
        query = {"state": {"$in": ["unused", "claimed"]}, "touched_at": {"$lt": before}}
        with reachable():
            found = await self._notes.find(query).sort("touched_at", ASCENDING).limit(limit).to_list(limit)
        return [note_of(document) for document in found]

    async def settle(self, id: str) -> None:
        with reachable():
            await self._notes.update_one({"_id": id, "state": "claimed"}, {"$set": {"state": "answered"}})

    async def drop(self, id: str, before: datetime) -> bool:
        with reachable():
            result = await self._notes.update_one(
                {"_id": id, "touched_at": {"$lt": before}}, {"$set": {"stored": False}}
            )
        if not result.matched_count:
            return False
        await self._delete(id)
        return True

    async def _delete(self, id: str) -> None:
        """The document last: as long as it is there, somebody comes back for the rest."""
        with reachable():
            with suppress(NoFile):
                await self._sounds.delete(id)
            await self._notes.delete_one({"_id": id})

    async def forget_thread(self, post_id: str) -> None:
        await self._forget({"post_id": post_id}, None)

    async def of_author(self, author_id: str) -> list[VoiceNote]:
        query = {"author_id": author_id, "stored": True}
        with reachable():
            found = await self._notes.find(query).sort("created_at", ASCENDING).to_list(None)
        return [note_of(document) for document in found]

    async def forget(self, author_id: str, limit: int) -> int:
        return await self._forget({"author_id": author_id}, limit)

    async def _forget(self, query: Document, limit: int | None) -> int:
        with reachable():
            found = await self._notes.find(query, {"_id": True}).to_list(limit)
        for document in found:
            await self._delete(document["_id"])
        return len(found)


def document_of(note: VoiceNote) -> Document:
    document: Document = msgspec.structs.asdict(note)
    return {"_id": document.pop("id"), **document, "stored": False}


def note_of(document: Document) -> VoiceNote:
    return msgspec.convert({**document, "id": document["_id"]}, VoiceNote)
