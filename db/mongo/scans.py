"""What scans left beside posts and responses, read by the time of what was written."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pymongo import ASCENDING

from db.mongo.database import Document
from domain.clock import EPOCH
from domain.errors import Invalid
from domain.pages import Cursor

BY_TIME = [("created_at", ASCENDING), ("key", ASCENDING)]


def made_since(since: datetime, after: Cursor | None) -> Document:
    """A cursor is the Unix milliseconds and the id of the last one read."""
    match after:
        case None:
            return {"created_at": {"$gte": since}}
        case [int(milliseconds), str(key)]:
            at = EPOCH + timedelta(milliseconds=milliseconds)
            return {"$or": [{"created_at": {"$gt": at}}, {"created_at": at, "key": {"$gt": key}}]}
    raise Invalid("This cursor belongs to another list.", field="cursor")


def actions_of(document: Document) -> Sequence[str]:
    return list((document.get("verdict") or {}).get("actions", ()))
