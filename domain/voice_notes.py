"""Voice notes: what somebody says in answer to a post, with their own voice.

A note is uploaded first, and heard by nobody but its author. One answer claims it, for good; whoever may see
that answer may hear it. What no answer claims is swept.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from domain import access, audio, audit, limits, posts, trust
from domain.accounts import User
from domain.errors import Conflict, Gone, Invalid, NotFound
from domain.ids import new_id
from domain.ports import Ports
from domain.posts import Post
from domain.wire import ClientId, Command, Id, View

VoiceNoteState = Literal["unused", "claimed", "answered"]
"""`claimed`: by an answer that may not have been stored yet; the sweep finds out."""
TAKEN_BACK = frozenset({"removed", "expired"})
SWEEP_BATCH = 100


class VoiceNote(msgspec.Struct, frozen=True, kw_only=True):
    """A document of `voice_notes`; its sound is in GridFS under the same id.

    `answer` is the `client_id` of the response that claimed it, which makes claiming safe to retry;
    `touched_at` is when it was uploaded or claimed.
    """

    id: str
    author_id: str
    client_id: str
    content_type: str
    duration_seconds: float
    bytes: int
    created_at: datetime
    touched_at: datetime
    state: VoiceNoteState = "unused"
    answer: str | None = None
    response_id: str | None = None
    post_id: str | None = None


class VoiceNoteView(View, frozen=True):
    """What is shown of a note; `bytes` and `content_type` are of the file that is served."""

    id: str
    duration_seconds: float
    content_type: str
    bytes: int


class AddVoiceNote(Command, frozen=True):
    client_id: ClientId
    audio: bytes


class OneVoiceNote(Command, frozen=True):
    voice_note_id: Id


async def add_voice_note(command: AddVoiceNote, user: User, ports: Ports) -> VoiceNoteView:
    """Stores the sound of a recording; a retry with the same `client_id` answers the original.

    The file may be Ogg, WebM or MP4 with Opus, ADTS or MP4 with AAC; nothing of it is kept but its sound.
    """
    original = await ports.content.voice_notes.by_client_id(user.id, command.client_id)
    if original is not None:
        return voice_note_view(original)
    await _check_rate(user, ports)
    recording = await _recorded(command.audio, ports)
    note = new_note(command, recording, user, ports)
    return voice_note_view(await ports.content.voice_notes.add(note, recording.data))


async def _check_rate(user: User, ports: Ports) -> None:
    """A new account speaks less often: no scan hears a voice."""
    new = await trust.trust_of(user.id, ports) == "new"
    settings = ports.settings
    most = settings.new_account_voice_notes_per_hour if new else settings.voice_notes_per_hour
    await limits.check("voice_notes", user.id, most, limits.HOUR, ports)


async def _recorded(data: bytes, ports: Ports) -> audio.Recording:
    """In a thread: a minute of sound takes some hundredths of a second, and sockets shall not wait for it."""
    seconds_max = ports.settings.voice_note_seconds_max
    try:
        return await asyncio.to_thread(audio.rewritten, data, seconds_max=seconds_max)
    except audio.TooLong:
        raise Invalid(f"A voice note lasts at most {seconds_max} seconds.", field="audio") from None
    except audio.Unreadable:
        raise Invalid("Please record in Opus (Ogg, WebM, MP4) or AAC (ADTS, MP4).", field="audio") from None


def new_note(command: AddVoiceNote, recording: audio.Recording, user: User, ports: Ports) -> VoiceNote:
    now = ports.now()
    return VoiceNote(
        id=new_id(),
        author_id=user.id,
        client_id=command.client_id,
        content_type=recording.content_type,
        duration_seconds=round(recording.seconds, 2),
        bytes=len(recording.data),
        created_at=now,
        touched_at=now,
    )


def voice_note_view(note: VoiceNote) -> VoiceNoteView:
    return VoiceNoteView(
        id=note.id, duration_seconds=note.duration_seconds, content_type=note.content_type, bytes=note.bytes
    )


async def claim_voice_note(note_id: str, client_id: str, post: Post, user: User, ports: Ports) -> VoiceNote:
    """The note, for the answer with this `client_id` and no other; its `response_id` is the answer's id."""
    note = await ports.content.voice_notes.get(note_id)
    if note is not None and note.author_id == user.id:
        claimed = msgspec.structs.replace(
            note, answer=client_id, response_id=new_id(), post_id=post.id, touched_at=ports.now()
        )
        note = await ports.content.voice_notes.claim(claimed)
    if note is None or note.author_id != user.id:
        raise Invalid("There is no voice note with this id.", field="voice_note_id")
    if (note.answer, note.post_id) != (client_id, post.id):
        raise Conflict("This voice note is in another answer.", field="voice_note_id")
    return note


async def open_voice_note(query: OneVoiceNote, user: User, ports: Ports) -> VoiceNote:
    """The note, for whoever may hear it now; `gone` when they see its post, and the answer is not there."""
    note = await ports.content.voice_notes.get(query.voice_note_id)
    if note is None:
        raise NotFound
    if not await _hears_as_moderator(note, user, ports):
        await _check_heard(note, user, ports)
    return note


async def _check_heard(note: VoiceNote, user: User, ports: Ports) -> None:
    """Its author hears it as long as they did not take it back: also what is held or hidden, to appeal."""
    response = await ports.content.responses.get(note.response_id) if note.response_id else None
    if note.author_id == user.id and (response is None or response.status not in TAKEN_BACK):
        return
    if response is None:
        raise NotFound
    await posts.visible_post(response.post_id, user, ports)
    if response.author_id in await ports.records.blocks.around(user.id):
        raise NotFound
    if response.status != "live":
        raise Gone


async def _hears_as_moderator(note: VoiceNote, user: User, ports: Ports) -> bool:
    """Whoever holds a case about the answer hears it whatever became of it; the audit log says so."""
    if user.role not in access.MODERATORS or note.response_id is None:
        return False
    case = await ports.records.cases.held_by(user.id, "response", note.response_id, ports.now())
    if case is None:
        return False
    async with ports.transaction() as tx:
        await audit.note(
            "moderation.listen",
            user.id,
            tx,
            ports,
            target="response",
            target_id=note.response_id,
            case_id=case.id,
        )
    return True


async def sweep_voice_notes(ports: Ports) -> int:
    """Deletes notes that no answer claimed in time, and what a dying process left; returns how many."""
    before = ports.now() - timedelta(seconds=ports.settings.voice_note_unused_seconds)
    swept = 0
    while waiting := await ports.content.voice_notes.unsettled(before, SWEEP_BATCH):
        for note in waiting:
            swept += await _settle(note, before, ports)
    return swept


async def _settle(note: VoiceNote, before: datetime, ports: Ports) -> bool:
    if await _is_answered(note, ports):
        await ports.content.voice_notes.settle(note.id)
        return False
    return await ports.content.voice_notes.drop(note.id, before)


async def _is_answered(note: VoiceNote, ports: Ports) -> bool:
    """False also when the post's time was over before anybody looked."""
    if note.response_id is None or await ports.content.responses.get(note.response_id) is None:
        return False
    post = await ports.content.posts.get(note.post_id or "")
    return post is not None and post.status != "expired"
