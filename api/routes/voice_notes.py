"""Voice notes: sent before the answer that they are in, and heard by those who see it."""

from api.download import Download
from api.route import UPLOADS, Routes
from api.upload import Upload
from domain import audio, voice_notes
from domain.accounts import User
from domain.ports import Ports
from domain.voice_notes import AddVoiceNote, OneVoiceNote, VoiceNote, VoiceNoteView

routes = Routes()

RECORDING = Upload(
    field="audio",
    media=(
        "audio/ogg",
        "audio/webm",
        "audio/aac",
        "audio/mp4",
        "audio/m4a",
        "audio/x-m4a",
        "application/octet-stream",
    ),
    bytes_max=lambda settings: settings.voice_note_bytes_max,
)
FILE_NAMES = {audio.OPUS: "voice-note.ogg", audio.AAC: "voice-note.aac"}


@routes.signed_in("POST", "/v1/voice-notes", limit=UPLOADS, status=201, upload=RECORDING)
async def add_voice_note(command: AddVoiceNote, user: User, ports: Ports) -> VoiceNoteView:
    """Stores the sound of a recording (Opus in Ogg, WebM, MP4; AAC in ADTS, MP4), and nothing else of it."""
    return await voice_notes.add_voice_note(command, user, ports)


@routes.signed_in("GET", "/v1/voice-notes/{voice_note_id}", media=tuple(FILE_NAMES))
async def get_voice_note(query: OneVoiceNote, user: User, ports: Ports) -> Download:
    """The sound of a voice note, whole or in part, for whoever sees the answer that it is in."""
    return sound_of(await voice_notes.open_voice_note(query, user, ports), ports)


def sound_of(note: VoiceNote, ports: Ports) -> Download:
    async def read(start: int, size: int) -> bytes:
        return await ports.content.voice_notes.read(note.id, start, size)

    return Download(note.content_type, FILE_NAMES[note.content_type], note.id, note.bytes, read)
