"""The MongoDB side: what people wrote and gave."""

from db.mongo.checkins import CheckInDocuments
from db.mongo.cravings import CravingDocuments
from db.mongo.database import Mongo
from db.mongo.posts import PostDocuments
from db.mongo.responses import ResponseDocuments
from db.mongo.supports import SupportDocuments
from db.mongo.voice_notes import VoiceNoteDocuments
from domain.ports import Content


def content(database: Mongo) -> Content:
    return Content(
        posts=PostDocuments(database),
        responses=ResponseDocuments(database),
        supports=SupportDocuments(database),
        checkins=CheckInDocuments(database),
        cravings=CravingDocuments(database),
        voice_notes=VoiceNoteDocuments(database),
    )
