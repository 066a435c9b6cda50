"""Check-ins and slips in MongoDB. The id is the client's retry, so a second sending finds itself there."""

from datetime import datetime

import msgspec
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from db.mongo.database import Document, Mongo, reachable
from domain.checkins import CheckIn
from domain.streaks import Mark

MARK_FIELDS = dict.fromkeys(Mark.__struct_fields__, 1)


class CheckInDocuments:
    def __init__(self, database: Mongo) -> None:
        self._checkins = database["checkins"]

    async def add(self, check_in: CheckIn) -> CheckIn:
        try:
            with reachable():
                await self._checkins.insert_one(document_of(check_in))
        except DuplicateKeyError:
            return await self.get(check_in.id) or check_in
        return check_in

    async def get(self, id: str) -> CheckIn | None:
        with reachable():
            found = await self._checkins.find_one({"_id": id})
        return check_in_of(found) if found else None

    async def count(self, tracker_id: str) -> int:
        with reachable():
            return int(await self._checkins.count_documents({"tracker_id": tracker_id}))

    async def marks(self, tracker_id: str) -> list[Mark]:
        with reachable():
            found = await self._checkins.find({"tracker_id": tracker_id}, MARK_FIELDS).to_list(None)
        return [msgspec.convert(document, Mark) for document in found]

    async def recorded(self, after: datetime, before: datetime, limit: int) -> list[CheckIn]:
        query = {"recorded_at": {"$gt": after, "$lt": before}}
        with reachable():
            found = (
                await self._checkins.find(query).sort("recorded_at", ASCENDING).limit(limit).to_list(limit)
            )
        return [check_in_of(document) for document in found]

    async def page(self, account_id: str, after: str, limit: int) -> list[CheckIn]:
        query = {"account_id": account_id, "_id": {"$gt": after}}
        with reachable():
            found = await self._checkins.find(query).sort("_id", ASCENDING).limit(limit).to_list(limit)
        return [check_in_of(document) for document in found]

    async def forget(self, account_id: str, limit: int) -> int:
        with reachable():
            found = (
                await self._checkins.find({"account_id": account_id}, {"_id": 1}).limit(limit).to_list(limit)
            )
            result = await self._checkins.delete_many({"_id": {"$in": [one["_id"] for one in found]}})
        return int(result.deleted_count)


def document_of(check_in: CheckIn) -> Document:
    document: Document = msgspec.structs.asdict(check_in)
    return {"_id": document.pop("id"), **document, "day": check_in.day.isoformat()}


def check_in_of(document: Document) -> CheckIn:
    return msgspec.convert({**document, "id": document["_id"]}, CheckIn)
