"""Exports for those without a session: what somebody gave stays theirs when they are banned."""

from api.download import Download
from api.route import LOGINS, Routes
from api.routes.voice_notes import FILE_NAMES, sound_of
from domain import export, proof
from domain.export import Export, ExportVoiceNote, ExportWithoutSession
from domain.ports import Ports

routes = Routes()


@routes.public("POST", "/v1/exports", limit=LOGINS, guesses=proof.counted_proof)
async def export_without_session(command: ExportWithoutSession, ports: Ports) -> Export:
    """Everything one gave, a page at a time, for whoever proves whose it is, also when banned."""
    return await export.export_without_session(command, ports)


@routes.public(
    "POST",
    "/v1/exports/voice-notes/{voice_note_id}",
    limit=LOGINS,
    guesses=proof.counted_proof,
    media=tuple(FILE_NAMES),
)
async def export_voice_note(command: ExportVoiceNote, ports: Ports) -> Download:
    """The sound of a voice note of one's own, with the same proof."""
    return sound_of(await export.export_voice_note(command, ports), ports)
