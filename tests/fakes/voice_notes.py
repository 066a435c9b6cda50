"""Voice notes in memory."""

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from domain.errors import NotFound
from domain.voice_notes import VoiceNote


class FakeVoiceNotes:
    def __init__(self) -> None:
        self.notes: dict[str, VoiceNote] = {}
        self.sounds: dict[str, bytes] = {}

    async def add(self, note: VoiceNote, audio: bytes) -> VoiceNote:
        original = await self.by_client_id(note.author_id, note.client_id)
        if original is not None:
            return original
        self.notes[note.id], self.sounds[note.id] = note, audio
        return note

    async def get(self, id: str) -> VoiceNote | None:
        return self.notes.get(id)

    async def by_client_id(self, author_id: str, client_id: str) -> VoiceNote | None:
        key = (author_id, client_id)
        return next((one for one in self.notes.values() if (one.author_id, one.client_id) == key), None)

    async def read(self, id: str, start: int, size: int) -> bytes:
        if id not in self.sounds:
            raise NotFound
        return self.sounds[id][start : start + size]

    async def claim(self, claimed: VoiceNote) -> VoiceNote | None:
        note = self.notes.get(claimed.id)
        if note is not None and note.state == "unused":
            self.notes[note.id] = replace(claimed, state="claimed")
        elif note is not None and (note.state, note.answer) == ("claimed", claimed.answer):
            self.notes[note.id] = replace(note, touched_at=claimed.touched_at)
        return self.notes.get(claimed.id)

    async def unsettled(self, before: datetime, limit: int) -> list[VoiceNote]:
        found = [one for one in self.notes.values() if one.state != "answered" and one.touched_at < before]
        return sorted(found, key=lambda one: one.touched_at)[:limit]

    async def settle(self, id: str) -> None:
        if self.notes[id].state == "claimed":
            self.notes[id] = replace(self.notes[id], state="answered")

    async def drop(self, id: str, before: datetime) -> bool:
        return bool(self._forget(lambda note: note.id == id and note.touched_at < before))

    async def forget_thread(self, post_id: str) -> None:
        self._forget(lambda note: note.post_id == post_id)

    async def of_author(self, author_id: str) -> list[VoiceNote]:
        found = [one for one in self.notes.values() if one.author_id == author_id]
        return sorted(found, key=lambda one: one.created_at)

    async def forget(self, author_id: str, limit: int) -> int:
        ids = [note.id for note in self.notes.values() if note.author_id == author_id][:limit]
        return self._forget(lambda note: note.id in ids)

    def _forget(self, which: Callable[[VoiceNote], bool]) -> int:
        gone = [note.id for note in self.notes.values() if which(note)]
        for id in gone:
            del self.notes[id], self.sounds[id]
        return len(gone)
